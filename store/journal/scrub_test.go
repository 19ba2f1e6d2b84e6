package journal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
)

// holds reports whether a file of the journal has marker in it.
func holds(t *testing.T, dir, marker string) bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err == nil && bytes.Contains(data, []byte(marker)) {
			return true
		}
	}
	return false
}

// What was in the journal when it was scrubbed is on the disk no more once it is
// done with; and not before.
func TestWhatIsScrubbedLeavesNoTrace(t *testing.T) {
	const size, marker = 64 << 10, "a name that is to go"
	for _, last := range []int{3, 30, 200} { // in the first segment, or in one that was another before
		dir := t.TempDir()
		j, err := journal.Open(journal.Options{Dir: dir, SegmentSize: size})
		if err != nil {
			t.Fatal(err)
		}
		var after store.Position
		next := func() store.Position {
			entries, err := j.Next(t.Context(), after, 1)
			if err != nil {
				t.Fatal(err)
			}
			after = entries[0].At
			return after
		}
		var at store.Position
		for n := range last {
			x := exchange(n, 4000)
			if n == last-1 {
				x.Request.Body.Bytes = append(x.Request.Body.Bytes, marker...)
			}
			if err := j.End(t.Context(), x, true); err != nil {
				t.Fatal(err)
			}
			if at = next(); n < last-1 {
				j.Done(at)
			}
		}
		through := j.Scrub()
		if err := j.End(t.Context(), exchange(last, 10), true); err != nil {
			t.Fatal(err)
		}
		j.Done(next())
		if !holds(t, dir, marker) {
			t.Errorf("%d: it went before it was done with", last)
		}
		j.Done(at)
		reading := make(chan struct{})
		go func() { // goes past the segments
			defer close(reading)
			j.Next(t.Context(), after, 1)
		}()
		eventually(t, "the drop of the segments", func() bool { return j.Stats().First > through })
		if holds(t, dir, marker) {
			t.Errorf("%d: it is in a file still", last)
		}
		if err := j.End(t.Context(), exchange(last+1, 10), true); err != nil {
			t.Error(err)
		}
		j.Close()
		<-reading
	}
}
