package badger_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A store whose FORMAT is another user's, as in a copy made by root, is written to: only
// a disk that says no stops it.
func TestAFileThatMayNotBeTouchedStopsNoCommit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const nobodys = "/proc/self/ns/pid" // whoever touches it gets EPERM
	format := filepath.Join(dir, "FORMAT")
	if err := errors.Join(os.Rename(format, format+".kept"), os.Symlink(nobodys, format)); err != nil {
		t.Fatal(err)
	}
	if _, err := record(s, small(1, 100)); err != nil {
		t.Error("Record:", err)
	}
	if err := os.Rename(format+".kept", format); err != nil {
		t.Fatal(err)
	}
}
