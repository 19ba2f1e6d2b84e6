package badger_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sidehook/sidehook/store/badger"
)

// diedAt returns a directory as a store leaves it whose process was killed.
func diedAt(t *testing.T) string {
	t.Helper()
	dir, died := t.TempDir(), t.TempDir()
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.CopyFS(died, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return died
}

// first returns the path of the first file of that name in dir.
func first(t *testing.T, dir, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s are %v, error %v", pattern, paths, err)
	}
	return paths[0]
}

// used returns how many files the process has open, and how many goroutines there are.
func used(t *testing.T) (files, goroutines int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("it is not told which files are open:", err)
	}
	return len(open), runtime.NumGoroutine()
}

// A start tries for as long as it takes to open a store that cannot be: no try ends the
// process, and none leaves anything behind.
func TestATryToOpenLeavesNothingBehind(t *testing.T) {
	unreadable := func(pattern string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := first(t, dir, pattern)
			if err := errors.Join(os.Remove(path), os.Symlink(path, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	garbled := func(pattern string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			f, err := os.OpenFile(first(t, dir, pattern), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte("garbled!"), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"DISCARD cannot be opened":   {unreadable("DISCARD"), syscall.ELOOP.Error()},
		"a memtable cannot be":       {unreadable("*.mem"), syscall.ELOOP.Error()},
		"the value log cannot be":    {unreadable("*.vlog"), syscall.ELOOP.Error()},
		"the value log is garbled":   {garbled("*.vlog"), "it is damaged: 000001.vlog"},
		"a memtable is garbled":      {garbled("*.mem"), "it is damaged: 00001.mem"},
		"too many files for process": {func(t *testing.T, _ string) { limitFiles(t, 4) }, syscall.EMFILE.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := diedAt(t)
			files, goroutines := used(t)
			c.spoil(t, dir)
			for range 3 {
				s, err := badger.Open(badger.Options{Dir: dir})
				if err == nil {
					s.Close()
					t.Fatal("it is open")
				}
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("%q does not say %q", err, c.want)
				}
			}
			if f, g := used(t); f > files || g > goroutines {
				t.Errorf("%d files are open and %d goroutines run, before it was %d and %d", f, g, files, goroutines)
			}
		})
	}
}

// limitFiles lets the process have so many more files until the test ends.
func limitFiles(t *testing.T, more int) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	files, _ := used(t)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(files + more), Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &was) })
}
