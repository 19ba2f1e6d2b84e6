package store

import (
	"context"

	"github.com/sidehook/sidehook/webhook"
)

// Reader answers questions about what was recorded.
type Reader interface {
	Event(ctx context.Context, id webhook.EventID) (*webhook.Event, error)

	// EventHead returns an event without its Before and After.
	EventHead(ctx context.Context, id webhook.EventID) (*webhook.Event, error)

	Events(ctx context.Context, q EventQuery) ([]webhook.Event, error)
	Delivery(ctx context.Context, id webhook.DeliveryID) (*webhook.Delivery, error)
	Deliveries(ctx context.Context, q DeliveryQuery) ([]webhook.Delivery, error)

	// Attempts returns what is kept of a delivery's attempts, oldest first: all of
	// them, or the first FirstAttempts and the last LastAttempts. By Retry-After a
	// receiver may ask for any number.
	Attempts(ctx context.Context, id webhook.DeliveryID) ([]webhook.Attempt, error)

	Stats(ctx context.Context) (Stats, error)
}

// How many attempts of a delivery are kept.
const (
	FirstAttempts = 20
	LastAttempts  = 80
)

// EventQuery selects events. Zero fields select all.
type EventQuery struct {
	After    uint64 // only positions greater than it
	Newest   bool   // from the newest backwards; After is then an exclusive upper bound, 0 for none
	Scopes   []webhook.Pattern
	Resource string
	ID       string // entity id, with Resource
	Exchange webhook.ExchangeID
	Max      int // at most so many; 0 means 100

	// Looking, if not nil, bounds how many events are looked at, selected or not. Not
	// with Exchange.
	Looking *Looking

	// Bytes, with Looking, bounds what is returned, in bytes, but for those of the
	// last; 0: no bound.
	Bytes int
}

// Looking is how many events, or deliveries, a query may look at, and how far it
// came. A query looks at a few even if Left is 0, so that it comes further.
type Looking struct {
	Left    int    // that may be looked at; counted down
	At      uint64 // position of the last that was looked at
	Stopped bool   // there may be more behind At, for a bound of it was reached
}

// DeliveryQuery selects deliveries, newest first. Zero fields select all.
type DeliveryQuery struct {
	Event        webhook.EventID // chunks that carry it included
	Subscription webhook.SubscriptionID
	State        webhook.DeliveryState
	Below        uint64                  // only positions lower than it; 0: all
	Oldest       bool                    // of Subscription, from the oldest on
	From         uint64                  // with Oldest: only positions from it on
	States       []webhook.DeliveryState // any of these; none: all
	Max          int                     // at most so many; 0 means 100

	// Looking, if not nil, bounds how many deliveries are looked at, selected or not;
	// of one position all are. Those of other subscriptions that stand in between
	// count a sixteenth. A query by Event looks at no others anyway.
	Looking *Looking
}

// Sights keeps what subscribers' own GETs showed: [webhook.Settlement].Sights.
type Sights interface {
	// Sight returns what a subscription has last seen of an entity, by the hour;
	// with a zero At if nothing is known.
	Sight(ctx context.Context, sub webhook.SubscriptionID, key webhook.EntityKey) (webhook.Sight, error)
}

// Stats is what health and metrics show.
type Stats struct {
	Position uint64 // of the newest event
	Pending  uint64 // deliveries not settled
	Bytes    int64  // on disk

	// Full: it takes more than [Keep.Most], and there is nothing left that may go.
	Full bool
}
