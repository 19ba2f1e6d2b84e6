package store

import (
	"context"
	"errors"

	"github.com/sidehook/sidehook/webhook"
)

// Position is a place in the journal. Positions of entries grow in the order
// in which they were appended. The zero Position is before all entries.
type Position struct {
	Segment uint64
	Offset  int64
}

// Before reports whether p is earlier than q.
func (p Position) Before(q Position) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

// Entry is one journal entry: exactly one of Begin, End and Lost is set.
type Entry struct {
	At    Position
	Begin *webhook.Begin
	End   *webhook.Exchange
	Lost  *Lost
}

// Lost is what a reader gets in place of entries that were damaged on disk
// (not of a torn tail: what was never acknowledged is not missed).
type Lost struct {
	Bytes  int64
	Detail string
}

// ErrJournalDown is wrapped by what [Journal] methods return while it cannot
// write: the disk is full or failed. Calls go on; a gap covers the time.
var ErrJournalDown = errors.New("the journal cannot write")

// ErrTooLarge is wrapped by what [Journal] methods return for an entry that is
// larger than any the journal takes. End: the exchange does not fit; nothing
// was written and the begin is still open, so the exchange may be written again
// with less in it.
var ErrTooLarge = errors.New("larger than a journal entry may be")

// Journal is an append-only log of captured calls. All methods are safe for
// concurrent use.
type Journal interface {
	// Begin writes b before its call is forwarded. It survives the death of the
	// process; power loss only with the journal's sync option.
	Begin(b *webhook.Begin) error

	// End writes x. With durable it returns once x is on disk (fsync, shared by
	// concurrent calls); otherwise once it is written. It takes x over: from then
	// on nobody changes x or what it refers to, unless the error wraps
	// [ErrTooLarge]. Times in x are in UTC and without a monotonic clock. What the
	// caller has to do next may be done while the disk works: meanwhile is called,
	// by the caller's own goroutine, once x is written and before it is waited for.
	End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error

	// Next returns up to max entries after position after, in order, and blocks
	// until there is one, ctx ends or the journal is closed ([io.EOF]). What it
	// returns is shared with who called End, and is not to be changed. Begins,
	// and ends of rejected calls, are for the reader of a later start: those of
	// this process are not among the entries.
	Next(ctx context.Context, after Position, max int) ([]Entry, error)

	// Last returns where the last end is that is written now, or the last entry
	// of earlier processes; zero if there is none. Once Next has returned that or
	// a later one, it has returned all ends that were written before Last.
	Last() Position

	// Done says that the exchange whose end is at the position is recorded (or
	// quarantined in the store): the journal need not keep it. A begin is done
	// when its end is written, or when it was reconciled: DoneBegin, after which
	// it is followed by the end of a rejected call. An error that wraps
	// ErrJournalDown ends it as well: its call is for a gap to cover.
	Done(at Position)
	DoneBegin(id webhook.ExchangeID)

	// Close makes everything written durable and ends all calls of Next.
	Close() error
}
