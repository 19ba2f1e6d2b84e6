package engine

import (
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// replayedTo tells replays of the subscriptions in force.
type replayedTo struct{ e *Engine }

// State implements [replay.Subscribers].
func (o replayedTo) State(id webhook.SubscriptionID) (webhook.SubscriptionState, bool) {
	if k := o.e.Kept().Get(id); k != nil && k.Ready == nil {
		return webhook.SubscriptionState{}, false
	}
	return o.e.Deliverer.State(id)
}

// Now implements [replay.Subscribers].
func (o replayedTo) Now() time.Time { return o.e.Deliverer.Now() }

// Subscription implements [replay.Subscribers].
func (o replayedTo) Subscription(id webhook.SubscriptionID) *webhook.Subscription {
	return o.e.InForce(id)
}

// Missed implements [replay.Subscribers].
func (o replayedTo) Missed(ev *webhook.Event, id webhook.SubscriptionID) (rules.Want, bool, error) {
	w, wanted, err := o.e.Current().Subscribers.Wanted(ev, id)
	return w, wanted && err == nil && o.e.mayMiss(w.Subscription, ev), err
}
