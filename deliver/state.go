package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// ErrUnknownSubscription is wrapped by calls about a subscription that is not
// there.
var ErrUnknownSubscription = errors.New("no such subscription")

// Pause stops delivery to an active subscription. Attempts in flight go on. It
// returns the state as it is now durable.
func (d *Deliverer) Pause(ctx context.Context, id webhook.SubscriptionID, reason string) (webhook.SubscriptionState, error) {
	return d.change(ctx, id, d.opts.States.PutState, func(st webhook.SubscriptionState, now time.Time) webhook.SubscriptionState {
		return st.Pause(reason, now)
	})
}

// Resume makes a subscription active again. After a pause, what it is owed goes
// on; for one that was gone or disabled that stays held, until
// [Deliverer.Release].
func (d *Deliverer) Resume(ctx context.Context, id webhook.SubscriptionID, reason string) (webhook.SubscriptionState, error) {
	return d.resume(ctx, id, reason, d.opts.States.PutState)
}

// Keeper makes a state durable, and returns it as it is kept.
type Keeper func(context.Context, webhook.SubscriptionState) (webhook.SubscriptionState, error)

// Turn resumes a subscription, or pauses it unless active, as [Deliverer.Resume]
// and [Deliverer.Pause] do, but for how the state is made durable: by keep, together
// with what must not be kept without it. While keep runs no other state is kept; it
// may call [Deliverer.Update].
func (d *Deliverer) Turn(ctx context.Context, id webhook.SubscriptionID, active bool, reason string, keep Keeper) error {
	if active {
		_, err := d.resume(ctx, id, reason, keep)
		return err
	}
	_, err := d.change(ctx, id, keep, func(st webhook.SubscriptionState, now time.Time) webhook.SubscriptionState {
		return st.Pause(reason, now)
	})
	return err
}

func (d *Deliverer) resume(ctx context.Context, id webhook.SubscriptionID, reason string, keep Keeper) (webhook.SubscriptionState, error) {
	var newest uint64
	if d.opts.Newest != nil {
		var err error
		if newest, err = d.opts.Newest(ctx); err != nil {
			return webhook.SubscriptionState{}, fmt.Errorf("resume %s: %w", id, err)
		}
	}
	return d.change(ctx, id, keep, func(st webhook.SubscriptionState, now time.Time) webhook.SubscriptionState {
		return st.Resume(reason, newest, now)
	})
}

// Release makes a subscription active with nothing held: what it is owed goes
// out in its old order, in front of what is newer in its lane, and exhausted
// deliveries that hold their lanes are retried.
func (d *Deliverer) Release(ctx context.Context, id webhook.SubscriptionID, reason string) (webhook.SubscriptionState, error) {
	st, err := d.change(ctx, id, d.opts.States.PutState, func(st webhook.SubscriptionState, now time.Time) webhook.SubscriptionState {
		return st.Release(reason, now)
	})
	if q, ok := d.opts.Queue.(Releaser); ok && err == nil {
		if _, err := q.Release(ctx, id, time.Now()); err != nil {
			return st, fmt.Errorf("subscription %s is %s, but not all that was held is released: %w", id, st.Status, err)
		}
	}
	return st, err
}

// Keep makes the state of a subscription durable as it is now, and returns it:
// what is told of it from then on is still true after a crash.
func (d *Deliverer) Keep(ctx context.Context, id webhook.SubscriptionID) (webhook.SubscriptionState, error) {
	return d.change(ctx, id, d.opts.States.PutState, func(st webhook.SubscriptionState, _ time.Time) webhook.SubscriptionState { return st })
}

// Load is how busy a [Deliverer] is.
type Load struct {
	InFlight  int // attempts being made
	Bytes     int // that these hold, but for those that hold little
	Ready     int // deliveries claimed and not yet attempted
	Unsettled int // attempts made and not yet recorded
}

// Load returns how busy d is now.
func (d *Deliverer) Load() Load {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := Load{Bytes: d.roster.load.bytes, Ready: d.roster.ready, Unsettled: d.roster.unsettled}
	for _, s := range d.roster.subs {
		l.InFlight += s.inFlight
	}
	return l
}

// States returns the states of all subscriptions, by id.
func (d *Deliverer) States() []webhook.SubscriptionState {
	d.mu.Lock()
	defer d.mu.Unlock()
	states := make([]webhook.SubscriptionState, 0, len(d.roster.subs))
	for _, s := range d.roster.subs {
		states = append(states, s.state)
	}
	slices.SortFunc(states, func(a, b webhook.SubscriptionState) int { return cmp.Compare(a.ID, b.ID) })
	return states
}

// State returns the state of one subscription.
func (d *Deliverer) State(id webhook.SubscriptionID) (webhook.SubscriptionState, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.roster.subs[id]
	if s == nil {
		return webhook.SubscriptionState{}, false
	}
	return s.state, true
}

// Paced returns when the rate of a subscription lets its next request go: it may
// have passed, and is zero where there is no rate.
func (d *Deliverer) Paced(id webhook.SubscriptionID) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.roster.subs[id]; s != nil && s.rate != nil {
		return s.rate.next()
	}
	return time.Time{}
}

// Busy returns how many attempts of a subscription are under way, and how many may
// be at once; most is 0 where nothing is delivered to it.
func (d *Deliverer) Busy(id webhook.SubscriptionID) (now, most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.roster.subs[id]; s != nil && s.plan != nil {
		return s.inFlight, s.plan.concurrency
	}
	return 0, 0
}

// change makes a state durable, by keep, and then true. Attempts that finish meanwhile
// change it too, so the transition is made once more on what they left.
func (d *Deliverer) change(ctx context.Context, id webhook.SubscriptionID, keep Keeper,
	to func(webhook.SubscriptionState, time.Time) webhook.SubscriptionState,
) (webhook.SubscriptionState, error) {
	d.recording.Lock()
	defer d.recording.Unlock()
	now := time.Now()
	d.mu.Lock()
	s := d.roster.subs[id]
	if s == nil {
		d.mu.Unlock()
		return webhook.SubscriptionState{}, fmt.Errorf("subscription %q: %w", id, ErrUnknownSubscription)
	}
	version, state := s.version, to(s.state, now)
	d.mu.Unlock()

	kept, err := keep(ctx, state)
	if err != nil {
		return webhook.SubscriptionState{}, fmt.Errorf("keep the state of subscription %s: %w", id, err)
	}

	d.mu.Lock()
	same := s.version == version
	state = to(s.state, now)
	state.Number = kept.Number
	changed := d.roster.set(s, state)
	if same {
		d.roster.saved(s, s.version)
	}
	dropped := d.roster.drop(s)
	plan := s.plan
	d.mu.Unlock()

	d.giveBack(dropped, s)
	if changed && plan != nil {
		d.opts.Observer.StateChanged(plan.sub, state)
	}
	poke(d.wake)
	return state, nil
}
