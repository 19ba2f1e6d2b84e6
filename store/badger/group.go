package badger

import (
	"fmt"
	"time"
)

type committer struct {
	s     *Store
	tx    *tx
	batch []*member
	usual int // members of the last groups

	parts int  // of members, in the group under way
	over  bool // the group is committed: it was one large part

	// broken: a transaction failed, so memory and disk may differ, and what a
	// failed sync left behind is unknown. The store is opened again before the
	// next write.
	broken bool
}

// commit commits the members in as few transactions as they fit in.
func (c *committer) commit(batch []*member) {
	for len(batch) > 0 {
		batch = batch[c.group(batch):]
	}
	clear(c.batch)
}

// group commits the first members of batch, answers them, and returns how many
// they are. Of the next one some parts may be committed too; it goes on in the
// next group.
func (c *committer) group(batch []*member) (n int) {
	if err := c.begin(); err != nil {
		for _, m := range batch {
			m.answer(err)
		}
		return len(batch)
	}
	defer c.tx.end()
	for n < len(batch) && !c.over && (n == 0 || !batch[n].alone && !batch[n-1].alone) && c.fill(batch[n]) {
		n++
	}
	var err error
	if !c.over {
		err = c.write()
	}
	if err != nil && n < len(batch) && batch[n].begun {
		n++
	}
	for _, m := range batch[:n] {
		if m.err == nil {
			m.err = err
		}
		m.answer(m.err)
	}
	return n
}

// reopen opens the store again if it is broken.
func (c *committer) reopen() error {
	if !c.broken {
		return nil
	}
	err := c.s.reopen()
	c.broken = err != nil
	return err
}

// again says when a broken store is tried: nothing can be read of one that could not be
// opened again, so what writes after it has read would never come.
func (c *committer) again() <-chan time.Time {
	if !c.broken {
		return nil
	}
	return time.After(c.s.mendEvery)
}

func (c *committer) mend() {
	if err := c.reopen(); err != nil {
		c.s.log.Error("the store cannot be opened again; it is tried again", "error", err, "after", c.s.mendEvery)
	}
}

// begin starts a group.
func (c *committer) begin() error {
	if err := c.reopen(); err != nil {
		return err
	}
	c.parts, c.over = 0, false
	return c.tx.begin()
}

// fill puts what is left of m into the group. It reports whether that was all;
// else the group ends. A part that fits no group is committed by itself, which
// ends the group too.
func (c *committer) fill(m *member) (all bool) {
	t := c.tx
	m.begun = false
	for {
		m.err = safely(m.work, t)
		if m.err == nil && !c.s.fits(t.group.size+t.mine.size, len(t.group.writes)+len(t.mine.writes)) {
			if c.parts > 0 {
				t.forget()
				return false
			}
			c.over = true
			m.err = c.large()
		}
		if m.err != nil {
			t.forget()
			return true
		}
		if !c.over {
			t.keep()
		}
		c.parts++
		m.begun = true
		if m.next == nil || !m.next() {
			return true
		}
		if c.over {
			return false
		}
	}
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
