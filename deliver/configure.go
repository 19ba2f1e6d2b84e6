package deliver

import (
	"errors"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Configure puts subs in the place of the subscriptions there were. It may be
// called at any time; attempts in flight go on as they were begun.
//
// states are the kept states; one that is known already is not looked at, since
// ours is newer. A subscription without a state is new and active. absent names
// those of the configuration that it no longer has: what they are owed is held,
// until a later Configure has them in subs again. A subscription that is in
// neither is forgotten.
//
// The error joins what is wrong with subscriptions that cannot be used (see
// [Check]). All others are in place; what the unusable are owed is left alone.
func (d *Deliverer) Configure(subs []*webhook.Subscription, states []webhook.SubscriptionState, absent ...webhook.SubscriptionID) error {
	plans, err := d.compile(subs)
	kept := make(map[webhook.SubscriptionID]webhook.SubscriptionState, len(states))
	for _, st := range states {
		kept[st.ID] = st
	}
	now := time.Now()
	changes, dropped := d.swap(now, subs, plans, kept, absent)
	if len(dropped) > 0 {
		d.opts.Queue.Unclaim(dropped...)
	}
	for _, c := range changes {
		d.opts.Observer.StateChanged(c.sub, c.state)
	}
	poke(d.wake)
	poke(d.settler.some)
	return err
}

// stateChange is a state to tell the observer of.
type stateChange struct {
	sub   *webhook.Subscription
	state webhook.SubscriptionState
}

// compile makes the plans of subs; an unusable one has none.
func (d *Deliverer) compile(subs []*webhook.Subscription) (map[webhook.SubscriptionID]*plan, error) {
	plans := make(map[webhook.SubscriptionID]*plan, len(subs))
	var errs []error
	for _, s := range subs {
		p, err := compile(s, d.opts.Version)
		if err != nil {
			errs = append(errs, fmt.Errorf("subscription %s: %w", s.ID, err))
			continue
		}
		p.through(d.transports.to(s))
		plans[s.ID] = p
	}
	return plans, errors.Join(errs...)
}

// swap changes the roster in one step.
func (d *Deliverer) swap(now time.Time, subs []*webhook.Subscription, plans map[webhook.SubscriptionID]*plan,
	kept map[webhook.SubscriptionID]webhook.SubscriptionState, absent []webhook.SubscriptionID,
) (changes []stateChange, dropped []webhook.DeliveryID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &d.roster
	before := r.subs
	r.subs = make(map[webhook.SubscriptionID]*subscriber, len(subs)+len(absent))
	put := func(id webhook.SubscriptionID, number uint64) *subscriber {
		s := before[id]
		if s == nil {
			s = &subscriber{id: id, state: webhook.NewState(id, number, now)}
			if st, ok := kept[id]; ok {
				s.state = st
			}
		}
		if s.state.Number == 0 {
			s.state.Number = max(number, kept[id].Number)
		}
		r.subs[id] = s
		delete(before, id)
		return s
	}
	for _, sub := range subs {
		s := put(sub.ID, sub.Number)
		moved := s.plan != nil && s.plan.sub.URL != sub.URL
		s.plan = plans[sub.ID]
		if s.rate == nil || s.rate.rate != sub.Rate {
			s.rate = newBucket(sub.Rate)
		}
		state := s.state.Return(now)
		if moved {
			state, s.odds = state.Move(), nil
		}
		if r.set(s, state) {
			changes = append(changes, stateChange{sub, s.state})
		}
		if s.plan == nil {
			dropped = append(dropped, r.drop(s)...)
		}
		r.asked(s, now)
		r.arm(s, now)
		d.crew.call(s.free())
		r.queueUp(s)
	}
	for _, id := range absent {
		if r.subs[id] != nil {
			continue
		}
		s := put(id, 0)
		if last := s.plan; r.set(s, s.state.Leave(now)) && last != nil {
			changes = append(changes, stateChange{last.sub, s.state})
		}
		s.plan = nil
		dropped = append(dropped, r.drop(s)...)
	}
	for id, s := range before {
		s.removed, s.plan = true, nil
		delete(r.unsaved, id)
		dropped = append(dropped, r.drop(s)...)
	}
	return changes, dropped
}
