package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/caddymodule/missed"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/store/journal"
)

// front is what the request path needs of an engine: see line.go. It is there from
// the first moment, whatever the disk does. While only the store cannot be opened,
// calls are kept in the journal; while that cannot be opened either, they go through
// and are noted as missed.
type front struct {
	Dir    string
	log    swapLogger
	Logger *slog.Logger // over log

	traffic  *derive.Traffic
	missed   *missed.List
	captured metrics.Captured
	full     atomic.Bool // the store takes more than store_max, and nothing may go
	begins   atomic.Bool // begins are durable

	journal atomic.Pointer[journal.Journal] // nil: not open yet
	callers atomic.Pointer[credentials.Hash]
	store   atomic.Pointer[store.Store] // nil: not open yet
	down    atomic.Pointer[error]       // why the journal is not open
	away    atomic.Pointer[error]       // why the directory is not at its place; see gone.go

	// Of who opens.
	lock *os.File // of Dir: one process has it
	home *os.File // where the journal is; set before it

	stop    context.CancelFunc
	keeping sync.WaitGroup
}

func newFront(dir string, logger *slog.Logger) *front {
	f := &front{Dir: dir, log: newSwapLogger(logger), traffic: derive.NewTraffic()}
	f.Logger = slog.New(f.log)
	f.missed = missed.New(f.Logger)
	f.traffic.Expect()
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	f.keeping.Go(func() { f.missed.KeepUp(ctx) })
	f.keeping.Go(func() { f.watch(ctx) })
	return f
}

// open opens what is not open yet, the journal last. One call at a time. What an
// error leaves undone is for the next one.
func (f *front) open() error {
	err := f.openAll()
	if err != nil {
		f.down.Store(&err)
	}
	return err
}

func (f *front) openAll() error {
	if f.journal.Load() != nil {
		return nil
	}
	if err := f.own(); err != nil {
		return err
	}
	// Before anything is written, and only for that: opening the store says the rest.
	if err := badger.CheckFormat(filepath.Join(f.Dir, "store")); errors.Is(err, store.ErrUnfit) {
		return err
	}
	f.missed.Open(f.Dir)
	if f.callers.Load() == nil {
		key, err := credentials.OpenKey(f.Dir)
		if err != nil {
			f.Logger.Error("a repeat of a call with an Idempotency-Key will not be recognised after the next start", "error", err)
		}
		f.callers.Store(credentials.NewHash(key))
	}
	dir := filepath.Join(f.Dir, "journal")
	j, err := journal.Open(journal.Options{Dir: dir, Logger: f.Logger, OnDropped: f.dropMarks})
	if err != nil {
		return err
	}
	if f.home, err = os.Open(dir); err != nil {
		return errors.Join(err, j.Close())
	}
	f.journal.Store(j)
	j.SyncBegins(f.begins.Load())
	return nil
}

// own makes the directory this process's, for as long as f is there: it has files
// that are written while the store, which has a lock of its own, is not open.
func (f *front) own() error {
	if f.lock != nil {
		if f.stillThere() {
			return nil
		}
		if err := errors.Join(f.missed.Close(), f.lock.Close()); err != nil {
			f.Logger.Warn("leaving the directory that was there before", "error", err)
		}
		f.lock = nil
		f.callers.Store(nil)
	}
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	d, err := os.Open(f.Dir)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%w: another process has it open%s; stop it, or give this one another directory", store.ErrUnfit, badger.Holder(filepath.Join(f.Dir, "store")))
		}
		return fmt.Errorf("lock %s: %w", f.Dir, err)
	}
	f.lock = d
	return nil
}

// stillThere reports whether Dir is what is locked: a disk may be mounted over it by now.
func (f *front) stillThere() bool {
	was, err := f.lock.Stat()
	if err != nil {
		return false
	}
	is, err := os.Stat(f.Dir)
	return err == nil && os.SameFile(was, is)
}

// syncBegins says whether begins are durable from now on.
func (f *front) syncBegins(yes bool) {
	f.begins.Store(yes)
	if j := f.journal.Load(); j != nil {
		j.SyncBegins(yes)
	}
}

// dropMarks forgets the marks of a journal segment that is gone. Those of one that
// goes while the store is not open are forgotten when it is.
func (f *front) dropMarks(segment uint64) {
	s := f.store.Load()
	if s == nil {
		return
	}
	if err := (*s).DropMarks(context.Background(), segment); err != nil {
		f.Logger.Warn("marks of a journal segment stay", "segment", segment, "error", err)
	}
}

// closeJournal ends capturing: who reads the journal comes to its end.
func (f *front) closeJournal() error {
	if j := f.journal.Load(); j != nil {
		return j.Close()
	}
	return nil
}

// close gives the directory back. The journal is closed.
func (f *front) close() error {
	f.stop()
	f.keeping.Wait()
	err := f.missed.Close()
	for _, dir := range []*os.File{f.home, f.lock} {
		if dir != nil {
			err = errors.Join(err, dir.Close())
		}
	}
	return err
}

// leave closes an f that no engine is behind.
func (f *front) leave() error {
	f.traffic.Drain(0)
	err := f.closeJournal()
	f.missed.Leave()
	return errors.Join(err, f.close())
}
