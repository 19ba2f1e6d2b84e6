package badger

import (
	"context"
	"encoding/binary"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
)

// trimming is how far the store has gone in making room.
type trimming struct {
	next uint64 // the position that it looks at next; 0: a round begins
}

// trim forgets settled events, oldest first, while the store takes more than
// k.Most, down to nine tenths of that. It reports whether there is more to do.
func (s *Store) trim(ctx context.Context, k store.Keep) (more bool, err error) {
	t := &s.trimming
	if k.Most <= 0 {
		*t = trimming{}
		s.full.Store(false)
		return false, nil
	}
	size, err := s.taken()
	if err != nil {
		return false, err
	}
	if size <= k.Most && t.next == 0 {
		s.full.Store(false)
		return false, s.compactIfWorth(ctx, k.Most/10)
	}
	for n := 0; n < maintainEvents && size > k.Most/10*9; n += forgetAtOnce {
		ended, err := s.trimSome(ctx)
		if err != nil {
			return false, err
		}
		if size, err = s.taken(); err != nil {
			return false, err
		}
		if ended {
			t.next = 0
			return false, s.trimmed(ctx, k)
		}
	}
	if size > k.Most/10*9 {
		return true, nil
	}
	if err := s.compactIfWorth(ctx, k.Most/20); err != nil {
		return false, err
	}
	if size, err = s.taken(); size <= k.Most/10*9 {
		t.next = 0
		s.full.Store(false)
	}
	return t.next > 0, err // it takes more than it seemed to: more has to go
}

// trimmed ends a round that forgot all that may go. If, without that on the disk,
// the store takes too much still, it is full.
func (s *Store) trimmed(ctx context.Context, k store.Keep) error {
	size, err := dirBytes(s.dir)
	if err == nil && size > k.Most {
		if err = s.compact(ctx, true); err == nil {
			size, err = s.taken()
		}
	}
	if err != nil {
		return err
	}
	if full := size > k.Most; s.full.Swap(full) != full && full {
		s.log.Error("the store takes more than store_max and nothing in it may go: new calls become gaps", "bytes", size, "store_max", k.Most)
	}
	return nil
}

// taken returns how much room the store will take on disk when what is deleted
// has gone.
func (s *Store) taken() (int64, error) {
	size, err := dirBytes(s.dir)
	return size - min(size, s.compacting.freed.Load()), err
}

// compactIfWorth compacts if so many bytes are deleted, and no compaction runs.
func (s *Store) compactIfWorth(ctx context.Context, worth int64) error {
	if s.compacting.freed.Load() < worth || s.compacting.runs() {
		return nil
	}
	return s.compact(ctx, s.compacting.written.Load() < flushBelow)
}

// trimSome forgets the settled ones of some events, and reports whether there
// are no more.
func (s *Store) trimSome(ctx context.Context) (ended bool, err error) {
	positions, err := s.positionsFrom(s.trimming.next)
	if err != nil || len(positions) == 0 {
		return true, err
	}
	err = s.hand(ctx, &member{alone: true, work: func(t *tx) error { return t.forgetSettled(positions) }})
	if err == nil {
		s.trimming.next = positions[len(positions)-1] + 1
	}
	return false, err
}

// positionsFrom returns the positions of some events, from one on.
func (s *Store) positionsFrom(from uint64) (positions []uint64, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	err = v.each(scan{prefix: key{tableEvent}, from: keyEvent(from)}, func(b []byte, _ *badgerdb.Item) (bool, error) {
		positions = append(positions, binary.BigEndian.Uint64(b[1:]))
		return len(positions) < forgetAtOnce, nil
	})
	return positions, err
}

// forgetSettled forgets those of the events that are owed to nobody.
func (t *tx) forgetSettled(positions []uint64) error {
	for _, position := range positions {
		stored, found, err := readStored(t, position)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		_, owed, err := t.lastSettled(position)
		if err == nil && !owed {
			err = t.forgetEvent(position, stored, nil)
		}
		if err != nil {
			return err
		}
	}
	return t.unlistBlocks()
}
