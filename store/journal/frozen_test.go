package journal_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// freeze makes writes and syncs wait until the returned function is called, as
// fsfreeze(8) does for a snapshot.
func (d *disk) freeze() (thaw func()) {
	frozen := make(chan struct{})
	d.set(func() { d.frozen, d.hung = frozen, frozen })
	return func() {
		d.set(func() { d.frozen, d.hung = nil, nil })
		close(frozen)
	}
}

// within fails unless do returns while the disk is frozen, and returns what it took.
func within(t *testing.T, what string, do func()) time.Duration {
	t.Helper()
	start, done := time.Now(), make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s is held up", what)
	}
	return time.Since(start)
}

// readEnds reads until the end at path, and returns the paths of all before it.
func readEnds(t *testing.T, j *journal.Journal, path string) (before []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for after := (store.Position{}); ; {
		entries, err := j.Next(ctx, after, 5)
		if err != nil {
			t.Fatalf("after %v: %v", before, err)
		}
		for _, e := range entries {
			after = e.At
			switch {
			case e.Lost != nil:
				t.Errorf("after %v: lost %v", before, e.Lost)
			case e.End != nil && e.End.Request.Path == path:
				return before
			case e.End != nil:
				before = append(before, e.End.Request.Path)
			}
		}
	}
}

// A disk that takes no writes holds up no call for longer than its patience lasts,
// and nobody who asks how the journal is. What was given up is closed once it goes on.
func TestAFrozenDiskHoldsUpNobody(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	j.Hang(time.Second)
	inFlight := exchange(2, 500)
	if err := errors.Join(j.End(t.Context(), exchange(1, 500), true), j.Begin(&webhook.Begin{ID: inFlight.ID})); err != nil {
		t.Fatal(err)
	}
	j.Stats()
	thaw := d.freeze()
	errs := make(chan error, 8)
	within(t, "a begin", func() {
		for range cap(errs) {
			go func() { errs <- begin(j) }()
		}
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, store.ErrJournalDown) {
				t.Errorf("a begin: %v", err)
			}
		}
	})
	var err error
	if took := within(t, "a later begin", func() { err = begin(j) }); took > time.Second || !errors.Is(err, store.ErrJournalDown) {
		t.Errorf("a later begin after %v: %v", took, err)
	}
	if took := within(t, "an end", func() { err = j.End(t.Context(), inFlight, true) }); took > time.Second || !errors.Is(err, store.ErrJournalDown) {
		t.Errorf("an end after %v: %v", took, err)
	}
	within(t, "health", func() {
		if degraded, _, reason := j.Health(); !degraded || reason == "" {
			t.Errorf("degraded %v: %s", degraded, reason)
		}
		if n := j.Stats().OpenBegins; n != 1 {
			t.Errorf("the last known stats had 1 open begin: %d", n)
		}
	})
	thaw()
	eventually(t, "it writes again", func() bool { down, _, _ := j.Health(); return !down })
	eventually(t, "what was given up is closed", func() bool { return j.Stats().OpenBegins == 0 })
	if err := j.End(t.Context(), exchange(3, 100), true); err != nil {
		t.Error("after the thaw:", err)
	}
	if got := readEnds(t, j, "3"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("before 3 it has %v", got)
	}
	if n := openAtNextStart(t, d); n != 0 {
		t.Errorf("%d begins are open for the next start", n)
	}
}

// An end waits as long as its context lasts; it may yet be written.
func TestAnEndOnAFrozenDiskWaitsAsLongAsItMay(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	thaw := d.freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var err error
	within(t, "an end", func() { err = j.End(ctx, exchange(1, 500), true) })
	if !errors.Is(err, store.ErrJournalDown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an end: %v", err)
	}
	waits := make(chan error)
	go func() { waits <- j.End(t.Context(), exchange(2, 500), true) }()
	thaw()
	if err := <-waits; err != nil {
		t.Errorf("an end that has the time: %v", err)
	}
	if got := readEnds(t, j, "2"); !slices.Equal(got, []string{"1"}) && len(got) > 0 {
		t.Errorf("before 2 it has %v", got)
	}
}
