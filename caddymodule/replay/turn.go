package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// idle is how soon a replay that waits looks again.
const idle = 250 * time.Millisecond

// Run works off replays until ctx ends. It is never in a hurry: what is
// live comes first.
func (p *Replays) Run(ctx context.Context) {
	for {
		wait := time.Duration(0)
		for _, r := range p.running() {
			w, err := p.turn(ctx, r)
			if err != nil && ctx.Err() == nil {
				p.log.Error("a replay is stuck; it is tried again", "replay", string(r.ID), "error", err)
				w = time.Second
			}
			if wait == 0 || w < wait {
				wait = w
			}
		}
		select {
		case <-p.wake:
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
func (p *Replays) turn(ctx context.Context, r *Replay) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Status != webhook.ReplayRunning {
		return idle, nil
	}
	now := time.Now().UTC()
	sub, waits, gone := p.receiver(r)
	if gone {
		return idle, p.end(ctx, r, webhook.ReplayCancelled, "its subscription was deleted")
	}
	if r.Waits = waits; waits != "" {
		r.turn = time.Time{}
		return idle, nil
	}
	if err := p.reap(ctx, r); err != nil {
		return 0, err
	}
	if r.Next >= r.High {
		if r.fresh > 0 {
			return idle, nil
		}
		return idle, p.end(ctx, r, webhook.ReplayDone, "")
	}
	return p.queue(ctx, r, sub, now)
}

// queue makes the next deliveries of r due, as many as its rate and its
// share of what is in flight allow: half, so that what is live finds room.
func (p *Replays) queue(ctx context.Context, r *Replay, sub *webhook.Subscription, now time.Time) (time.Duration, error) {
	rate := p.rate(r)
	if !r.turn.IsZero() {
		r.tokens = min(r.tokens+rate*now.Sub(r.turn).Seconds(), max(1, rate/10))
	}
	r.turn = now
	pace := min(max(time.Duration(float64(time.Second)/rate), 10*time.Millisecond), idle)
	if len(r.Owed) >= mostReplayed {
		return idle, nil // its receiver refuses much
	}
	room := min(int(r.tokens), max(1, sub.Concurrency/2)-r.fresh, mostReplayed-len(r.Owed))
	if room <= 0 {
		return pace, nil
	}
	ds, next, err := p.choose(ctx, &r.Replay, room)
	if err != nil {
		return 0, err
	}
	on := r.Replay
	on.Next = next
	if on, err = p.store.PutReplay(ctx, on, now, ds...); err != nil {
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

// reap forgets what of r is owed no more.
func (p *Replays) reap(ctx context.Context, r *Replay) error {
	if err := p.findOwed(ctx, r); err != nil {
		return err
	}
	owed, fresh := make([]webhook.DeliveryID, 0, len(r.Owed)), 0
	for _, id := range r.Owed {
		d, err := p.store.Delivery(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound): // erased, or forgotten
		case err != nil:
			return err
		case owesStill(d):
			owed = append(owed, id)
			if d.Attempts == 0 {
				fresh++
			}
		}
	}
	r.Owed, r.fresh = owed, fresh
	return nil
}

// receiver returns the subscription of r, why r waits ("": it need not), and
// whether the subscription was deleted.
func (p *Replays) receiver(r *Replay) (sub *webhook.Subscription, waits string, gone bool) {
	st, there := p.to.State(r.Subscription)
	if !there {
		return nil, "", true
	}
	sub = p.to.Subscription(r.Subscription)
	switch {
	case sub == nil || st.Status != webhook.Active:
		return sub, fmt.Sprintf("its subscription is %s", st.Status), false
	case st.Waits().After(p.to.Now()):
		return sub, "its receiver is left alone until " + st.Waits().UTC().Format(time.RFC3339), false
	case r.Next <= st.HeldThrough:
		return sub, fmt.Sprintf("what its subscription is owed up to position %d is held: release it first", st.HeldThrough), false
	}
	return sub, "", false
}
