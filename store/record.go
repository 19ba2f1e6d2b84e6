package store

import (
	"context"

	"github.com/sidehook/sidehook/webhook"
)

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
	// the zero Snapshot with the key. A disk that hangs is waited for no longer than
	// ctx lasts.
	Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error)
}
