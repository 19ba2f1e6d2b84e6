package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// CancelReplay ends a replay. What of it is owed still is not sent, and stands as
// it stood before; if that could not be kept, the next call makes up for it.
func (e *Engine) CancelReplay(ctx context.Context, id webhook.ReplayID, reason string) error {
	e.Replays.mu.Lock()
	defer e.Replays.mu.Unlock()
	for _, r := range e.Replays.all {
		switch {
		case r.ID != id:
		case r.Status == webhook.ReplayRunning:
			return e.endReplay(ctx, r, webhook.ReplayCancelled, reason)
		case r.Status == webhook.ReplayCancelled && len(r.Owed) > 0:
			return e.cancelReplayed(ctx, r)
		}
	}
	return nil
}

// endReplay ends r. The lock of the replays is held.
func (e *Engine) endReplay(ctx context.Context, r *Replaying, status webhook.ReplayStatus, reason string) error {
	now := time.Now().UTC()
	kept, err := e.Store.PutReplay(ctx, r.End(status, reason, now), now)
	if err != nil {
		return err
	}
	r.Replay, r.Waits = kept, ""
	e.Logger.Info("replay ends", "replay", string(r.ID), "subscription", string(r.Subscription), "status", string(r.Status), "queued", r.Queued, "reason", reason)
	if status == webhook.ReplayCancelled {
		return e.cancelReplayed(ctx, r)
	}
	r.Owed, r.fresh = nil, 0
	return nil
}

const notTakenBack = "it is cancelled, but what of it is owed may be sent still; cancel it again"

// cancelReplayed takes back what a replay has made due and is owed still.
func (e *Engine) cancelReplayed(ctx context.Context, r *Replaying) error {
	if err := e.findOwed(ctx, r); err != nil {
		return &problem.HalfDone{What: notTakenBack, Err: err}
	}
	var settlements []webhook.Settlement
	for _, id := range r.Owed {
		if d, err := e.Store.Delivery(ctx, id); err == nil && d.State == webhook.Pending && d.Priority == webhook.Replaying {
			settlements = append(settlements, webhook.Settlement{Delivery: d.Cancel("replay "+string(r.ID)+" was cancelled", time.Now().UTC())})
		}
	}
	if err := e.Store.Settle(ctx, settlements...); err != nil {
		return &problem.HalfDone{What: notTakenBack, Err: fmt.Errorf("cancel what replay %s made due: %w", r.ID, err)}
	}
	countCancelled(settlements)
	r.Owed, r.fresh = nil, 0
	return nil
}

// countCancelled counts those of settlements that cancel: what a replay made due
// again does not become cancelled, it is what it was.
func countCancelled(settlements []webhook.Settlement) {
	for i := range settlements {
		if settlements[i].Delivery.State == webhook.Cancelled {
			metrics.Process.Deliveries.WithLabelValues(string(webhook.Cancelled)).Inc()
		}
	}
}

// findOwed finds, after a start, what r had made due before.
func (e *Engine) findOwed(ctx context.Context, r *Replaying) error {
	if r.found {
		return nil
	}
	const atOnce = 1000
	var owed []webhook.DeliveryID
	for from := r.Low; ; {
		ds, err := e.Store.Deliveries(ctx, store.DeliveryQuery{
			Subscription: r.Subscription, Oldest: true, From: from, Below: r.Next, States: []webhook.DeliveryState{webhook.Pending}, Max: atOnce,
		})
		if err != nil {
			return err
		}
		for _, d := range ds {
			if d.Priority == webhook.Replaying {
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
