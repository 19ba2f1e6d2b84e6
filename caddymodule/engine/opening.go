package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sidehook/sidehook/caddymodule/settings"
)

// How long the first try of a start is waited for, if it may go on behind; how soon
// trouble is tried again at first, and at most; and how long a try that is under way
// is waited for at the end.
const (
	firstTry   = 5 * time.Second
	againFirst = time.Second
	againMost  = time.Minute
	lastTry    = CloseTime / 2
)

// opening tries to open what is behind a front, until that works.
type opening struct {
	pl    *Place
	front *front
	stop  context.CancelFunc
	done  chan struct{} // closed when nobody tries any more
	first chan struct{} // closed when the first try has ended

	opened, closed bool // by who tries: the engine, and all there is

	mu      sync.Mutex
	tries   int       // that have ended
	adopted bool      // nobody waits for the first try any more: a mistake too is tried again
	since   time.Time // of the first error
	err     error     // of the last try
}

// open begins to open what is behind f. With wait, trouble is tried again. The caller
// holds pl.mu.
func (pl *Place) open(f *front, wait bool) *opening {
	o := &opening{pl: pl, front: f, done: make(chan struct{}), first: make(chan struct{})}
	var ctx context.Context
	ctx, o.stop = context.WithCancel(context.Background())
	go o.run(ctx, wait) // ended by end, which Place.close calls
	return o
}

// outcome returns the error of the first try, if that is the end of it: with wait it
// is not if it is trouble, or takes long.
func (o *opening) outcome(wait bool) error {
	timer := time.NewTimer(firstTry)
	defer timer.Stop()
	slow := timer.C
	if !wait {
		slow = nil
	}
	select {
	case <-o.first:
	case <-slow:
		if o.adopt() {
			return nil
		}
	}
	_, err := o.trouble()
	if wait && isTrouble(err) {
		return nil
	}
	if err != nil {
		<-o.done // who comes next is not to count on it
	}
	return err
}

// adopt says that the first try takes too long to be waited for, unless it has ended.
func (o *opening) adopt() (late bool) {
	err := cannotOpen(o.front.Dir, fmt.Errorf("%w within %v", errSlow, firstTry))
	o.mu.Lock()
	if late = o.tries == 0; late {
		o.adopted, o.since, o.err = true, time.Now(), err
	}
	o.mu.Unlock()
	if late {
		o.say(err)
	}
	return late
}

// end stops trying. It reports false if a try is under way that does not end, as on a
// disk that hangs.
func (o *opening) end() bool {
	o.stop()
	timer := time.NewTimer(lastTry)
	defer timer.Stop()
	select {
	case <-o.done:
		return true
	case <-timer.C:
		return false
	}
}

// trouble returns the error of the last try, and since when there is one.
func (o *opening) trouble() (since time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.since, o.err
}

// tried notes what a try came to. It reports whether to try again, and whether err is
// news.
func (o *opening) tried(err error, wait bool) (again, news bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.err
	if o.tries++; o.tries == 1 {
		defer close(o.first)
	}
	o.err = err
	if err == nil {
		return false, was != nil
	}
	if o.since.IsZero() {
		o.since = time.Now()
	}
	again = wait && (isTrouble(err) || o.adopted || o.tries > 1)
	return again, was == nil || withoutDigits(was.Error()) != withoutDigits(err.Error())
}

// withoutDigits returns text without what differs from one try to the next, such as
// how many MiB are left.
func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, text)
}

func (o *opening) run(ctx context.Context, wait bool) {
	defer close(o.done)
	defer o.over()
	for pause := againFirst; ; pause = min(2*pause, againMost) {
		err := o.try(ctx)
		again, news := o.tried(err, wait)
		switch {
		case err == nil && news:
			o.front.Logger.Info("the data directory is open: what is in the journal is derived now, and gaps tell of calls that were missed", "dir", o.front.Dir)
		case again && news:
			o.say(err)
		}
		if !again {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// say tells the operator what goes on, and what to do.
func (o *opening) say(err error) {
	what := "the data directory cannot be opened: the API is served, and its calls are NOT captured; a gap will say so"
	if o.front.Healthy() {
		what = "the store cannot be opened: the API is served, and its calls wait in the journal while that has room; no event comes of them yet"
	}
	o.front.Logger.Error(what+". It is tried again without a restart", "dir", o.front.Dir, "error", err)
}

// try opens what can be, and puts the configurations that wait into force. The first
// of them must be accepted; else the store is closed again.
func (o *opening) try(ctx context.Context) error {
	if err := o.front.open(); err != nil {
		return cannotOpen(o.front.Dir, err)
	}
	e, err := o.front.openBehind()
	if err != nil {
		return cannotOpen(o.front.Dir, err)
	}
	if err := o.keepRules(ctx, e); err != nil {
		return errors.Join(err, e.abandon())
	}
	var active []*settings.Set
	for {
		next, gone, open := o.next(e, active)
		for _, s := range gone {
			e.Deactivate(s)
		}
		if open {
			return nil
		}
		if next == nil || ctx.Err() != nil && len(active) == 0 {
			break
		}
		if err := e.Activate(ctx, next); err == nil {
			active = append(active, next)
		} else if len(active) == 0 {
			return errors.Join(err, e.abandon())
		} else {
			e.Logger.Error("a configuration that came while the data directory was not open is not in force; the one before it is", "error", err)
			o.pl.forget(next)
		}
	}
	if len(active) == 0 {
		return errors.Join(errNobody, e.abandon())
	}
	e.close()
	o.closed = true
	return errNobody
}

// keepRules keeps the rules by which calls were captured before there was a store, also
// of configurations that have left: what is in the journal is derived by them.
func (o *opening) keepRules(ctx context.Context, e *Engine) error {
	o.pl.mu.Lock()
	rules := maps.Clone(o.pl.rules)
	o.pl.mu.Unlock()
	for id, canonical := range rules {
		if err := e.Store.PutConfig(ctx, id, canonical); err != nil {
			return trouble{fmt.Errorf("keep configuration %s: %w", id, err)}
		}
	}
	return nil
}

// errSlow says that it is not known yet what a try comes to.
var errSlow = errors.New("the disk has not answered")

// errNobody ends a try for which nobody waits any more.
var errNobody = errors.New("no configuration uses the directory any more")

// next returns a configuration that waits and is not in active. If there is none, it
// makes e the engine of the place: open; gone are those in active that left meanwhile.
// It does neither if nobody is there any more.
func (o *opening) next(e *Engine, active []*settings.Set) (next *settings.Set, gone []*settings.Set, open bool) {
	pl := o.pl
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.opening != o {
		return nil, nil, false
	}
	for _, s := range pl.pending {
		if !slices.Contains(active, s) {
			return s, nil, false
		}
	}
	if len(active) == 0 {
		return nil, nil, false
	}
	for _, s := range active {
		if !slices.Contains(pl.pending, s) {
			gone = append(gone, s)
		}
	}
	pl.engine, pl.opening, pl.pending, pl.rules = e, nil, nil, nil
	o.opened = true
	return nil, gone, true
}

// over says that nobody tries any more. What is open is the place's, unless that was
// closed meanwhile and did not wait: then it is closed here.
func (o *opening) over() {
	o.pl.mu.Lock()
	mine := o.pl.opening == o
	if mine {
		o.pl.opening = nil
	}
	o.pl.mu.Unlock()
	if mine || o.opened || o.closed {
		return
	}
	if err := o.front.leave(); err != nil {
		o.front.Logger.Error("closing the journal", "dir", o.front.Dir, "error", err)
	}
}
