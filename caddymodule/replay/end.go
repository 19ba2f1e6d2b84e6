package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Cancel ends a replay. What of it is owed still is not sent, and stands as
// it stood before; if that could not be kept, the next call makes up for it.
func (p *Replays) Cancel(ctx context.Context, id webhook.ReplayID, reason string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		switch {
		case r.ID != id:
		case r.Status == webhook.ReplayRunning:
			return p.end(ctx, r, webhook.ReplayCancelled, reason)
		case r.Status == webhook.ReplayCancelled && len(r.Owed) > 0:
			return p.takeBack(ctx, r)
		}
	}
	return nil
}

// end ends r. The lock of the replays is held.
func (p *Replays) end(ctx context.Context, r *Replay, status webhook.ReplayStatus, reason string) error {
	now := time.Now().UTC()
	kept, err := p.store.PutReplay(ctx, r.End(status, reason, now), now)
	if err != nil {
		return err
	}
	r.Replay, r.Waits = kept, ""
	p.log.Info("replay ends", "replay", string(r.ID), "subscription", string(r.Subscription), "status", string(r.Status), "queued", r.Queued, "reason", reason)
	if status == webhook.ReplayCancelled {
		return p.takeBack(ctx, r)
	}
	r.Owed, r.fresh = nil, 0
	return nil
}

const notTakenBack = "it is cancelled, but what of it is owed may be sent still; cancel it again"

// takeBack takes back what a replay has made due and is owed still.
func (p *Replays) takeBack(ctx context.Context, r *Replay) error {
	if err := p.findOwed(ctx, r); err != nil {
		return &problem.HalfDone{What: notTakenBack, Err: err}
	}
	var settlements []webhook.Settlement
	for _, id := range r.Owed {
		d, err := p.store.Delivery(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return &problem.HalfDone{What: notTakenBack, Err: err}
		}
		if err == nil && owesStill(d) {
			settlements = append(settlements, webhook.Settlement{Delivery: d.Cancel("replay "+string(r.ID)+" was cancelled", time.Now().UTC())})
		}
	}
	if err := p.store.Settle(ctx, settlements...); err != nil {
		return &problem.HalfDone{What: notTakenBack, Err: fmt.Errorf("cancel what replay %s made due: %w", r.ID, err)}
	}
	metrics.Process.Cancelled(settlements)
	r.Owed, r.fresh = nil, 0
	return nil
}

// owesStill reports whether d, which a replay made due, is not settled.
func owesStill(d *webhook.Delivery) bool {
	return d.State == webhook.Pending && d.Priority == webhook.Replaying
}

// findOwed finds, after a start, what r had made due before.
func (p *Replays) findOwed(ctx context.Context, r *Replay) error {
	if r.found {
		return nil
	}
	const atOnce = 1000
	var owed []webhook.DeliveryID
	for from := r.Low; ; {
		ds, err := p.store.Deliveries(ctx, store.DeliveryQuery{
			Subscription: r.Subscription, Oldest: true, From: from, Below: r.Next, States: []webhook.DeliveryState{webhook.Pending}, Max: atOnce,
		})
		if err != nil {
			return err
		}
		for _, d := range ds {
			if owesStill(&d) {
				owed = append(owed, d.ID)
			}
		}
		if len(ds) < atOnce {
			break
		}
		from = ds[len(ds)-1].Position + 1
	}
	r.Owed, r.found = owed, true
	return nil
}
