package store

import (
	"context"
	"errors"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Subscriptions keeps what a subscription's past left behind.
type Subscriptions interface {
	// States returns the states of all subscriptions ever seen.
	States(ctx context.Context) ([]webhook.SubscriptionState, error)

	// PutState keeps s, durably. A new one with Number 0 gets the next number;
	// the state as kept is returned.
	PutState(ctx context.Context, s webhook.SubscriptionState) (webhook.SubscriptionState, error)
}

// ErrChanged is wrapped by a change of something that somebody else has changed
// meanwhile. Nothing was written.
var ErrChanged = errors.New("it has been changed meanwhile")

// Kept is a subscription that was made while the process ran, not by the
// configuration. What it is, is in Body, which the store does not read.
type Kept struct {
	ID       webhook.SubscriptionID
	Revision uint64 // counts its changes, from 1
	Owner    string // who made it; "" where owners are not told apart
	Tenant   string
	Body     []byte // settings and secrets, sealed by the caller
	Created  time.Time
	Changed  time.Time

	// Deleted is when it was deleted; zero: it is there. One that is deleted is
	// kept, without Body, until all that it was owed is cancelled.
	Deleted time.Time
}

// Registry keeps the subscriptions that were made while the process ran.
type Registry interface {
	// AllKept returns all, deleted ones too.
	AllKept(ctx context.Context) ([]Kept, error)

	// PutKept keeps k, durably, in place of the one of its ID, if there is one.
	// Its Revision must be one more than that one's (1: there is none), or the
	// error wraps [ErrChanged]. st is the state of a new one, or of one whose
	// state changes with it: it is kept in the same commit, as PutState does it, and
	// becomes what is kept. nil: the state stays as it is.
	PutKept(ctx context.Context, k Kept, st *webhook.SubscriptionState) error

	// DropKept forgets a subscription and its state. One that is not there is no
	// error.
	DropKept(ctx context.Context, id webhook.SubscriptionID) error
}

// Replays keeps replays, and does what they say.
type Replays interface {
	// AllReplays returns all, oldest first.
	AllReplays(ctx context.Context) ([]webhook.Replay, error)

	// PutReplay keeps r, durably, in place of the one of its ID, and in the same
	// commit makes ds pending for it (see [webhook.Delivery.Replayed]): those that
	// are in a state that r selects, and those that there are none of yet, if r is
	// about these. It leaves others alone, and those whose event is forgotten. The
	// replay as kept is returned: Queued has grown by what became pending.
	PutReplay(ctx context.Context, r webhook.Replay, now time.Time, ds ...webhook.Delivery) (webhook.Replay, error)

	// DropReplay forgets a replay. One that is not there is no error.
	DropReplay(ctx context.Context, id webhook.ReplayID) error
}
