package missed

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Open takes up what an earlier process left behind under dir. If that cannot be read, it
// is tried again whenever something is to be kept.
func (l *List) Open(dir string) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.path = filepath.Join(dir, "missed")
	l.say(l.openFile())
}

// openFile opens the file, if it is not open. The caller holds writing.
func (l *List) openFile() error {
	if l.file != nil || l.path == "" {
		return nil
	}
	file, left, err := openFile(l.path)
	l.file = file
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(err, errUnreadable) {
		l.any, err = errUnreadable, nil
	}
	for _, e := range left {
		if e.API == "" {
			l.any = errors.New(e.Why)
			continue
		}
		key := webhook.EntityKey{API: e.API, Resource: e.Resource}
		l.owed = append(l.owed, &calls{key: key, gap: e.Gap, from: e.From, to: now, why: e.Why, died: true})
	}
	if l.file != nil {
		l.isFresh() // with what was missed before there was a file
	}
	return err
}

// Close lets go of the file. What is noted later is in no file.
func (l *List) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.path = "" // what stands there may be another process's by now
	if l.file == nil {
		return nil
	}
	err := l.file.close()
	l.file = nil
	return err
}

// isFresh has the file brought up to date.
func (l *List) isFresh() {
	select {
	case l.fresh <- struct{}{}:
	default:
	}
}

// KeepUp keeps the file up to date until ctx ends, however long that takes.
func (l *List) KeepUp(ctx context.Context) {
	for {
		select {
		case <-l.fresh:
			l.keep()
		case <-ctx.Done():
			return
		}
	}
}

// keep brings the file up to date, if there is one, and reports whether it is.
func (l *List) keep() bool {
	l.writing.Lock()
	defer l.writing.Unlock()
	defer close(l.nextNoted())
	err := l.openFile()
	if err == nil && l.file != nil {
		err = l.file.write(l.entries())
	}
	l.say(err)
	return err == nil && l.file != nil
}

// sayAgain is how long what was said of the file is not said again.
const sayAgain = 10 * time.Minute

// say tells the operator that the file cannot be kept: once, for each reason, and now and
// then for as long as it lasts. The caller holds writing.
func (l *List) say(err error) {
	switch {
	case err == nil && l.said == "":
	case err == nil:
		l.said = ""
		l.log.Info("missed calls are noted on disk again")
	case err.Error() != l.said || time.Since(l.saidAt) > sayAgain:
		l.said, l.saidAt = err.Error(), time.Now()
		l.log.Error("missed calls cannot be noted on disk; should the process die now, no gap tells of them", "error", err)
	}
}

// nextNoted returns what is to be closed when all that is known now is in the file.
func (l *List) nextNoted() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	noted := l.noted
	l.noted = make(chan struct{})
	return noted
}

// entries returns what the file is to say.
func (l *List) entries() (entries []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.any != nil {
		entries = append(entries, entry{From: time.Now(), Why: l.any.Error()})
	}
	all := l.all()
	for _, c := range l.expected {
		if !l.covers(c) {
			all = append(all, c)
		}
	}
	for _, c := range all {
		entries = append(entries, entry{c.gap, c.key.API, c.key.Resource, c.from, c.why})
	}
	return entries
}
