package badger

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var _ store.Store = (*Store)(nil)

// Store is a [store.Store] in a directory. All its methods are safe for
// concurrent use. Events that it returns are shared: callers do not change
// them.
type Store struct {
	dir  string
	home os.FileInfo // what dir was as it was opened
	log  *slog.Logger
	free func() (uint64, error)
	db   atomic.Pointer[badgerdb.DB] // the committer replaces it, see reopen

	views  views
	values *cache[string, value]
	reads  reads
	events *cache[webhook.EventID, *webhook.Event]
	queue  *queue
	marks  marks

	// position is that of the newest event that readers may see.
	position atomic.Uint64
	late     atomic.Uint64 // settlements that came too late

	members chan *member
	spread  chan struct{} // wakes the goroutine that queues the rest of large events
	closing chan struct{}
	running sync.WaitGroup

	mu     sync.RWMutex // closed; held for reading while a member is handed over
	closed bool

	keeper     keeper
	trimming   trimming // keeper's
	compacting compacting
	unpurged   atomic.Int64 // erasures since the last purge
	full       atomic.Bool  // it takes more than it may, and nothing may go
	mendEvery  time.Duration
}

var errClosed = errors.New("the store is closed")

// Open opens the store in o.Dir, and makes it if there is none. One process
// has a directory open at a time.
func Open(o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", o.Dir, err)
	}
	o.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store %s: %w", dir, err)
	}
	if err := CheckFormat(dir); err != nil {
		return nil, err
	}
	if o.Free == nil {
		o.Free = func() (uint64, error) { return freeBytes(dir) }
	}
	db, err := openBadger(o)
	if err != nil {
		return nil, err
	}
	s := newStore(o, db)
	if s.home, err = os.Stat(dir); err == nil {
		err = s.recover()
	}
	if err != nil {
		s.views.end()
		db.Close()
		return nil, fmt.Errorf("store %s: %w", dir, err)
	}
	s.running.Go(s.commitLoop)
	s.running.Go(s.spreadLoop)
	return s, nil
}

func openBadger(o Options) (*badgerdb.DB, error) {
	if free, err := o.Free(); err == nil && free < reserve {
		return nil, fmt.Errorf("store %s: %w: %d MiB are left on the disk, it needs %d", o.Dir, store.ErrFull, free>>20, reserve>>20)
	}
	if err := dropEmptyLogs(o.Dir); err != nil {
		return nil, fmt.Errorf("store %s: %w", o.Dir, err)
	}
	if err := vet(o); err != nil {
		return nil, fmt.Errorf("store %s: %w", o.Dir, err)
	}
	if err := probe(o.Dir); err != nil {
		return nil, fmt.Errorf("store %s: %w", o.Dir, err)
	}
	if err := ground(o); err != nil {
		return nil, err
	}
	db, err := badgerdb.Open(tuned(o))
	switch {
	case err == nil:
		if err := writeFormat(o.Dir); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return db, nil
	case isLocked(err):
		return nil, fmt.Errorf("store %s: %w: another process has it open%s; stop it, or give this one another directory", o.Dir, store.ErrUnfit, Holder(o.Dir))
	}
	return nil, fmt.Errorf("store %s: %w", o.Dir, err)
}

// ground puts a key into the last level of a new directory, for ever. Badger's Flatten
// does nothing while all tables are in one level, level 0 too: then what is deleted
// would stay in them until enough is recorded. With the key in another level,
// there is always something to flatten.
func ground(o Options) error {
	if !IsNew(o.Dir) {
		return nil
	}
	b := tuned(o)
	b.CompactL0OnClose = true
	db, err := badgerdb.Open(b)
	if err != nil && isLocked(err) {
		return nil // opening says who has it
	}
	if err == nil {
		err = db.Update(func(txn *badgerdb.Txn) error { return txn.Set(key{tableGround}, nil) })
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		return fmt.Errorf("make store %s: %w", o.Dir, err)
	}
	return nil
}

func newStore(o Options, db *badgerdb.DB) *Store {
	s := &Store{
		dir: o.Dir, log: o.Logger, free: o.Free,
		values: newCache(keyValueCache, func(k string, v value) int { return len(k) + len(v.bytes) + 100 }),
		events: newCache(eventCache, weighEvent),
		reads:  make(reads, maxReads),

		members: make(chan *member, maxGroup),
		spread:  make(chan struct{}, 1),
		closing: make(chan struct{}),

		mendEvery: 30 * time.Second,
	}
	s.db.Store(db)
	s.views.renew(db)
	s.queue = newQueue(s)
	return s
}

// recover finishes what a crash interrupted and loads what is kept in memory.
func (s *Store) recover() error {
	if err := s.redo(); err != nil {
		return fmt.Errorf("finish an interrupted write: %w", err)
	}
	if err := s.loadPosition(); err != nil {
		return err
	}
	if err := s.loadErased(); err != nil {
		return err
	}
	if err := s.loadMarks(); err != nil {
		return err
	}
	return s.queue.load()
}

// Close waits for writes that were handed over, and closes the directory.
// Further calls do nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.running.Wait()
		return nil
	}
	s.closed = true
	close(s.closing)
	s.mu.Unlock()

	s.running.Wait()
	db := s.db.Load()
	if db == nil {
		s.views.end()
		return nil
	}
	idle := s.awaitCompaction(func() {
		if err := s.shut(db); err != nil {
			s.log.Error("close the store after a compaction", "error", err)
		}
	})
	if !idle {
		s.log.Warn("a compaction goes on; the directory is closed when it ends", "dir", s.dir)
		return nil
	}
	return s.shut(db)
}

// reopen closes the directory and opens it again, so that memory shows what is
// on disk. Reading fails meanwhile.
func (s *Store) reopen() error {
	if err := s.room(0); err != nil {
		return err
	}
	s.views.end()
	if old := s.db.Swap(nil); old != nil {
		if err := old.Close(); err != nil {
			s.log.Error("close the store to open it again", "error", err)
		}
	}
	db, err := openBadger(Options{Dir: s.dir, Logger: s.log, Free: s.free})
	if err != nil {
		return err
	}
	s.db.Store(db)
	s.views.renew(db)
	s.values.clear()
	s.events.clear()
	if err := s.recover(); err != nil {
		s.views.end() // memory has half of it
		return err
	}
	return nil
}
