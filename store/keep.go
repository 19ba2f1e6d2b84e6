package store

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

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
	Copies     int // events of others that carried a copy of it, which is taken out
}

// Eraser forgets entities.
type Eraser interface {
	// Erase forgets the events of an entity with their deliveries, owed ones too,
	// and all that its snapshot tells but the sequence and that it was deleted. Of
	// others' events to which it is related ([webhook.Related]) it takes the value of
	// that out, which is null from then on, and the same value in their items,
	// attributes and further related values; their states stay as they are. It works in parts, durably: one that an error or a crash interrupts is to be
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
	Pace      int           // how much faster than time Now passes; 0: as fast
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
