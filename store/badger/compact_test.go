package badger_test

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/store/badger"
)

// A compaction may take minutes and cannot be interrupted. Closing does not wait
// for it; the directory is free when it ends.
func TestClosingDoesNotWaitForACompaction(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	end, err := badger.Compact(s)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.Close(); err != nil || time.Since(began) > 4*time.Second {
		t.Errorf("closing took %v: %v", time.Since(began), err)
	}
	if _, err := badger.Open(badger.Options{Dir: dir}); err == nil {
		t.Fatal("the directory is free while it is compacted")
	}
	end()
	for stop := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		again, err := badger.Open(badger.Options{Dir: dir})
		if err == nil {
			again.Close()
			return
		}
		if time.Now().After(stop) {
			t.Fatal("the directory is not free after the compaction:", err)
		}
	}
}
