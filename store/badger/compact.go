package badger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// What is deleted stays in Badger's tables until it compacts them, which it does
// as they fill up. Where little is written it would stay for long, so the store
// has it done when enough is deleted, and after an erasure.

// compacting is the compaction that runs, if one does.
type compacting struct {
	freed   atomic.Int64 // bytes deleted since the last, about
	written atomic.Int64 // bytes written since the last

	mu   sync.Mutex
	done chan struct{} // closed when the one that runs ends; nil: none does
}

const (
	// worthCompacting is how much must be deleted for a compaction, at least.
	worthCompacting = 16 << 20

	// flushBelow is how much must be written for most of what is deleted to have
	// reached the tables by itself. What is in memory only, no compaction sees.
	flushBelow = 4 * memtables * memtableSize

	// closeWait is how long Close waits for a compaction, which cannot be
	// interrupted. Afterwards the compaction closes the directory.
	closeWait = time.Second
)

// compact writes the tables anew, without what was deleted before the call; with
// flush, of which no part is in memory only. If another compaction runs, which may
// have begun before that was deleted, it waits for its end. It does not return before
// its own is done, unless ctx ends; then that goes on.
func (s *Store) compact(ctx context.Context, flush bool) error {
	end, err := s.compacting.begin(ctx)
	if err != nil {
		return err
	}
	if err = s.atPlace(); err == nil && flush {
		err = s.flush(ctx)
	}
	var v *view
	if err == nil {
		v, err = s.viewOfAll(ctx)
	}
	if err != nil {
		end()
		return err
	}
	failed := make(chan error, 1)
	db, freed := s.db.Load(), s.compacting.freed.Load()
	go func() { // ends with the compaction; Close waits for it, or leaves the rest to it
		err := db.Flatten(1)
		if err == nil {
			s.compacting.freed.Add(-freed)
			s.compacting.written.Store(0)
		}
		v.release()
		end()
		failed <- err
	}()
	select {
	case err := <-failed:
		if err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin waits until no compaction runs, and has one run until end is called.
func (c *compacting) begin(ctx context.Context) (end func(), err error) {
	for {
		c.mu.Lock()
		other := c.done
		if other == nil {
			done := make(chan struct{})
			c.done = done
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				c.done = nil
				c.mu.Unlock()
				close(done)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// runs reports whether a compaction runs.
func (c *compacting) runs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done != nil
}

// viewOfAll returns a view that shows none of what was deleted before the call, once
// it is the oldest: a compaction keeps what any view shows.
func (s *Store) viewOfAll(ctx context.Context) (*view, error) {
	if err := s.commit(ctx, func(t *tx) error { t.delete(key{tableTouch}); return nil }); err != nil {
		return nil, err
	}
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(fillPause)
	defer tick.Stop()
	for s.views.older(v) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			v.release()
			return nil, ctx.Err()
		}
	}
	return v, nil
}

// A flush writes so much at once that means nothing, and looks so often whether
// tables are written.
const (
	fillBytes = 256 << 10
	fillPause = 10 * time.Millisecond
)

// flush writes what is in memory into tables, so that its logs go. Badger has no
// way to ask for that which lets others write meanwhile (DropPrefix stops all until
// level 0 is compacted), but does it when a memtable is full: so this one is filled.
func (s *Store) flush(ctx context.Context) error {
	old, err := s.memtableLogs()
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	tick := time.NewTicker(fillPause)
	defer tick.Stop()
	fill := make([]byte, fillBytes) // neither memory nor tables compress it
	for n := 0; ; n++ {
		now, err := s.memtableLogs()
		if err != nil {
			return fmt.Errorf("flush: %w", err)
		}
		left, fresh := false, false
		for name := range now {
			left, fresh = left || old[name], fresh || !old[name]
		}
		switch {
		case !left:
			return nil
		case !fresh && n > 4*memtableSize/fillBytes:
			return errors.New("flush: the memtable does not become full")
		case !fresh:
			err := s.commit(ctx, func(t *tx) error { t.put(key{tableTouch}, fill); return nil })
			if err != nil {
				return err
			}
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// memtableLogs returns the names of the logs of what is in memory. One goes when
// its memtable is in tables.
func (s *Store) memtableLogs() (map[string]bool, error) {
	names, err := filepath.Glob(filepath.Join(s.dir, "*.mem"))
	logs := make(map[string]bool, len(names))
	for _, name := range names {
		logs[name] = true
	}
	return logs, err
}

// awaitCompaction waits for the compaction that runs, for a while, and reports
// whether none does then. If one does, then is called when it has ended.
func (s *Store) awaitCompaction(then func()) bool {
	s.compacting.mu.Lock()
	done := s.compacting.done
	s.compacting.mu.Unlock()
	if done == nil {
		return true
	}
	select {
	case <-done:
		return true
	case <-time.After(closeWait):
		go func() {
			<-done
			then()
		}()
		return false
	}
}
