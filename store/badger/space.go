package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"
	"golang.org/x/sys/unix"

	"github.com/sidehook/sidehook/store"
)

// reserve is the room on disk below which nothing is written. Badger writes
// through memory maps, where a full disk is no error but the death of the
// process: there must be room for the memtables that wait to be flushed, and
// for the compactions that follow (level 0 at its stall, and the base level).
const reserve = memtables*memtableSize + stallTables*memtableSize + baseLevelSize

// touch has the disk take a write, by a call of the system. Badger writes through memory
// maps: there a disk that hangs, or is frozen, stops not who writes but the whole process,
// at its next garbage collection.
func touch(dir string) error {
	err := unix.Utimes(filepath.Join(dir, formatFile), nil)
	if err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		return nil // the disk may take writes all the same
	}
	return fmt.Errorf("write to the disk of %s: %w", dir, err)
}

// atPlace returns an error if the directory was moved, or if another one was mounted or put
// there. Badger opens files by their names: it would write into that one, which may be a
// store, and what is open would be neither here nor there.
func (s *Store) atPlace() error {
	there, err := os.Stat(s.dir)
	if err != nil {
		return fmt.Errorf("look after the store: %w", err)
	}
	if !os.SameFile(s.home, there) {
		return fmt.Errorf("another directory is at %s now: put back the one that is open, or restart", s.dir)
	}
	return nil
}

// room returns an error that wraps [store.ErrFull] if size more bytes would
// leave less than the reserve, or another one if the disk takes no writes.
func (s *Store) room(size int) error {
	if err := s.atPlace(); err != nil {
		return err
	}
	if err := touch(s.dir); err != nil {
		return err
	}
	free, err := s.free()
	if err != nil {
		return fmt.Errorf("ask for the room on disk: %w", err)
	}
	if free < reserve+uint64(size) {
		return fmt.Errorf("%w: %d MiB are left on the disk of %s, it needs %d", store.ErrFull, free>>20, s.dir, reserve>>20)
	}
	return nil
}

// flushRoom is what closing takes at most: it makes tables of all that is in memory.
const flushRoom = (memtables + 1) * memtableSize

// shut closes db when nothing reads it any more; on a full disk, where that would be the
// death of the process, once there is room, and away from its place, where it would write
// into another's, once it is back. Meanwhile db has the directory.
func (s *Store) shut(db *badgerdb.DB) error {
	s.views.end()
	if s.mayFlush() {
		return s.closeDB(db)
	}
	s.log.Warn("the store is left open until its disk has room, and it is at its place; what is in it is safe, also if the process ends", "dir", s.dir)
	go func() { // ends with the process
		for !s.mayFlush() {
			time.Sleep(roomEvery)
		}
		if err := s.closeDB(db); err != nil {
			s.log.Error("close the store that was left open", "error", err)
		}
	}()
	return nil
}

// roomEvery is how often room to close is looked for.
const roomEvery = time.Second

func (s *Store) mayFlush() bool {
	if s.atPlace() != nil {
		return false
	}
	free, err := s.free()
	return err != nil || free >= flushRoom
}

func (s *Store) closeDB(db *badgerdb.DB) error {
	if err := db.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", s.dir, err)
	}
	return nil
}

// freeBytes asks the file system of dir.
func freeBytes(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

// dirBytes adds up the room that the files of dir take.
func dirBytes(dir string) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, e := range entries {
		var st unix.Stat_t
		err := unix.Stat(filepath.Join(dir, e.Name()), &st)
		switch {
		case errors.Is(err, unix.ENOENT): // compacted meanwhile
		case err != nil:
			return 0, err
		default:
			sum += st.Blocks * 512 // memtable logs are sparse
		}
	}
	return sum, nil
}

// asFull makes the system's word for a full disk ours.
func asFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}
