package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// missed remembers, while the journal cannot write, which resources calls went
// through to, so that one gap per resource covers the time. The list is kept in
// a file as well: a process that dies meanwhile owes its gaps to the next one.
type missed struct {
	fresh chan struct{} // receives when a resource is new in calls

	writing sync.Mutex
	path    string      // of file; "": not known yet
	file    *missedFile // nil: it could not be opened

	mu    sync.Mutex
	calls map[webhook.EntityKey]*missedCalls // by api and resource; more may come

	// any is why something may have been missed of any resource; nil: nothing was.
	any error

	// owed are calls that no more come to: their gaps are being recorded. What
	// is missed meanwhile wants a gap of its own, since that of these may be
	// recorded already when the process dies.
	owed []*missedCalls
}

// Where a resource's name has parameters, callers make up the names. Beyond
// mostMissed of them, one gap for anyResource of the api stands for the others.
const (
	mostMissed  = 4096
	anyResource = "*"
)

// Why something may have been missed of any resource.
var (
	errStoreAnew     = errors.New("the store was gone, and is begun anew: what it knew and what it owed is lost")
	errJournalBehind = errors.New("the newest part of the journal was gone: calls in it that were not derived yet are lost")
)

type missedCalls struct {
	key      webhook.EntityKey
	gap      webhook.ExchangeID // what the gap is recorded as
	from, to time.Time
	count    int // that this process knows of
	why      string
	died     bool // an earlier process died before it could record the gap
}

func (m *missed) init() {
	m.fresh = make(chan struct{}, 1)
	m.calls = make(map[webhook.EntityKey]*missedCalls)
}

// open takes up what an earlier process left behind under dir, once.
func (m *missed) open(dir string) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	m.path = filepath.Join(dir, "missed")
	return m.openFile()
}

// openFile opens the file, if it is not open. The caller holds writing.
func (m *missed) openFile() error {
	if m.file != nil || m.path == "" {
		return nil
	}
	file, left, err := openMissed(m.path)
	m.file = file
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if errors.Is(err, errMissedUnreadable) {
		m.any, err = errMissedUnreadable, nil
	}
	for _, l := range left {
		if l.API == "" {
			m.any = errors.New(l.Why)
			continue
		}
		key := webhook.EntityKey{API: l.API, Resource: l.Resource}
		m.owed = append(m.owed, &missedCalls{key: key, gap: l.Gap, from: l.From, to: now, why: l.Why, died: true})
	}
	if m.file != nil {
		m.isFresh() // with what was missed before there was a file
	}
	return err
}

// lose notes, also on disk, that something may have been missed of any resource.
func (m *missed) lose(why error, log *slog.Logger) {
	m.mu.Lock()
	known := m.any != nil
	if !known {
		m.any = why
	}
	m.mu.Unlock()
	if !known {
		log.Error("something is lost; a gap of each resource will say so", "error", why)
		m.keep(log)
	}
}

// resolve makes of what may have been missed of any resource one of each of keys.
func (m *missed) resolve(keys []webhook.EntityKey) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.any == nil {
		return
	}
	why := m.any.Error()
	m.any = nil
	for _, key := range keys {
		m.owed = append(m.owed, &missedCalls{key: key, gap: webhook.NewExchangeID(now), from: now, to: now, why: why, died: true})
	}
	m.isFresh()
}

// isFresh has the file brought up to date.
func (m *missed) isFresh() {
	select {
	case m.fresh <- struct{}{}:
	default:
	}
}

// add notes a call that went through and was not journaled.
func (m *missed) add(key webhook.EntityKey, at time.Time, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls[key] == nil && len(m.calls) >= mostMissed {
		key.Resource = anyResource
	}
	c := m.calls[key]
	if c == nil {
		c = &missedCalls{key: key, gap: webhook.NewExchangeID(at), from: at, why: why.Error()}
		m.calls[key] = c
		m.isFresh()
	}
	c.to = time.Now()
	c.count++
}

// since returns when the oldest call was missed that no gap covers yet; zero
// if there is none.
func (m *missed) since() (oldest time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.all() {
		if oldest.IsZero() || c.from.Before(oldest) {
			oldest = c.from
		}
	}
	return oldest
}

// count returns how many gaps are not recorded yet.
func (m *missed) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.all())
}

// all returns what no gap covers yet. The caller holds mu.
func (m *missed) all() []*missedCalls {
	return slices.AppendSeq(slices.Clone(m.owed), maps.Values(m.calls))
}

// keepUp keeps the file up to date until ctx ends, however long that takes.
func (m *missed) keepUp(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case <-m.fresh:
			m.keep(log)
		case <-ctx.Done():
			return
		}
	}
}

// run records a gap for each resource once the journal writes again.
func (m *missed) run(ctx context.Context, e *Engine) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !m.since().IsZero() && e.Healthy() {
			m.recordAll(ctx, e)
		}
	}
}

// flush records what is left when the engine closes, whatever the journal's
// health: the store may have room. What cannot be recorded is for the next
// process.
func (m *missed) flush(e *Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	m.recordAll(ctx, e)
	m.leave(e.Logger)
}

// leave leaves to the next process what is not recorded.
func (m *missed) leave(log *slog.Logger) {
	since := m.since()
	if since.IsZero() {
		return
	}
	if m.keep(log) {
		log.Error("calls were missed, and no gap that says so could be recorded; the next start does it", "since", since)
	} else {
		log.Error("calls were missed, and no gap will say so: nothing could be written", "since", since)
	}
}

func (m *missed) close() error {
	m.writing.Lock()
	defer m.writing.Unlock()
	m.path = "" // what stands there may be another process's by now
	if m.file == nil {
		return nil
	}
	err := m.file.close()
	m.file = nil
	return err
}

// keep brings the file up to date, if there is one, and reports whether it is.
func (m *missed) keep(log *slog.Logger) bool {
	m.writing.Lock()
	defer m.writing.Unlock()
	if err := m.openFile(); err != nil {
		log.Error("missed calls cannot be noted on disk; should the process die now, no gap tells of them", "error", err)
	}
	if m.file == nil {
		return false
	}
	var entries []missedEntry
	m.mu.Lock()
	if m.any != nil {
		entries = append(entries, missedEntry{From: time.Now(), Why: m.any.Error()})
	}
	for _, c := range m.all() {
		entries = append(entries, missedEntry{c.gap, c.key.API, c.key.Resource, c.from, c.why})
	}
	m.mu.Unlock()
	if err := m.file.write(entries); err != nil {
		log.Error("missed calls are not noted on disk; should the process die now, no gap tells of them", "error", err)
		return false
	}
	return true
}

// recordAll records the gap of each resource. A call that is missed from now on
// begins another one.
func (m *missed) recordAll(ctx context.Context, e *Engine) {
	m.mu.Lock()
	m.owed = m.all()
	clear(m.calls)
	owed := slices.Clone(m.owed)
	m.mu.Unlock()
	for _, c := range owed {
		if err := e.Deriver.Gap(ctx, c.gap, c.key, c.asGap()); err != nil {
			e.Logger.Error("a gap could not be recorded yet", "resource", c.key.Resource, "error", err)
			continue
		}
		m.mu.Lock()
		m.owed = slices.DeleteFunc(m.owed, func(o *missedCalls) bool { return o == c })
		m.mu.Unlock()
		m.keep(e.Logger)
	}
}

func (c *missedCalls) asGap() webhook.Gap {
	switch c.why {
	case errStoreAnew.Error():
		return webhook.Gap{Reason: webhook.GapStore, From: c.from, To: c.to, Detail: c.why}
	case errJournalBehind.Error():
		return webhook.Gap{Reason: webhook.GapJournal, From: c.from, To: c.to, Detail: c.why}
	}
	if c.why == errAboveMax.Error() {
		detail := fmt.Sprintf("%d calls went through while the store took more than store_max and nothing in it could go", c.count)
		if c.died {
			detail = "calls went through while the store took more than store_max and nothing in it could go; the process ended before their number was kept"
		}
		return webhook.Gap{Reason: webhook.GapStore, From: c.from, To: c.to, Detail: detail}
	}
	detail := fmt.Sprintf("%d calls went through while the journal could not write (%s)", c.count, c.why)
	if c.died {
		detail = fmt.Sprintf("calls went through while the journal could not write (%s); the process ended before their number was kept", c.why)
	}
	return webhook.Gap{Reason: webhook.GapJournal, From: c.from, To: c.to, Detail: detail}
}
