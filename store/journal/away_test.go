package journal_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
)

// A journal whose directory is moved goes on where it is now, and leaves alone what is
// mounted or put in its place: that may be a journal, whose segments have the same names.
func TestAMovedJournalGoesOnWhereItIs(t *testing.T) {
	base := t.TempDir()
	place, other, away := filepath.Join(base, "journal"), filepath.Join(base, "other"), filepath.Join(base, "away")
	b, _ := drops(t, journal.Options{Dir: other})
	fillSegments(t, b, store.Position{}, 4, func(store.Entry) {})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	files := func(dir string) map[string]string {
		all := map[string]string{}
		for _, path := range segmentFiles(t, dir) {
			all[filepath.Base(path)] = string(read(t, path))
		}
		return all
	}
	before := files(other)

	j, dropped := drops(t, journal.Options{Dir: place})
	done := func(e store.Entry) { j.Done(e.At) }
	after := fillSegments(t, j, store.Position{}, 1, done)
	if err := errors.Join(os.Rename(place, away), os.Rename(other, place)); err != nil {
		t.Fatal(err)
	}
	after = fillSegments(t, j, after, 5, done)
	eventually(t, "segments are dropped", func() bool { return len(dropped()) > 2 })
	if down, _, why := j.Health(); down {
		t.Error("it is down:", why)
	}
	if err := j.End(t.Context(), exchange(77, 500), true); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if got := files(place); !maps.Equal(got, before) {
		t.Errorf("the %d segments of the one at its place were changed", len(before))
	}
	again := open(t, journal.Options{Dir: away, SegmentSize: smallSegment})
	entries, err := again.Next(t.Context(), after, 10)
	if err != nil || len(entries) != 1 || entries[0].End.Request.Path != "77" {
		t.Errorf("where it is now are %d entries behind those that were read, %v", len(entries), err)
	}
}
