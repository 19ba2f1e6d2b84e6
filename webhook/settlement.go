package webhook

import "time"

// Settlement is the result of one attempt.
type Settlement struct {
	Delivery Delivery // as it is after the attempt
	Attempt  *Attempt // nil: none was made (cancelled, withheld)

	Withheld bool // it had its turn, and nothing was sent

	// Sights are what the subscriber's own GETs showed for it.
	Sights []Sight

	// State is the subscription's new state, or nil if it did not change.
	State *SubscriptionState
}

// Backlog is what one subscription is owed.
type Backlog struct {
	Subscription SubscriptionID
	Pending      uint64
	Oldest       time.Time // earliest due
}
