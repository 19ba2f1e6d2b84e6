package badger

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

const (
	PieceSize = pieceSize
	Format    = format
)

// EngineOptions returns the options that Badger was opened with.
func EngineOptions(s *Store) badgerdb.Options { return s.db.Load().Opts() }

// EngineFlatten has Badger compact all that it has, as it may at any time.
func EngineFlatten(s *Store) error { return s.db.Load().Flatten(1) }

// Break makes a transaction fail, as a disk error does: Badger refuses an
// empty key.
func Break(s *Store) error {
	return s.commit(context.Background(), func(t *tx) error {
		t.putKey(key{})
		return nil
	})
}

// Keys counts the keys of each table.
func Keys(s *Store) (map[string]int, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	count := map[string]int{}
	err = v.each(scan{}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		count[string(k[:1])]++
		return true, nil
	})
	return count, err
}

// RecordSize records r without a mark, and returns what it puts and deletes:
// "<table> <bytes of the key>+<bytes of the value>", and all bytes.
func RecordSize(s *Store, r store.Record) (writes []string, size int, err error) {
	err = s.commit(context.Background(), func(t *tx) error {
		prior := map[webhook.EntityKey]*kept{}
		before := make([]webhook.Snapshot, len(r.Entities))
		for i, k := range r.Entities {
			found, err := readKept(t, k)
			if err != nil {
				return err
			}
			prior[k], before[i] = &found, found.snapshot
		}
		c, err := r.Derive(before)
		if err != nil {
			return err
		}
		changes := newChanges(prior, c)
		if _, err := t.putChanges(&changes); err != nil {
			return err
		}
		for k, v := range t.mine.writes {
			writes = append(writes, fmt.Sprintf("%c %d+%d", k[0], len(k), len(v.bytes)))
			size += len(k) + len(v.bytes)
		}
		slices.Sort(writes)
		return nil
	})
	return writes, size, err
}

// Cached returns how many bytes the values take that the store remembers, and
// how many it believes they do.
func Cached(s *Store) (taken, weighed int) {
	c := s.values
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, generation := range []map[string]value{c.young, c.old} {
		for k, v := range generation {
			taken += cap(v.bytes)
			weighed += c.weigh(k, v)
		}
	}
	return taken, weighed
}

// FewFresh lowers the bounds of what is fresh.
func FewFresh(s *Store, most, span, step uint64) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.fresh.bounds = bounds{most, span, step}
}

// Settle settles and returns how many keys of each table that puts, and how
// many it deletes.
func Settle(s *Store, m webhook.Settlement) (puts, deletes map[string]int, err error) {
	puts, deletes = map[string]int{}, map[string]int{}
	err = s.commit(context.Background(), func(t *tx) error {
		err := t.settle(&m)
		for k, v := range t.mine.writes {
			if v.found() {
				puts[k[:1]]++
			} else {
				deletes[k[:1]]++
			}
		}
		return err
	})
	return puts, deletes, err
}

// HoldThrough moves a boundary, and returns how many writes that took.
func HoldThrough(s *Store, sub webhook.SubscriptionID, through uint64) (writes int, err error) {
	err = s.hand(context.Background(), &member{alone: true, work: func(t *tx) error {
		err := t.holdThrough(sub, through)
		writes = len(t.mine.writes)
		return err
	}})
	return writes, err
}

// Lines returns how many subscriptions memory knows a queue of.
func Lines(s *Store) int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.lines)
}

// MendSoon has what broke tried again at once. It comes before anything breaks.
func MendSoon(s *Store) { s.mendEvery = 10 * time.Millisecond }

// Panic commits something that panics.
func Panic(s *Store) error {
	return s.commit(context.Background(), func(*tx) error { panic("a bug") })
}

// Compact has it look as if a compaction ran until end is called.
func Compact(s *Store) (end func(), err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	s.compacting.mu.Lock()
	s.compacting.done = done
	s.compacting.mu.Unlock()
	return func() {
		s.compacting.mu.Lock()
		s.compacting.done = nil
		s.compacting.mu.Unlock()
		v.release()
		close(done)
	}, nil
}

// Hold reads the store until end is called.
func Hold(s *Store) (end func(), err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	return v.release, nil
}

// HangReads has as many reads hang as may, until free is called.
func HangReads(s *Store) (free func()) {
	for range maxReads {
		s.reads <- struct{}{}
	}
	return func() {
		for range maxReads {
			<-s.reads
		}
	}
}

// HungRead waits for a read that hangs until free is closed.
func HungRead(ctx context.Context, s *Store, free chan struct{}) error {
	_, err := s.reads.wait(ctx, func() (kept, error) { <-free; return kept{}, nil })
	return err
}

// Failing has reads of a store fail, as a disk does.
type Failing struct {
	s          *Store
	left, then atomic.Int64 // reads until one fails, and from that one to the next; 0: no other
}

// fault is what the runtime panics with where the disk gives nothing.
type fault struct{}

func (fault) Addr() uintptr { return 1 }

// NewFailing has none of s fail yet. What s does by itself may read already.
func NewFailing(s *Store) *Failing {
	f := &Failing{s: s}
	f.At(0)
	reading := func() {
		if f.left.Add(-1) == 0 {
			f.left.Add(f.then.Load())
			f.then.Add(f.then.Load())
			panic(fault{})
		}
	}
	s.views.reading.Store(&reading)
	return f
}

// Rarely has the n-th read from now on fail, and more, each after twice as many.
func (f *Failing) Rarely(n int64) {
	f.then.Store(n)
	f.At(n)
}

// At has the n-th read from now on fail; nothing is cached then. 0: none does. It
// reports whether the one before did.
func (f *Failing) At(n int64) (failed bool) {
	f.s.values.clear()
	f.s.events.clear()
	if n == 0 {
		n = math.MaxInt64
	}
	return f.left.Swap(n) <= 0
}

// IsTrouble reports whether err says that the disk could not be read.
func IsTrouble(err error) bool { return isTrouble(err) }
