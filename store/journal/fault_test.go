package journal_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still waiting: ", what)
		}
	}
}

func (d *disk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func TestFullDisk(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	eventually(t, "the next segment", func() bool { return j.Stats().Reserve > smallSegment/2 })
	d.set(func() { d.space = d.used() })

	var written int
	var err error
	for err == nil {
		written++
		err = j.End(t.Context(), exchange(written, 500), true)
	}
	if written < 2*13 {
		t.Errorf("the reserve lasted for %d ends", written)
	}
	if !errors.Is(err, store.ErrJournalDown) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if err := j.Begin(&webhook.Begin{ID: webhook.ExchangeID{1}}); !errors.Is(err, store.ErrJournalDown) {
		t.Errorf("got %v", err)
	}
	degraded, since, reason := j.Health()
	if !degraded || since.IsZero() || reason == "" {
		t.Errorf("health: %v %v %q", degraded, since, reason)
	}

	d.set(func() { d.space = 0 })
	eventually(t, "the journal to go on by itself", func() bool {
		return j.End(t.Context(), exchange(written, 500), true) == nil
	})
	if degraded, _, reason := j.Health(); degraded {
		t.Error("still degraded:", reason)
	}
	j.Close()
	got, lost := readAll(t, open(t, journal.Options{FS: d, SegmentSize: smallSegment}))
	if !slices.Equal(got, want(written)) || lost != nil {
		t.Errorf("got %v, lost %v", got, lost)
	}
}

func TestAFullDiskOpensAndReads(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	for i := range 20 {
		if err := j.End(t.Context(), exchange(i+1, 500), true); err != nil {
			t.Fatal(err)
		}
	}
	after := d.crash(rand.New(rand.NewPCG(1, 1)), 0)
	after.set(func() {
		for name := range after.files {
			if name > "0000000000000002" {
				delete(after.files, name)
			}
		}
		after.space = 1
	})
	j = open(t, journal.Options{FS: after, SegmentSize: smallSegment})
	if degraded, _, _ := j.Health(); !degraded {
		t.Error("not degraded")
	}
	if err := j.End(t.Context(), exchange(1, 1), true); !errors.Is(err, store.ErrJournalDown) {
		t.Errorf("got %v", err)
	}
	if got, _ := readAll(t, j); len(got) == 0 {
		t.Error("nothing can be read")
	}
}

// An error of fdatasync has thrown away what it was to write: asking the same
// descriptor again would succeed, and lie.
func TestAFailedSyncIsFinal(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	eventually(t, "the next segment", func() bool { return j.Stats().Reserve > smallSegment/2 })
	if err := j.End(t.Context(), exchange(1, 10), true); err != nil {
		t.Fatal(err)
	}
	d.set(func() { d.syncFails = 1 })
	errs := make(chan error, 5)
	for i := range cap(errs) {
		go func() { errs <- j.End(t.Context(), exchange(100+i, 10), true) }()
	}
	failed := 0
	for range cap(errs) {
		if err := <-errs; errors.Is(err, store.ErrJournalDown) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if failed == 0 {
		t.Error("nobody was told")
	}
	if err := j.End(t.Context(), exchange(2, 10), true); err != nil {
		t.Fatal("in a fresh segment:", err)
	}
	if degraded, _, reason := j.Health(); degraded {
		t.Error("still degraded:", reason)
	}
	j.Close()
	if d.retried {
		t.Error("a descriptor was synced again after its error")
	}
	after := d.crash(rand.New(rand.NewPCG(1, 1)), 0)
	got, _ := readAll(t, open(t, journal.Options{FS: after, SegmentSize: smallSegment}))
	if len(got) != 2+cap(errs)-failed {
		t.Errorf("got %v, of which %d are unacknowledged", got, failed)
	}
}

func TestAFailedWriteMovesOn(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	eventually(t, "the next segment", func() bool { return j.Stats().Reserve > smallSegment/2 })
	if err := j.End(t.Context(), exchange(1, 10), true); err != nil {
		t.Fatal(err)
	}
	d.set(func() { d.writeErr = syscall.EIO })
	if err := j.End(t.Context(), exchange(9, 10), true); !errors.Is(err, syscall.EIO) || !errors.Is(err, store.ErrJournalDown) {
		t.Errorf("got %v", err)
	}
	d.set(func() { d.writeErr = nil })
	eventually(t, "the journal to go on", func() bool { return j.End(t.Context(), exchange(2, 10), true) == nil })
}

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
		eventually(t, "drops", func() bool { return len(dropped()) >= 4 })
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

func TestTooLargeIsRefusedAlone(t *testing.T) {
	j := open(t, journal.Options{FS: newDisk(), SegmentSize: smallSegment})
	err := j.End(t.Context(), exchange(1, 17<<20), true)
	if err == nil || errors.Is(err, store.ErrJournalDown) {
		t.Errorf("got %v", err)
	}
	if err := j.End(t.Context(), exchange(1, 1), true); err != nil {
		t.Error(err)
	}
}
