package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// replayIdle is how soon a replay that waits looks again.
const replayIdle = 250 * time.Millisecond

// runReplays works off replays until ctx ends. It is never in a hurry: what is
// live comes first.
func (e *Engine) runReplays(ctx context.Context) {
	for {
		wait := time.Duration(0)
		for _, r := range e.Replays.running() {
			w, err := e.turn(ctx, r)
			if err != nil && ctx.Err() == nil {
				e.Logger.Error("a replay is stuck; it is tried again", "replay", string(r.ID), "error", err)
				w = time.Second
			}
			if wait == 0 || w < wait {
				wait = w
			}
		}
		select {
		case <-e.Replays.wake:
		case <-after(wait):
		case <-ctx.Done():
			return
		}
	}
}

// after is time.After, or never for 0.
func after(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.After(d)
}

// turn takes r one step on, and returns when to come again.
func (e *Engine) turn(ctx context.Context, r *Replaying) (time.Duration, error) {
	e.Replays.mu.Lock()
	defer e.Replays.mu.Unlock()
	if r.Status != webhook.ReplayRunning {
		return replayIdle, nil
	}
	now := time.Now().UTC()
	sub, waits, gone := e.replayedTo(r, now)
	if gone {
		return replayIdle, e.endReplay(ctx, r, webhook.ReplayCancelled, "its subscription was deleted")
	}
	if r.Waits = waits; waits != "" {
		r.turn = time.Time{}
		return replayIdle, nil
	}
	if err := e.reapReplayed(ctx, r); err != nil {
		return 0, err
	}
	if r.Next >= r.High {
		if r.fresh > 0 {
			return replayIdle, nil
		}
		return replayIdle, e.endReplay(ctx, r, webhook.ReplayDone, "")
	}
	return e.queueReplayed(ctx, r, sub, now)
}

// queueReplayed makes the next deliveries of r due, as many as its rate and its
// share of what is in flight allow: half, so that what is live finds room.
func (e *Engine) queueReplayed(ctx context.Context, r *Replaying, sub *webhook.Subscription, now time.Time) (time.Duration, error) {
	rate := e.Replays.rate(r)
	if !r.turn.IsZero() {
		r.tokens = min(r.tokens+rate*now.Sub(r.turn).Seconds(), max(1, rate/10))
	}
	r.turn = now
	pace := min(max(time.Duration(float64(time.Second)/rate), 10*time.Millisecond), replayIdle)
	if len(r.Owed) >= mostReplayed {
		return replayIdle, nil // its receiver refuses much
	}
	room := min(int(r.tokens), max(1, sub.Concurrency/2)-r.fresh, mostReplayed-len(r.Owed))
	if room <= 0 {
		return pace, nil
	}
	ds, next, err := e.selectReplayed(ctx, &r.Replay, room)
	if err != nil {
		return 0, err
	}
	on := r.Replay
	on.Next = next
	if on, err = e.Store.PutReplay(ctx, on, now, ds...); err != nil {
		return 0, err
	}
	r.Replay = on
	r.tokens -= float64(len(ds))
	for i := range ds {
		r.Owed, r.fresh = append(r.Owed, ds[i].ID), r.fresh+1
	}
	if len(ds) == 0 {
		return time.Millisecond, nil // it only looks
	}
	return pace, nil
}

// reapReplayed forgets what of r is owed no more.
func (e *Engine) reapReplayed(ctx context.Context, r *Replaying) error {
	if err := e.findOwed(ctx, r); err != nil {
		return err
	}
	r.fresh = 0
	r.Owed = slices.DeleteFunc(r.Owed, func(id webhook.DeliveryID) bool {
		d, err := e.Store.Delivery(ctx, id)
		if err != nil || d.State != webhook.Pending || d.Priority != webhook.Replaying {
			return true
		}
		if d.Attempts == 0 {
			r.fresh++
		}
		return false
	})
	return ctx.Err()
}

// replayedTo returns the subscription of r, why r waits ("": it need not), and
// whether the subscription was deleted.
func (e *Engine) replayedTo(r *Replaying, now time.Time) (sub *webhook.Subscription, waits string, gone bool) {
	st, known := e.Deliverer.State(r.Subscription)
	if !known {
		return nil, "", true
	}
	if k := e.Kept.Load().Get(r.Subscription); k != nil && k.Ready == nil {
		return nil, "", true
	}
	sub = e.Current().Subscribers.Subscription(r.Subscription)
	switch {
	case sub == nil || st.Status != webhook.Active:
		return sub, fmt.Sprintf("its subscription is %s", st.Status), false
	case st.Waits().After(now):
		return sub, "its receiver is left alone until " + st.Waits().UTC().Format(time.RFC3339), false
	case r.Next <= st.HeldThrough:
		return sub, fmt.Sprintf("what its subscription is owed up to position %d is held: release it first", st.HeldThrough), false
	}
	return sub, "", false
}
