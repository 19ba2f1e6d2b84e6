package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// missed remembers, while the journal cannot write, which resources calls went
// through to, so that one gap per resource covers the time. The list is kept in
// a file as well: a process that dies meanwhile owes its gaps to the next one.
type missed struct {
	file  *missedFile   // nil: it could not be opened
	fresh chan struct{} // receives when a resource is new in calls

	mu    sync.Mutex
	calls map[webhook.EntityKey]*missedCalls // by api and resource
}

type missedCalls struct {
	gap      webhook.ExchangeID // what the gap is recorded as
	from, to time.Time
	count    int // that this process knows of
	why      string
	died     bool // an earlier process died before it could record the gap
}

// open takes up what an earlier process left behind under dir. all is whether
// it is not known which resources that were.
func (m *missed) open(dir string) (all bool, err error) {
	m.fresh = make(chan struct{}, 1)
	m.calls = make(map[webhook.EntityKey]*missedCalls)
	file, left, err := openMissed(filepath.Join(dir, "missed"))
	m.file = file
	if errors.Is(err, errMissedUnreadable) {
		return true, nil
	}
	now := time.Now()
	for _, l := range left {
		m.calls[webhook.EntityKey{API: l.API, Resource: l.Resource}] = &missedCalls{
			gap: l.Gap, from: l.From, to: now, why: l.Why, died: true,
		}
	}
	return false, err
}

// addAll notes that calls to any of keys may have been missed before this
// process began.
func (m *missed) addAll(keys []webhook.EntityKey, why error) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		if m.calls[key] == nil {
			m.calls[key] = &missedCalls{gap: webhook.NewExchangeID(now), from: now, to: now, why: why.Error(), died: true}
		}
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
	c := m.calls[key]
	if c == nil {
		c = &missedCalls{gap: webhook.NewExchangeID(at), from: at, why: why.Error()}
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
	for _, c := range m.calls {
		if oldest.IsZero() || c.from.Before(oldest) {
			oldest = c.from
		}
	}
	return oldest
}

// run records a gap for each resource once the journal writes again.
func (m *missed) run(ctx context.Context, e *engine) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-m.fresh:
			m.keep(e)
			continue
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
func (m *missed) flush(e *engine) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	m.recordAll(ctx, e)
	if since := m.since(); !since.IsZero() {
		m.keep(e)
		e.logger.Error("calls were missed, and no gap that says so could be recorded; the next start does it", "since", since)
	}
}

func (m *missed) close() error {
	if m.file == nil {
		return nil
	}
	return m.file.close()
}

// keep brings the file up to date.
func (m *missed) keep(e *engine) {
	if m.file == nil {
		return
	}
	m.mu.Lock()
	entries := make([]missedEntry, 0, len(m.calls))
	for key, c := range m.calls {
		entries = append(entries, missedEntry{c.gap, key.API, key.Resource, c.from, c.why})
	}
	m.mu.Unlock()
	if err := m.file.write(entries); err != nil {
		e.logger.Error("missed calls are not noted on disk; should the process die now, no gap tells of them", "error", err)
	}
}

// recordAll records the gap of each resource. A call that is missed meanwhile
// begins another one.
func (m *missed) recordAll(ctx context.Context, e *engine) {
	m.mu.Lock()
	calls := make(map[webhook.EntityKey]missedCalls, len(m.calls))
	for key, c := range m.calls {
		calls[key] = *c
	}
	m.mu.Unlock()
	for key, c := range calls {
		if err := e.deriver.Gap(ctx, c.gap, key, c.asGap()); err != nil {
			e.logger.Error("a gap could not be recorded yet", "resource", key.Resource, "error", err)
			continue
		}
		m.recorded(key, c)
	}
	if len(calls) > 0 {
		m.keep(e)
	}
}

// recorded notes that the gap c is recorded. Calls that were missed since then
// want another one.
func (m *missed) recorded(key webhook.EntityKey, c missedCalls) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.calls[key]
	if now.count == c.count {
		delete(m.calls, key)
		return
	}
	*now = missedCalls{gap: webhook.NewExchangeID(c.to), from: c.to, to: now.to, count: now.count - c.count, why: now.why}
}

func (c missedCalls) asGap() webhook.Gap {
	detail := fmt.Sprintf("%d calls went through while the journal could not write (%s)", c.count, c.why)
	if c.died {
		detail = fmt.Sprintf("calls went through while the journal could not write (%s); the process ended before their number was kept", c.why)
	}
	return webhook.Gap{Reason: webhook.GapJournal, From: c.from, To: c.to, Detail: detail}
}
