package derive

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Waits between tries to record while the store cannot write.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
)

// ruleError is an error of the pure rules: trying again cannot help.
type ruleError struct{ err error }

func (e *ruleError) Error() string { return e.err.Error() }
func (e *ruleError) Unwrap() error { return e.err }

// record waits for the after of t's exchange and has its consequences stored.
// When it returns, t is recorded, quarantined, or ctx has ended and t will be
// read again.
func (d *Deriver) record(ctx context.Context, t *ticket) {
	seen, concurrent, _ := d.Traffic.Wait(ctx, t.x.ID)
	if ctx.Err() != nil {
		return
	}
	after := make([]rules.Seen, len(t.plan.Subjects))
	for i := range after {
		after[i] = rules.Seen{Observation: seen, Concurrent: concurrent || t.x.Overlapped}
	}
	now := time.Now()
	var derived rules.Derived
	r := store.Record{
		Exchange: t.x.ID, Segment: t.at.Segment, Entities: t.keys,
		Derive: func(before []webhook.Snapshot) (store.Consequences, error) {
			var err error
			derived, err = derive(t, before, after)
			if err != nil {
				return store.Consequences{}, &ruleError{err}
			}
			return d.consequences(&derived, now)
		},
	}
	d.commit(ctx, t, r, &derived)
}

// commit records r, however long the store cannot write.
func (d *Deriver) commit(ctx context.Context, t *ticket, r store.Record, derived *rules.Derived) {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		recorded, err := d.Store.Record(ctx, r)
		if err == nil {
			d.stalled.over()
			d.Observer.Recorded(t.x, &recorded, derived)
			d.finish(t)
			return
		}
		if rule := (*ruleError)(nil); errors.As(err, &rule) {
			d.quarantine(ctx, t, rule)
			return
		}
		if !d.pause(ctx, err, pause, "exchange", t.x.ID.String()) {
			return
		}
	}
}

// consequences adds to what was derived the deliveries that it causes.
func (d *Deriver) consequences(derived *rules.Derived, now time.Time) (store.Consequences, error) {
	c := store.Consequences{Snapshots: derived.Snapshots, Events: derived.Events}
	for i := range derived.Events {
		e := &derived.Events[i]
		wants, err := d.Want(e)
		if err != nil {
			return c, &ruleError{fmt.Errorf("who wants %s: %w", e.Scope, err)}
		}
		for _, w := range wants {
			c.Deliveries = append(c.Deliveries, newDelivery(e, w, now))
		}
	}
	return c, nil
}

func newDelivery(e *webhook.Event, w rules.Want, now time.Time) webhook.Delivery {
	return webhook.Delivery{
		ID: webhook.NewDeliveryID(e.ID, w.Subscription.ID, 0), Event: e.ID,
		Subscription: w.Subscription.ID, Lane: w.Subscription.Order.Lane(e), Unjudged: w.Unjudged,
		State: webhook.Pending, Due: now, Created: now,
	}
}

// quarantine keeps t's exchange in the store, to be shown and derived again on
// command, so that it holds up neither its lane nor the journal.
func (d *Deriver) quarantine(ctx context.Context, t *ticket, why error) {
	q := store.Quarantined{Exchange: *t.x, Segment: t.at.Segment, Why: why.Error(), At: time.Now()}
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := d.Store.Quarantine(ctx, q)
		if err == nil {
			d.Logger.Error("a rule failed; the exchange is in quarantine", "exchange", t.x.ID.String(),
				"method", t.x.Request.Method, "path", t.x.Request.Path, "error", why)
			d.Observer.Quarantined(t.x, q.Why)
			d.finish(t)
			return
		}
		if !d.pause(ctx, err, pause, "exchange", t.x.ID.String()) {
			return
		}
	}
}

// finish lets the journal and the traffic forget t.
func (d *Deriver) finish(t *ticket) {
	t.finished()
	d.Traffic.Forget(t.x.ID)
}

// plan and derive keep a panic of the rules from leaving this package: the
// exchange goes to quarantine like after any other rule error.

func plan(p *rules.Program, x *webhook.Exchange) (pl *rules.Plan, err error) {
	defer recovered(&err)
	return p.Plan(x), nil
}

func derive(t *ticket, before []webhook.Snapshot, after []rules.Seen) (dv rules.Derived, err error) {
	defer recovered(&err)
	return t.program.Derive(t.x, t.plan, before, after)
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic in the rules: %v\n%s", r, debug.Stack())
	}
}
