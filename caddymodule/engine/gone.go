package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/sidehook/sidehook/store"
)

// What is open may be removed or moved, and what is written goes on into files that
// nobody will find.
var (
	errRemoved = fmt.Errorf("%w: its directory was removed while it was open, and what was in it is lost; restart, which begins a new one", store.ErrJournalDown)
	errMoved   = errors.New("the data directory is not at its place any more: another one was mounted or put there, or it was moved. Calls are kept where it is now, and no event comes of them until it is back; " +
		"put it back before a restart, which would begin a new one")
)

// lookEvery is how often it is found out whether the directory is there.
const lookEvery = time.Second

// watch looks after the directory until ctx ends.
func (f *front) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if f.journal.Load() != nil {
				f.look()
			}
		case <-ctx.Done():
			return
		}
	}
}

// look finds out whether the journal that is open is the one at its place.
func (f *front) look() {
	open, err := f.home.Stat()
	if err != nil {
		return
	}
	there, err := os.Stat(f.home.Name())
	why := whereabouts(open, there, err)
	was := f.away.Swap(&why)
	switch known := was != nil && *was != nil; {
	case why != nil && (!known || *was != why):
		f.Logger.Error("the data directory is gone", "dir", f.Dir, "error", why)
	case why == nil && known:
		f.Logger.Info("the data directory is at its place again", "dir", f.Dir)
	}
}

// whereabouts says what became of what is open; there is what is at its place now. What is
// there still is not gone, also where a file system counts no links.
func whereabouts(open, there fs.FileInfo, err error) error {
	switch {
	case err == nil && os.SameFile(open, there):
		return nil
	case open.Sys().(*syscall.Stat_t).Nlink == 0:
		return errRemoved
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return errMoved
	}
	return nil // it is not known
}

// gone says why the directory is not at its place; nil: it is.
func (f *front) gone() error {
	if why := f.away.Load(); why != nil {
		return *why
	}
	return nil
}

// lost is gone, if what is written is lost.
func (f *front) lost() error {
	if err := f.gone(); err == errRemoved {
		return err
	}
	return nil
}
