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
		case <-s.closing:
			c.drain()
			return
		}
	}
}

type committer struct {
	s     *Store
	tx    *tx
	batch []*member
	usual int // members of the last groups

	// broken: a transaction failed, so memory and disk may differ, and what a
	// failed sync left behind is unknown. The store is opened again before the
	// next write.
	broken bool
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

// commit commits the members in as few transactions as they fit in.
func (c *committer) commit(batch []*member) {
	for len(batch) > 0 {
		n, err := c.group(batch)
		for _, m := range batch[:n] {
			if err != nil {
				m.answer(err)
			}
		}
		batch = batch[n:]
	}
	clear(c.batch)
}

// group commits the first members of batch, answers those that succeed or
// whose work fails, and returns how many it dealt with. An error is for those
// of them that it did not answer.
func (c *committer) group(batch []*member) (n int, err error) {
	s, t := c.s, c.tx
	if c.broken {
		if err := s.reopen(); err != nil {
			return len(batch), err
		}
		c.broken = false
	}
	if err := t.begin(); err != nil {
		return len(batch), err
	}
	defer t.end()
	answers := make([]error, 0, len(batch))
	for _, m := range batch {
		if n > 0 && (m.alone || batch[n-1].alone) {
			break
		}
		werr := safely(m.work, t)
		if werr == nil && !s.fits(t.group.size+t.mine.size, len(t.group.writes)+len(t.mine.writes)) {
			if n > 0 {
				t.forget()
				break // first in the next group
			}
			werr = c.large()
			n = 1
			m.answer(werr)
			return n, nil
		}
		if werr != nil {
			t.forget()
		} else {
			t.keep()
		}
		answers = append(answers, werr)
		n++
	}
	err = c.write()
	for i, m := range batch[:n] {
		if answers[i] == nil {
			answers[i] = err
		}
		m.answer(answers[i])
	}
	return n, nil
}

// answer gives the member back to its caller, once.
func (m *member) answer(err error) {
	if m.done != nil {
		m.done <- err
		m.done = nil
	}
}

// safely makes a panic of work (a rule's, say) an error.
func safely(work func(*tx) error, t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := work(t); err != nil {
		return err
	}
	return t.mine.err
}

// fits leaves room for the keys that end a group.
func (s *Store) fits(size, count int) bool {
	return int64(size) < s.db.Load().MaxBatchSize()*3/4 && int64(count) < s.db.Load().MaxBatchCount()*3/4
}

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
	for k, v := range writes {
		var err error
		switch {
		case !v.found():
			err = txn.Delete([]byte(k))
		case v.long:
			err = txn.SetEntry(badgerdb.NewEntry([]byte(k), v.bytes).WithMeta(longMeta))
		default:
			err = txn.SetEntry(badgerdb.NewEntry([]byte(k), v.bytes))
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
				s.values.put(k, v)
			}
		}
	}
	s.marks.add(t.group.marks)
	s.position.Store(t.group.position)
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
