package engine

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Health is the answer of the health endpoint.
type Health struct {
	Status       string    `json:"status"` // ok or degraded
	Degraded     bool      `json:"degraded"`
	Since        time.Time `json:"since,omitzero"`
	Reason       string    `json:"reason,omitempty"`
	Events       uint64    `json:"events"`             // position of the newest event
	Pending      uint64    `json:"pending"`            // deliveries not settled
	OldestDue    float64   `json:"oldest_due_seconds"` // of an active subscription
	Circuits     int       `json:"circuits_open"`      // of active subscriptions, half open ones included
	Underived    int       `json:"underived"`          // calls read from the journal and not recorded
	Unread       int64     `json:"unread_bytes"`       // of the journal
	JournalBytes int64     `json:"journal_bytes"`
	StoreBytes   int64     `json:"store_bytes"`
	Directory    string    `json:"directory"`
}

// Health says how the engine is, or, as long as it is not open, why.
func (p *Pool) Health(ctx context.Context, dir string) (Health, error) {
	pl, err := p.only(dir)
	if err != nil {
		return Health{}, err
	}
	return pl.health(ctx), nil
}

func (pl *Place) health(ctx context.Context) Health {
	pl.mu.Lock()
	f, e, o, waits := pl.front, pl.engine, pl.opening, pl.waits()
	pl.mu.Unlock()
	if e != nil {
		return e.Health(ctx)
	}
	h := Health{Status: "degraded", Degraded: true, Reason: waits.Error(), Directory: pl.dir}
	if o != nil {
		h.Since, _ = o.trouble()
	}
	if f == nil {
		return h
	}
	if h.Reason += "; calls are not captured meanwhile, and a gap will say so"; f.Healthy() {
		h.Reason = waits.Error() + "; calls are kept in the journal meanwhile"
	}
	if j := f.journal.Load(); j != nil {
		s := j.Stats()
		h.JournalBytes, h.Underived, h.Unread = s.Bytes, s.Undone, s.Unread
	}
	return h
}

// Health says how the engine is.
func (e *Engine) Health(ctx context.Context) Health {
	h := Health{Status: "ok", Directory: e.Dir}
	h.Degraded, h.Since, h.Reason = e.Journal.Health()
	if since, why, yes := e.Deriver.Stalled(); !h.Degraded && yes {
		h.Degraded, h.Since, h.Reason = true, since, "deriving waits, and calls wait in the journal: "+why
	}
	if since := e.missed.Since(); !h.Degraded && !since.IsZero() {
		h.Degraded, h.Since, h.Reason = true, since, "calls were missed and the gap that covers them is not recorded yet"
	}
	// The journal first: what leaves it meanwhile is counted by the store.
	j := e.Journal.Stats()
	h.JournalBytes, h.Underived, h.Unread = j.Bytes, j.Undone, j.Unread
	s, err := e.Store.Stats(ctx)
	if err != nil {
		h.Degraded, h.Reason = true, "the store cannot be read: "+err.Error()
	}
	if err := e.gone(); err != nil { // which says more than what comes of it
		h.Degraded, h.Reason = true, err.Error()
	}
	if e.full.Load() && !h.Degraded {
		h.Degraded, h.Reason = true, "the store takes more than store_max and nothing in it may go: calls are not captured, and gaps will say so; raise store_max, or release or delete what is owed"
	}
	if h.Degraded {
		h.Status = "degraded"
	}
	h.Events, h.Pending, h.StoreBytes = s.Position, s.Pending, s.Bytes
	states := e.Deliverer.States()
	for _, s := range states {
		if s.Status == webhook.Active && s.Opened > 0 {
			h.Circuits++
		}
	}
	h.OldestDue = e.oldestDue(ctx, states, e.Deliverer.Now()).Seconds()
	return h
}

// oldestDue returns how long the oldest due delivery of an active subscription
// has waited.
func (e *Engine) oldestDue(ctx context.Context, states []webhook.SubscriptionState, now time.Time) (oldest time.Duration) {
	backlogs, err := e.Store.Backlogs(ctx)
	if err != nil {
		return 0
	}
	active := make(map[webhook.SubscriptionID]bool)
	for _, s := range states {
		active[s.ID] = s.Status == webhook.Active
	}
	for _, b := range backlogs {
		if active[b.Subscription] && !b.Oldest.IsZero() {
			oldest = max(oldest, now.Sub(b.Oldest))
		}
	}
	return oldest
}
