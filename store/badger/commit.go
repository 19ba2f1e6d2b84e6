package badger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// A group ends at maxGroup members, at three quarters of what Badger takes, or
// when nothing more comes.
const (
	maxGroup  = 512
	maxGather = 5 * time.Millisecond
)

// member is a caller's part of a group. work computes its writes; it may be
// called again if the group has no room for them, and only its last results
// count.
type member struct {
	work  func(*tx) error
	alone bool // in a group of its own: it reads what others may be writing

	// next, if there is one, is called when work's writes are in a group. While
	// it returns true, work is called for more, which another group may get.
	next func() bool

	begun bool  // a part of it is in the group under way
	err   error // of work
	done  chan error
}

// commit hands work to the committer and waits. If ctx ends first, the work
// may yet be done.
func (s *Store) commit(ctx context.Context, work func(*tx) error) error {
	return s.hand(ctx, &member{work: work})
}

func (s *Store) hand(ctx context.Context, m *member) error {
	done := make(chan error, 1)
	m.done = done
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return errClosed
	}
	select {
	case s.members <- m:
		s.mu.RUnlock()
	case <-ctx.Done():
		s.mu.RUnlock()
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commitLoop is the committer.
func (s *Store) commitLoop() {
	c := &committer{s: s, tx: newTx(s)}
	for {
		select {
		case m := <-s.members:
			c.commit(c.gather(m))
		case <-c.again():
			c.mend()
		case <-s.closing:
			c.drain()
			return
		}
	}
}

// drain commits what was handed over before the store closed.
func (c *committer) drain() {
	for {
		select {
		case m := <-c.s.members:
			c.commit(c.gather(m))
		default:
			return
		}
	}
}

// gather returns first and those that wait with it. Most gather while the
// group before is synced. Callers that this one has just woken are about to
// come back: it yields to them as long as that brings some, and as long as
// there are fewer than lately.
func (c *committer) gather(first *member) []*member {
	batch := append(c.batch[:0], first)
	start := time.Now()
	for idle := 0; len(batch) < maxGroup; {
		select {
		case m := <-c.s.members:
			batch = append(batch, m)
			idle = 0
			continue
		default:
		}
		if idle++; idle > gatherYields || len(batch) >= c.usual || time.Since(start) > maxGather {
			break
		}
		runtime.Gosched()
	}
	c.usual = (3*c.usual + len(batch)) / 4
	c.batch = batch
	return batch
}

// gatherYields is how often the committer looks again for members that do not
// come.
const gatherYields = 16

// write commits the group's writes and what follows from them.
func (c *committer) write() error {
	t := c.tx
	if len(t.group.writes) == 0 && len(t.group.marks) == 0 {
		c.s.committed(t)
		return nil
	}
	t.finish()
	t.keep()
	if err := c.s.room(t.group.size); err != nil {
		return err
	}
	if err := c.s.apply(t.group.writes); err != nil {
		c.broken = true
		return err
	}
	c.s.committed(t)
	return nil
}

// finish adds the keys that a group changes once.
func (t *tx) finish() {
	if t.group.position != t.s.position.Load() {
		t.put(keyPosition(), binary.BigEndian.AppendUint64(nil, t.group.position))
	}
	t.putMarks()
	t.putFresh()
	for sub, n := range t.group.pending {
		if n != 0 {
			t.put(keyCount(sub), binary.BigEndian.AppendUint64(nil, t.s.queue.pending(sub)+uint64(n)))
		}
	}
}

// apply is one Badger transaction.
func (s *Store) apply(writes map[string]value) error {
	txn := s.db.Load().NewTransaction(true)
	defer txn.Discard()
	size := 0
	for k := range writes {
		size += len(k)
	}
	// Badger keeps entries and keys until the commit: all of them are two
	// allocations.
	keys, entries := make([]byte, 0, size), make([]badgerdb.Entry, len(writes))
	for k, v := range writes {
		from := len(keys)
		keys = append(keys, k...)
		key := keys[from:len(keys):len(keys)]
		var err error
		if !v.found() {
			err = txn.Delete(key)
		} else {
			e := &entries[0]
			entries = entries[1:]
			e.Key, e.Value = key, v.bytes
			if v.long {
				e.UserMeta = longMeta
			}
			err = txn.SetEntry(e)
		}
		if err != nil {
			return fmt.Errorf("write to the store: %w", asFull(err))
		}
	}
	if err := txn.Commit(); err != nil {
		return fmt.Errorf("commit to the store: %w", asFull(err))
	}
	return nil
}

// committed makes memory follow the disk. Views first: what a cache shows must
// be there for who looks further.
func (s *Store) committed(t *tx) {
	if len(t.group.writes) > 0 {
		s.views.renew(s.db.Load())
		s.values.renew()
		for k, v := range t.group.writes {
			if !cached(k) {
				continue
			}
			if v.long || settledDelivery(k, v) {
				s.values.drop(k)
			} else {
				s.values.put(k, v.clip())
			}
		}
	}
	s.marks.add(t.group.marks)
	s.position.Store(t.group.position)
	s.compacting.freed.Add(t.group.freed)
	s.compacting.written.Add(int64(t.group.size))
	s.queue.apply(t.group.pending, t.group.effects)
}

// loadPosition reads the newest event's position.
func (s *Store) loadPosition() error {
	v, err := s.views.cur.get(keyPosition())
	if err != nil || !v.found() {
		s.position.Store(0)
		return err
	}
	if len(v.bytes) != 8 {
		return errors.New("the newest position is not 8 bytes")
	}
	s.position.Store(binary.BigEndian.Uint64(v.bytes))
	return nil
}
