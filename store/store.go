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

// Record is one exchange on its way into the store.
type Record struct {
	Exchange webhook.ExchangeID
	Segment  uint64 // of its journal entry; its mark is dropped with that segment

	// Entities are the keys whose snapshots Derive reads, without repeats.
	Entities []webhook.EntityKey

	// Derive computes the consequences from the snapshots of Entities (in that
	// order; an entity never seen is a zero Snapshot with its key; for a key that
	// is an alias, the snapshot of the entity it leads to). It is pure:
	// it may be called more than once, from any goroutine, and only the last
	// result counts. An error of it, or its panic, is the Err of this record.
	Derive func(before []webhook.Snapshot) (Consequences, error)
}

// Consequences is what one exchange leads to.
type Consequences struct {
	Snapshots  []webhook.Snapshot // replace those of their keys
	Events     []webhook.Event    // Position and Recorded are set by the store; all of one exchange, which their ids name
	Deliveries []webhook.Delivery // Position is set by the store, from their event
	Notes      []Note
}

// Note is something small that is to be known after a restart.
type Note struct {
	Key   string // up to 4 KiB; notes are found by what their keys begin with
	Value []byte // up to 256 KiB; nil: there is to be no such note
}

// Notes keeps notes. What they say is their writer's business.
type Notes interface {
	// PutNotes puts notes in place of those of their keys, all or none, durably.
	// Notes of [Consequences] are put with them.
	PutNotes(ctx context.Context, notes ...Note) error

	// Notes returns up to max notes whose key begins with prefix, by key.
	Notes(ctx context.Context, prefix string, max int) ([]Note, error)
}

// Recorded is what [Recorder.Record] has done with a record.
type Recorded struct {
	Duplicate bool // the exchange was recorded before; nothing was written

	// Err is the error of Derive as it is, or says why its consequences can
	// never be kept. Nothing of this record is written.
	Err error

	Consequences
}

// Recorder is the hinge from exchanges to events.
type Recorder interface {
	// Record commits rs in their order, in as few transactions as they fit in,
	// durably, and returns what it has done with each. Of each the snapshots,
	// events, deliveries and the mark recorded/<exchange> are committed
	// together. If the mark is there already, nothing happens and Duplicate says
	// so. Derive sees the snapshots of the records before it, those of the same
	// call too. Size never stops it: a record that does not fit one transaction
	// is written in parts, and only the last sets the mark.
	//
	// An error is the store's own trouble, of which [ErrFull] is one, or ctx's.
	// Then some of rs may have been recorded: the first so many, all but those
	// with an Err. Record may be called again with the same rs, and reports
	// those as Duplicate.
	Record(ctx context.Context, rs []Record) ([]Recorded, error)

	// Recorded reports which of ids have their mark.
	Recorded(ctx context.Context, ids []webhook.ExchangeID) (map[webhook.ExchangeID]bool, error)

	// DropMarks forgets the marks of a journal segment that is gone.
	DropMarks(ctx context.Context, segment uint64) error

	// DropMarksBelow forgets the marks of all lower segments but 0, which is
	// that of records without a journal entry: their marks stay for ever.
	DropMarksBelow(ctx context.Context, segment uint64) error

	// Snapshot returns what is known of the entity that key leads to: its own, or
	// that of its Alias, whose key then is the snapshot's. If nothing is, it is
	// the zero Snapshot with the key.
	Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error)
}

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

	// Waiting returns a channel that receives when deliveries may have become
	// due sooner than a Claim said. Signals coalesce.
	Waiting() <-chan struct{}

	// Backlogs returns the subscriptions that are owed something.
	Backlogs(ctx context.Context) ([]webhook.Backlog, error)

	// Pending returns how many deliveries a subscription is owed.
	Pending(sub webhook.SubscriptionID) uint64
}

// Subscriptions keeps what a subscription's past left behind.
type Subscriptions interface {
	// States returns the states of all subscriptions ever seen.
	States(ctx context.Context) ([]webhook.SubscriptionState, error)

	// PutState keeps s, durably. A new one with Number 0 gets the next number;
	// the state as kept is returned.
	PutState(ctx context.Context, s webhook.SubscriptionState) (webhook.SubscriptionState, error)
}

// ErrPending is wrapped by a retry of a delivery that is pending already.
var ErrPending = errors.New("it is pending already")

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
	// error wraps [ErrChanged].
	PutKept(ctx context.Context, k Kept) error

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

// Reader answers questions about what was recorded.
type Reader interface {
	Event(ctx context.Context, id webhook.EventID) (*webhook.Event, error)

	// EventHead returns an event without its Before and After.
	EventHead(ctx context.Context, id webhook.EventID) (*webhook.Event, error)

	Events(ctx context.Context, q EventQuery) ([]webhook.Event, error)
	Delivery(ctx context.Context, id webhook.DeliveryID) (*webhook.Delivery, error)
	Deliveries(ctx context.Context, q DeliveryQuery) ([]webhook.Delivery, error)
	Attempts(ctx context.Context, id webhook.DeliveryID) ([]webhook.Attempt, error)
	Stats(ctx context.Context) (Stats, error)
}

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

// Erasure says which entity is erased: that of a resource and an id, of all apis
// and tenants that have one or of some.
type Erasure struct {
	Resource, ID string

	// Tenant: only what is of it, by its key or as an attribute; [webhook.AnyTenant]:
	// of any.
	Tenant string
	APIs   []string // that may have it
}

// Erased says what an erasure has forgotten.
type Erased struct {
	Entities   int // of which a snapshot was emptied
	Events     int
	Deliveries int
	Owed       int // of the deliveries, those that were not settled
}

// Eraser forgets entities.
type Eraser interface {
	// Erase forgets the events of an entity with their deliveries, owed ones too,
	// and all that its snapshot tells but the sequence and that it was deleted. It
	// works in parts, durably: one that an error or a crash interrupts is to be
	// called again. Until [Eraser.Purge] what was erased may be in files still.
	Erase(ctx context.Context, e Erasure) (Erased, error)

	// Purge writes files anew, so that nothing that was erased is in them.
	Purge(ctx context.Context) error

	// Unpurged reports whether there was an erasure after the last Purge; the
	// answer survives restarts.
	Unpurged() bool
}

// Keeper does the store's housekeeping.
type Keeper interface {
	// Maintain does a bounded slice of retention and space reclaiming, and
	// reports whether there is more to do at once.
	Maintain(ctx context.Context, k Keep) (more bool, err error)
}

// Keep says how long things are kept.
type Keep struct {
	Now       time.Time
	Retention time.Duration // of an event, from its last settlement, or from recording if nobody wanted it
	Tombstone time.Duration // of a deleted entity's snapshot
	HoldFor   time.Duration // of an owed delivery whose subscription is not Active
	Sights    time.Duration // of a sight

	// Most is how many bytes the store may take on disk; 0: any. Above it, events
	// that are owed to nobody go before their time, oldest first.
	Most int64

	// Holding reports whether deliveries of sub up to position are held, and
	// since when.
	Holding func(sub webhook.SubscriptionID, position uint64) (since time.Time, held bool)
}

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
