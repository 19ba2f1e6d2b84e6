package store

import (
	"context"
	"errors"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// ErrNotFound is wrapped by look-ups of one thing that is not there.
var ErrNotFound = errors.New("not found")

// ErrFull is wrapped by writes that the disk had no room for. They may be
// tried again; nothing was written.
var ErrFull = errors.New("the store is full")

// ErrUnfit is wrapped by errors of opening a directory that this process cannot have,
// however long it waits: another process has it, or it is of a format that is not
// known here. Nothing in it was changed.
var ErrUnfit = errors.New("this directory is not for this process")

// Configs keeps the handler configurations that exchanges name.
type Configs interface {
	// PutConfig keeps config (JSON without secrets) under its id, durably.
	PutConfig(ctx context.Context, id webhook.ConfigID, config []byte) error

	// Config returns it, or an error that wraps ErrNotFound.
	Config(ctx context.Context, id webhook.ConfigID) ([]byte, error)
}

// Quarantined is an exchange whose rules failed.
type Quarantined struct {
	Exchange webhook.Exchange
	Segment  uint64
	Why      string
	At       time.Time
}

// Quarantine keeps poison exchanges until they are derived again or dropped.
type Quarantine interface {
	Quarantine(ctx context.Context, q Quarantined) error
	Quarantined(ctx context.Context, max int) ([]Quarantined, error)
	Unquarantine(ctx context.Context, id webhook.ExchangeID) error
}

// Queue gives out deliveries. It keeps in memory which ones are given out, so
// claiming writes nothing; after a crash all unsettled ones are due again.
type Queue interface {
	// Claim gives out up to max pending deliveries of a subscription that are due
	// at now, oldest due first, live before retry before replay between lanes, at
	// most one at a time of each lane and only a lane's head; a held head gives
	// its lane nothing. through is the
	// subscription's HeldThrough: positions up to it are left alone. next is
	// when to ask again if nothing else happens; zero: nothing is waiting.
	Claim(ctx context.Context, sub webhook.SubscriptionID, through uint64, now time.Time, max int) (ds []webhook.Delivery, next time.Time, err error)

	// Settle records attempts and what the deliveries are now, durably, and
	// takes them back: one still pending is given out again when it is due. Of one
	// that was settled or put into another lane meanwhile only the attempt is kept;
	// unless it is cancelled, an attempt that was accepted makes it delivered.
	Settle(ctx context.Context, s ...webhook.Settlement) error

	// Retry makes a delivery that is final or held pending again, due at now,
	// with a fresh schedule, and returns it. It goes in front of what is newer in
	// its lane. ErrPending if it is pending already, ErrNotFound.
	Retry(ctx context.Context, id webhook.DeliveryID, now time.Time) (*webhook.Delivery, error)

	// Release retries all deliveries of a subscription that are held and so hold
	// their lanes, and returns how many there were. An error may leave some.
	Release(ctx context.Context, sub webhook.SubscriptionID, now time.Time) (int, error)

	// Unclaim takes back deliveries that were not attempted.
	Unclaim(ids ...webhook.DeliveryID)

	// Awaited reports whether another delivery of its lane waits for the
	// settlement of a delivery that is given out. It may say so of one for which
	// none waits.
	Awaited(id webhook.DeliveryID) bool

	// Waiting returns a channel that receives of which subscriptions deliveries
	// may have become due sooner than a Claim said, or said that none wait. What
	// nobody has received yet coalesces; who receives it owns it.
	Waiting() <-chan map[webhook.SubscriptionID]bool

	// Backlogs returns the subscriptions that are owed something.
	Backlogs(ctx context.Context) ([]webhook.Backlog, error)

	// Pending returns how many deliveries a subscription is owed.
	Pending(sub webhook.SubscriptionID) uint64
}

// ErrPending is wrapped by a retry of a delivery that is pending already.
var ErrPending = errors.New("it is pending already")

// Store is everything; callers declare the part that they need.
type Store interface {
	Recorder
	Configs
	Notes
	Quarantine
	Queue
	Subscriptions
	Registry
	Replays
	Reader
	Sights
	Eraser
	Keeper
	Close() error
}
