package badger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
)

// Bounds of one call of Maintain, in things looked at or forgotten.
const (
	maintainEvents     = 2000
	maintainTombstones = 1000
	maintainPassing    = 20 // times maintainTombstones
	maintainHeld       = 5000
	maintainSights     = 5000

	forgetAtOnce = 50 // events in one commit
	expireAtOnce = 200

	// revisitOwed is how long an old event that is still owed is left alone.
	revisitOwed = time.Hour
)

// keeper lets one call of Maintain work at a time.
type keeper struct {
	mu     sync.Mutex
	sights key // from where on they are looked at next; nil: from the first
}

// Maintain implements [store.Keeper]. A zero duration switches its part off.
func (s *Store) Maintain(ctx context.Context, k store.Keep) (more bool, err error) {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	if k.HoldFor > 0 && k.Holding != nil {
		if err := s.expireHeld(ctx, k); err != nil {
			return false, fmt.Errorf("expire what is held: %w", err)
		}
	}
	if k.Retention > 0 {
		if more, err = s.forgetEvents(ctx, k); err != nil {
			return false, fmt.Errorf("forget events: %w", err)
		}
	}
	if k.Tombstone > 0 {
		if err := s.forgetTombstones(ctx, k); err != nil {
			return false, fmt.Errorf("forget tombstones: %w", err)
		}
	}
	if k.Sights > 0 {
		if err := s.forgetSights(ctx, k); err != nil {
			return false, fmt.Errorf("forget what subscribers saw: %w", err)
		}
	}
	if err := s.forgetPassing(ctx, k); err != nil {
		return false, fmt.Errorf("forget what was to be kept for a time: %w", err)
	}
	trimming, err := s.trim(ctx, k)
	if err != nil {
		return false, fmt.Errorf("make room: %w", err)
	}
	if more || trimming {
		return true, nil
	}
	size, err := dirBytes(s.dir)
	if err == nil {
		err = s.compactIfWorth(ctx, max(size/4, worthCompacting))
	}
	if err != nil {
		return false, err
	}
	return false, s.collectGarbage()
}

// collectGarbage lets Badger rewrite a value log file that is half empty.
// Values stay inline, so there is hardly ever one.
func (s *Store) collectGarbage() error {
	v, err := s.views.get() // it stays open as long
	if err != nil {
		return err
	}
	defer v.release()
	err = s.db.Load().RunValueLogGC(0.5)
	if err == nil || errors.Is(err, badgerdb.ErrNoRewrite) || errors.Is(err, badgerdb.ErrRejected) {
		return nil
	}
	return fmt.Errorf("collect garbage: %w", err)
}

// forgetEvents looks at the events whose retention may have ended: first those
// that it put off, then those that it has not seen yet, in order. It reports
// whether there may be more.
func (s *Store) forgetEvents(ctx context.Context, k store.Keep) (more bool, err error) {
	for n := 0; n < maintainEvents; n += forgetAtOnce {
		due, err := s.eventsDue(k)
		if err != nil || len(due.positions) == 0 {
			return false, err
		}
		err = s.hand(ctx, &member{alone: true, work: func(t *tx) error { return t.forgetEvents(due, k) }})
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// dueEvents are events to look at, and the keys that said so.
type dueEvents struct {
	positions []uint64
	revisits  []key
	cursor    uint64          // 0: stays
	whole     map[uint64]bool // of which it was a whole retention ago that they were put off
}

// wholly is the value of a revisit of an event that was dated ahead: when it comes, it is
// a whole retention that the event was kept since.
var wholly = []byte{1}

func (s *Store) eventsDue(k store.Keep) (due dueEvents, err error) {
	v, err := s.views.get()
	if err != nil {
		return due, err
	}
	defer v.release()
	due.whole = map[uint64]bool{}
	err = v.each(scan{prefix: []byte{tableRevisit}}, func(b []byte, it *badgerdb.Item) (bool, error) {
		if len(b) != 17 {
			return false, errBroken("list of old events")
		}
		if binary.BigEndian.Uint64(b[1:]) > nanos(k.Now) {
			return false, nil
		}
		due.revisits = append(due.revisits, append(key{}, b...))
		position := binary.BigEndian.Uint64(b[9:])
		due.positions = append(due.positions, position)
		due.whole[position] = it.ValueSize() > 0
		return len(due.positions) < forgetAtOnce, nil
	})
	if err != nil || len(due.positions) > 0 {
		return due, err
	}
	at, err := v.get(key{tableCursor})
	if err != nil {
		return due, err
	}
	after := uint64(0)
	if len(at.bytes) == 8 {
		after = binary.BigEndian.Uint64(at.bytes)
	}
	horizon := nanos(k.Now.Add(-k.Retention))
	err = v.each(positionScan(key{tableEvent}, after, false), func(b []byte, _ *badgerdb.Item) (bool, error) {
		position := binary.BigEndian.Uint64(b[1:])
		head, found, err := readHead(v, position)
		if err != nil || !found || head.recorded > horizon && head.recorded <= nanos(k.Now) {
			return false, err // what is dated ahead does not keep what comes after it
		}
		due.positions, due.cursor = append(due.positions, position), position
		return len(due.positions) < forgetAtOnce, nil
	})
	return due, err
}

// forgetEvents forgets what it may of due and puts the others off.
func (t *tx) forgetEvents(due dueEvents, k store.Keep) error {
	for _, r := range due.revisits {
		t.delete(r)
	}
	if due.cursor != 0 {
		t.put(key{tableCursor}, binary.BigEndian.AppendUint64(nil, due.cursor))
	}
	for _, position := range due.positions {
		stored, found, err := readStored(t, position)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		last, owed, err := t.lastSettled(position)
		if err != nil {
			return err
		}
		if recorded := fromNanos(stored.recorded); recorded.After(last) {
			last = recorded
		}
		ahead := last.After(k.Now)
		switch ends := last.Add(k.Retention); {
		case owed:
			t.putKey(keyRevisit(k.Now.Add(min(k.Retention, revisitOwed)), position))
		case ahead && !due.whole[position]:
			if whole := k.Now.Add(k.Retention * time.Duration(max(1, k.Pace))); whole.Before(ends) {
				ends = whole
			}
			t.put(keyRevisit(ends, position), wholly)
		case !ahead && ends.After(k.Now):
			t.putKey(keyRevisit(ends, position))
		default:
			if err := t.forgetEvent(position, stored, nil); err != nil {
				return err
			}
		}
	}
	return t.unlistBlocks()
}

// lastSettled returns when the last delivery of the event at position was
// settled, or that one is still owed.
func (t *tx) lastSettled(position uint64) (last time.Time, owed bool, err error) {
	if owed, err = restless(t.view, position); owed || err != nil {
		return last, owed, err
	}
	err = t.view.eachDelivery(scan{prefix: newKey(tableDelivery, 8).u64(position)}, func(s storedDelivery) (bool, error) {
		var err error
		owed, err = s.later(&last)
		return !owed, err
	})
	if owed || err != nil {
		return last, owed, err
	}
	err = t.view.eachChunk(position, func(p place) (bool, error) {
		var err error
		if owed, err = restless(t.view, p.position); owed || err != nil {
			return false, err
		}
		s, found, err := readDelivery(t, p)
		if err != nil || !found {
			return err == nil, err // it is forgotten
		}
		owed, err = s.later(&last)
		return !owed, err
	})
	return last, owed, err
}

// later moves last on to when s was settled, or reports that it is owed.
func (s *storedDelivery) later(last *time.Time) (owed bool, err error) {
	d, err := s.decode()
	if err != nil {
		return false, err
	}
	if d.Settled.After(*last) {
		*last = d.Settled
	}
	return !d.State.Final(), nil
}
