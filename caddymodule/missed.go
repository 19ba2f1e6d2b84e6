package caddymodule

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// missed remembers, while the journal cannot write, which resources calls went
// through to, so that one gap per resource covers the time.
type missed struct {
	mu    sync.Mutex
	calls map[webhook.EntityKey]*missedCalls // by api and resource
}

type missedCalls struct {
	from, to time.Time
	count    int
	why      string
}

// add notes a call that went through and was not journaled.
func (m *missed) add(key webhook.EntityKey, at time.Time, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		m.calls = make(map[webhook.EntityKey]*missedCalls)
	}
	c := m.calls[key]
	if c == nil {
		c = &missedCalls{from: at, why: why.Error()}
		m.calls[key] = c
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
// health: the store may have room.
func (m *missed) flush(e *engine) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	m.recordAll(ctx, e)
	if since := m.since(); !since.IsZero() {
		e.logger.Error("calls were missed, and no gap that says so could be recorded", "since", since)
	}
}

func (m *missed) recordAll(ctx context.Context, e *engine) {
	m.mu.Lock()
	calls := m.calls
	m.calls = nil
	m.mu.Unlock()
	for key, c := range calls {
		m.record(ctx, e, key, c)
	}
}

func (m *missed) record(ctx context.Context, e *engine, key webhook.EntityKey, c *missedCalls) {
	g := webhook.Gap{
		Reason: webhook.GapJournal, From: c.from, To: c.to,
		Detail: fmt.Sprintf("%d calls went through while the journal could not write (%s)", c.count, c.why),
	}
	if err := e.deriver.Gap(ctx, webhook.NewExchangeID(c.from), key, g); err != nil {
		e.logger.Error("a gap could not be recorded yet", "resource", key.Resource, "error", err)
		m.putBack(key, c)
	}
}

func (m *missed) putBack(key webhook.EntityKey, c *missedCalls) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		m.calls = make(map[webhook.EntityKey]*missedCalls)
	}
	if later := m.calls[key]; later != nil {
		c.to = later.to
		c.count += later.count
	}
	m.calls[key] = c
}
