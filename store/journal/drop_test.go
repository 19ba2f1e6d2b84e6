package journal_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// drops opens a journal that counts what it drops.
func drops(t *testing.T, o journal.Options) (*journal.Journal, func() []uint64) {
	var mu sync.Mutex
	var dropped []uint64
	o.SegmentSize = smallSegment
	o.OnDropped = func(segment uint64) {
		mu.Lock()
		defer mu.Unlock()
		dropped = append(dropped, segment)
	}
	j := open(t, o)
	return j, func() []uint64 {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(dropped)
	}
}

// fillSegments appends and reads until n more segments are begun, and calls
// done for each end.
func fillSegments(t *testing.T, j *journal.Journal, after store.Position, n uint64, done func(store.Entry)) store.Position {
	t.Helper()
	for last := j.Stats().Last + n; j.Stats().Last < last; {
		if err := j.End(t.Context(), exchange(1, 500), false); err != nil {
			t.Fatal(err)
		}
		entries, err := j.Next(t.Context(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if after = e.At; e.End != nil {
				done(e)
			}
		}
	}
	return after
}

func TestASegmentIsDroppedWhenAllIsDone(t *testing.T) {
	d := newDisk()
	j, dropped := drops(t, journal.Options{FS: d})
	var first store.Position
	after := fillSegments(t, j, store.Position{}, 2, func(e store.Entry) {
		if first == (store.Position{}) {
			first = e.At
			return
		}
		j.Done(e.At)
	})
	if got := dropped(); got != nil {
		t.Fatalf("%v dropped with an end that is not Done", got)
	}
	j.Done(first)
	eventually(t, "the drop of two", func() bool { return slices.Equal(dropped(), []uint64{1, 2}) })
	fillSegments(t, j, after, 30, func(e store.Entry) { j.Done(e.At) })
	eventually(t, "the drop of the others", func() bool { return len(dropped()) == 32 })
	d.mu.Lock()
	defer d.mu.Unlock()
	if files := len(d.files); files > 5 {
		t.Errorf("%d files are left", files)
	}
}

func TestARejectedEndWantsNoDone(t *testing.T) {
	j, dropped := drops(t, journal.Options{FS: newDisk()})
	x := exchange(1, 10)
	x.Ending = webhook.Rejected
	if err := j.End(t.Context(), x, false); err != nil {
		t.Fatal(err)
	}
	fillSegments(t, j, store.Position{}, 1, func(e store.Entry) {
		if e.End.Ending != webhook.Rejected {
			j.Done(e.At)
		}
	})
	// The reader has to see that nothing follows in the first segment.
	eventually(t, "the drop", func() bool { return slices.Equal(dropped(), []uint64{1}) })
}

func TestAnOpenBeginIsCopiedForward(t *testing.T) {
	d := newDisk()
	j, dropped := drops(t, journal.Options{FS: d, Sync: true})
	id := exchange(1, 0).ID
	if err := j.Begin(&webhook.Begin{ID: id, Path: "/slow"}); err != nil {
		t.Fatal(err)
	}
	begins := func(j *journal.Journal) (n int) {
		for after := (store.Position{}); after != j.RecoveredEnd(); {
			entries, err := j.Next(t.Context(), after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if after = entries[0].At; entries[0].Begin != nil && entries[0].Begin.Path == "/slow" {
				n++
			} else if entries[0].End != nil {
				j.Done(after)
			}
		}
		return n
	}
	var after store.Position
	for range 20 {
		after = fillSegments(t, j, after, 1, func(e store.Entry) {
			j.Done(e.At)
			if e.Begin != nil {
				t.Error("a begin is handed out again")
			}
		})
	}
	eventually(t, "the drop of all but the newest", func() bool { return len(dropped()) >= 19 })
	if n := j.Stats().OpenBegins; n != 1 {
		t.Errorf("%d open begins", n)
	}
	for range 3 {
		d = d.crash(rand.New(rand.NewPCG(1, 1)), 0)
		j, _ = drops(t, journal.Options{FS: d, Sync: true})
		if n := begins(j); n != 1 {
			t.Fatalf("after a restart the begin is there %d times", n)
		}
	}
	j.DoneBegin(id)
	if n := j.Stats().OpenBegins; n != 0 {
		t.Errorf("%d open begins", n)
	}
}

func TestRecycledSegmentsReplayNothing(t *testing.T) {
	d := newDisk()
	for range 10 {
		j, dropped := drops(t, journal.Options{FS: d})
		after := fillSegments(t, j, store.Position{}, 4, func(e store.Entry) { j.Done(e.At) })
		eventually(t, "drops", func() bool { return len(dropped()) >= 4 && j.Stats().Segments == 1 })
		if err := j.End(t.Context(), exchange(77, 10), true); err != nil {
			t.Fatal(err)
		}
		d = d.crash(rand.New(rand.NewPCG(1, 1)), 1)
		j, _ = drops(t, journal.Options{FS: d})
		numbers, lost := readAll(t, j)
		if len(lost) > 0 || numbers[len(numbers)-1] != "77" || len(numbers) > 15 {
			t.Fatalf("after %v: %v, lost %v", after, numbers, lost)
		}
		j.Close()
	}
}
