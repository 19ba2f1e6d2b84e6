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
	d.tell(d.swap(subs, plans, kept, absent))
	d.transports.prune()
	return err
}

// Through makes e how all receivers are reached whose subscriptions do not say
// otherwise, from the next Configure on; nil is straight over the Internet.
func (d *Deliverer) Through(e *webhook.Egress) { d.transports.through(e) }

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
		transport, err := d.transports.to(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("subscription %s: %w", s.ID, err))
			continue
		}
		p.through(transport)
		plans[s.ID] = p
	}
	return plans, errors.Join(errs...)
}

// Update puts sub in the place of the one of that id, or beside the others: what
// [Deliverer.Configure] does, for one of many. state is the kept state of a new
// one. The error says why it cannot be used.
func (d *Deliverer) Update(sub *webhook.Subscription, state webhook.SubscriptionState) error {
	plans, err := d.compile([]*webhook.Subscription{sub})
	d.changeOne(func(c *swapping) {
		c.kept = map[webhook.SubscriptionID]webhook.SubscriptionState{sub.ID: state}
		c.use(sub, plans[sub.ID])
	})
	return err
}

// Forget takes the subscription of an id out: what it is owed is left alone.
func (d *Deliverer) Forget(id webhook.SubscriptionID) {
	d.changeOne(func(c *swapping) {
		if s := c.r.subs[id]; s != nil {
			c.remove(s)
		}
	})
}

// changeOne makes a change to one subscription.
func (d *Deliverer) changeOne(change func(*swapping)) {
	d.mu.Lock()
	c := swapping{r: &d.roster, crew: &d.crew, before: d.roster.subs, now: d.clock.now()}
	change(&c)
	d.mu.Unlock()
	d.tell(&c)
}

// tell lets go of what a change has dropped, and tells the observer.
func (d *Deliverer) tell(c *swapping) {
	if len(c.dropped) > 0 {
		d.opts.Queue.Unclaim(c.dropped...)
	}
	for _, change := range c.changes {
		d.opts.Observer.StateChanged(change.sub, change.state)
	}
	poke(d.wake)
	poke(d.settler.some)
}

// swapping is a change of the roster. [Deliverer].mu is held.
type swapping struct {
	r      *roster
	crew   *crew
	before map[webhook.SubscriptionID]*subscriber
	kept   map[webhook.SubscriptionID]webhook.SubscriptionState
	now    time.Time // by the clock; since when a state is what it is, is said by the machine's

	changes []stateChange
	dropped []webhook.DeliveryID
}

// swap changes the roster in one step.
func (d *Deliverer) swap(subs []*webhook.Subscription, plans map[webhook.SubscriptionID]*plan,
	kept map[webhook.SubscriptionID]webhook.SubscriptionState, absent []webhook.SubscriptionID,
) *swapping {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &swapping{r: &d.roster, crew: &d.crew, before: d.roster.subs, kept: kept, now: d.clock.now()}
	c.r.subs = make(map[webhook.SubscriptionID]*subscriber, len(subs)+len(absent))
	for _, sub := range subs {
		c.use(sub, plans[sub.ID])
	}
	for _, id := range absent {
		if c.r.subs[id] == nil {
			c.leave(id)
		}
	}
	for id, s := range c.before {
		if c.r.subs[id] == nil {
			c.remove(s)
		}
	}
	return c
}

// put returns the subscriber of an id, a new one if there was none.
func (c *swapping) put(id webhook.SubscriptionID, number uint64) *subscriber {
	s := c.before[id]
	if s == nil {
		s = &subscriber{id: id, state: webhook.NewState(id, number, time.Now())}
		if st, ok := c.kept[id]; ok {
			s.state = st
		}
	}
	if s.state.Number == 0 {
		s.state.Number = max(number, c.kept[id].Number)
	}
	c.r.subs[id] = s
	return s
}

// use lets sub be delivered to by its plan; nil is none.
func (c *swapping) use(sub *webhook.Subscription, p *plan) {
	s := c.put(sub.ID, sub.Number)
	moved := s.plan != nil && s.plan.sub.URL != sub.URL
	s.plan = p
	if s.rate == nil || s.rate.rate != sub.Rate {
		s.rate = newBucket(sub.Rate)
	}
	state := s.state.Return(time.Now())
	if moved {
		state, s.odds = state.Move(), nil
	}
	if c.r.set(s, state) {
		c.changes = append(c.changes, stateChange{sub, s.state})
	}
	if s.plan == nil {
		c.dropped = append(c.dropped, c.r.drop(s)...)
	}
	c.r.asked(s, c.now)
	c.crew.call(s.free())
	c.r.queueUp(s)
}

// leave keeps one of which the configuration says nothing any more.
func (c *swapping) leave(id webhook.SubscriptionID) {
	s := c.put(id, 0)
	if last := s.plan; c.r.set(s, s.state.Leave(time.Now())) && last != nil {
		c.changes = append(c.changes, stateChange{last.sub, s.state})
	}
	s.plan = nil
	c.dropped = append(c.dropped, c.r.drop(s)...)
}

// remove forgets one.
func (c *swapping) remove(s *subscriber) {
	s.removed, s.plan = true, nil
	delete(c.r.subs, s.id)
	delete(c.r.unsaved, s.id)
	c.r.alarms.forget(s)
	c.dropped = append(c.dropped, c.r.drop(s)...)
}
