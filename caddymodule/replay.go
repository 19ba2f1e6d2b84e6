package caddymodule

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// mostReplayed is how many deliveries of one replay are owed at once, those
	// that wait for another attempt included: a receiver that refuses them all
	// ends up with so many retries, not with all there ever was.
	mostReplayed = 100

	// keptReplays is how many replays are known, ended ones included.
	keptReplays = 500

	// replayIdle is how soon a replay that waits looks again.
	replayIdle = 250 * time.Millisecond
)

// replays are the replays of an engine: what one goroutine works off.
type replays struct {
	wake chan struct{}

	mu  sync.Mutex
	all []*replaying // oldest first
}

// replaying is a replay, and what memory knows of one that runs.
type replaying struct {
	webhook.Replay
	waits  string               // why it does not go on; "": it does
	owed   []webhook.DeliveryID // that it made due, and that are not settled
	fresh  int                  // of owed, those that were not attempted yet
	found  bool                 // owed was looked for after a start
	tokens float64
	turn   time.Time // the last one; zero: none yet
}

// load reads what replays there are.
func (p *replays) load(ctx context.Context, s store.Replays) error {
	p.wake = make(chan struct{}, 1)
	all, err := s.AllReplays(ctx)
	for _, r := range all {
		p.all = append(p.all, &replaying{Replay: r})
	}
	return err
}

// running returns those that go on.
func (p *replays) running() (all []*replaying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		if r.Status == webhook.ReplayRunning {
			all = append(all, r)
		}
	}
	return all
}

// get returns the replay of an id as it is now.
func (p *replays) get(id webhook.ReplayID) (replaying, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		if r.ID == id {
			return *r, true
		}
	}
	return replaying{}, false
}

// list returns them as they are now, newest first.
func (p *replays) list() (all []replaying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range slices.Backward(p.all) {
		all = append(all, *r)
	}
	return all
}

// startReplay keeps r and lets it run. There is one at a time of a subscription.
func (e *engine) startReplay(ctx context.Context, r webhook.Replay) error {
	p := &e.replays
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := -1
	for i, other := range p.all {
		switch {
		case other.Status != webhook.ReplayRunning:
			if ended < 0 {
				ended = i
			}
		case other.Subscription == r.Subscription:
			return refuse(409, "replay %s of %s is running: wait for its end, or cancel it", other.ID, r.Subscription)
		}
	}
	if len(p.all) >= keptReplays {
		if ended < 0 {
			return refuse(409, "%d replays are running, the most there may be: wait for one to end, or cancel it", len(p.all))
		}
		if err := e.store.DropReplay(ctx, p.all[ended].ID); err != nil {
			return err
		}
		p.all = slices.Delete(p.all, ended, ended+1)
	}
	if _, err := e.store.PutReplay(ctx, r, time.Now().UTC()); err != nil {
		return err
	}
	p.all = append(p.all, &replaying{Replay: r, found: true})
	e.logger.Info("replay begins", "replay", string(r.ID), "subscription", string(r.Subscription), "low", r.Low, "high", r.High, "asked", r.Asked)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// cancelReplay ends a replay, and what of it is owed still.
func (e *engine) cancelReplay(ctx context.Context, id webhook.ReplayID, reason string) error {
	e.replays.mu.Lock()
	defer e.replays.mu.Unlock()
	for _, r := range e.replays.all {
		if r.ID == id && r.Status == webhook.ReplayRunning {
			return e.endReplay(ctx, r, webhook.ReplayCancelled, reason)
		}
	}
	return nil
}

// endReplay ends r. The lock of the replays is held.
func (e *engine) endReplay(ctx context.Context, r *replaying, status webhook.ReplayStatus, reason string) error {
	now := time.Now().UTC()
	kept, err := e.store.PutReplay(ctx, r.End(status, reason, now), now)
	if err != nil {
		return err
	}
	r.Replay, r.waits = kept, ""
	e.logger.Info("replay ends", "replay", string(r.ID), "subscription", string(r.Subscription), "status", string(r.Status), "queued", r.Queued, "reason", reason)
	if status == webhook.ReplayCancelled {
		err = e.cancelReplayed(ctx, r)
	}
	r.owed, r.fresh = nil, 0
	return err
}

// cancelReplayed cancels what a replay has made due and is owed still.
func (e *engine) cancelReplayed(ctx context.Context, r *replaying) error {
	if err := e.findOwed(ctx, r); err != nil {
		return err
	}
	var settlements []webhook.Settlement
	for _, id := range r.owed {
		if d, err := e.store.Delivery(ctx, id); err == nil && d.State == webhook.Pending && d.Priority == webhook.Replaying {
			settlements = append(settlements, webhook.Settlement{Delivery: d.Cancel("replay "+string(r.ID)+" was cancelled", time.Now().UTC())})
		}
	}
	if err := e.store.Settle(ctx, settlements...); err != nil {
		return fmt.Errorf("cancel what replay %s made due: %w", r.ID, err)
	}
	stats.deliveries.WithLabelValues(string(webhook.Cancelled)).Add(float64(len(settlements)))
	return nil
}

// findOwed finds, after a start, what r had made due before.
func (e *engine) findOwed(ctx context.Context, r *replaying) error {
	if r.found {
		return nil
	}
	ds, err := e.store.Deliveries(ctx, store.DeliveryQuery{
		Subscription: r.Subscription, Oldest: true, From: r.Low, Below: r.Next, States: []webhook.DeliveryState{webhook.Pending}, Max: 10_000,
	})
	if err != nil {
		return err
	}
	for _, d := range ds {
		if d.Priority == webhook.Replaying {
			r.owed = append(r.owed, d.ID)
		}
	}
	r.found = true
	return nil
}

// runReplays works off replays until ctx ends. It is never in a hurry: what is
// live comes first.
func (e *engine) runReplays(ctx context.Context) {
	for {
		wait := time.Duration(0)
		for _, r := range e.replays.running() {
			w, err := e.turn(ctx, r)
			if err != nil && ctx.Err() == nil {
				e.logger.Error("a replay is stuck; it is tried again", "replay", string(r.ID), "error", err)
				w = time.Second
			}
			if wait == 0 || w < wait {
				wait = w
			}
		}
		select {
		case <-e.replays.wake:
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
func (e *engine) turn(ctx context.Context, r *replaying) (time.Duration, error) {
	e.replays.mu.Lock()
	defer e.replays.mu.Unlock()
	if r.Status != webhook.ReplayRunning {
		return replayIdle, nil
	}
	now := time.Now().UTC()
	sub, waits, gone := e.replayedTo(r, now)
	if gone {
		return replayIdle, e.endReplay(ctx, r, webhook.ReplayCancelled, "its subscription was deleted")
	}
	if r.waits = waits; waits != "" {
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
func (e *engine) queueReplayed(ctx context.Context, r *replaying, sub *webhook.Subscription, now time.Time) (time.Duration, error) {
	if !r.turn.IsZero() {
		r.tokens = min(r.tokens+r.Rate*now.Sub(r.turn).Seconds(), max(1, r.Rate/10))
	}
	r.turn = now
	pace := min(max(time.Duration(float64(time.Second)/r.Rate), 10*time.Millisecond), replayIdle)
	room := min(int(r.tokens), max(1, sub.Concurrency/2)-r.fresh, mostReplayed-len(r.owed))
	if room <= 0 {
		return pace, nil
	}
	ds, next, err := e.selectReplayed(ctx, &r.Replay, room)
	if err != nil {
		return 0, err
	}
	on := r.Replay
	on.Next = next
	if on, err = e.store.PutReplay(ctx, on, now, ds...); err != nil {
		return 0, err
	}
	r.Replay = on
	r.tokens -= float64(len(ds))
	for i := range ds {
		r.owed, r.fresh = append(r.owed, ds[i].ID), r.fresh+1
	}
	if len(ds) == 0 {
		return time.Millisecond, nil // it only looks
	}
	return pace, nil
}

// reapReplayed forgets what of r is owed no more.
func (e *engine) reapReplayed(ctx context.Context, r *replaying) error {
	if err := e.findOwed(ctx, r); err != nil {
		return err
	}
	r.fresh = 0
	r.owed = slices.DeleteFunc(r.owed, func(id webhook.DeliveryID) bool {
		d, err := e.store.Delivery(ctx, id)
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
func (e *engine) replayedTo(r *replaying, now time.Time) (sub *webhook.Subscription, waits string, gone bool) {
	st, known := e.deliverer.State(r.Subscription)
	if !known {
		return nil, "", true
	}
	if k := e.kept.Load().get(r.Subscription); k != nil && k.sub == nil {
		return nil, "", true
	}
	sub = e.current().subscribers.Subscription(r.Subscription)
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
