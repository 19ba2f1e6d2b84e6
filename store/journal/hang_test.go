package journal_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// hang makes syncs wait until the returned function is called.
func (d *disk) hang() (goOn func()) {
	hung := make(chan struct{})
	d.set(func() { d.hung = hung })
	return func() {
		d.set(func() { d.hung = nil })
		close(hung)
	}
}

func begin(j *journal.Journal) error {
	return j.Begin(&webhook.Begin{ID: webhook.NewExchangeID(time.Now()), Path: string(make([]byte, 500))})
}

// wantDown fails unless append says that the journal is down, after exactly
// some time.
func wantDown(t *testing.T, what string, after time.Duration, append func() error) error {
	t.Helper()
	start := time.Now()
	err := append()
	if took := time.Since(start); took != after || !errors.Is(err, store.ErrJournalDown) {
		t.Errorf("%s after %v instead of %v: %v", what, took, after, err)
	}
	return err
}

// Nothing can be prepared, so the reserve comes to its end.
func TestAHungDiskHoldsUpNoBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		synctest.Wait()
		goOn := d.hang()
		start := time.Now()
		var err error
		for err == nil {
			err = begin(j)
		}
		if took := time.Since(start); took != time.Second || !errors.Is(err, store.ErrJournalDown) {
			t.Errorf("after %v: %v", took, err)
		}
		if degraded, _, reason := j.Health(); !degraded || reason == "" {
			t.Errorf("degraded %v: %s", degraded, reason)
		}
		time.Sleep(time.Millisecond)
		wantDown(t, "the next begin", 0, func() error { return begin(j) })
		err = wantDown(t, "an end", 3*time.Second, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			return j.End(ctx, exchange(1, 500), false)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error("an end:", err)
		}
		goOn()
		synctest.Wait()
		if err := begin(j); err != nil {
			t.Error("a disk that goes on:", err)
		}
	})
}

// The caller of End goes on without the disk: health has to say so.
func TestAHungSyncIsDegraded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		synctest.Wait()
		goOn := d.hang()
		end := func(patience time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			return j.End(ctx, exchange(1, 500), true)
		}
		for _, patience := range []time.Duration{time.Millisecond, 3 * time.Second} {
			if err := end(patience); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrJournalDown) {
				t.Error(err)
			}
			if degraded, _, reason := j.Health(); degraded != (patience > time.Second) {
				t.Errorf("after %v: degraded %v %s", patience, degraded, reason)
			}
		}
		goOn()
		synctest.Wait()
		if degraded, _, reason := j.Health(); degraded {
			t.Error("still degraded:", reason)
		}
	})
}

// What there is to do beside waiting is done once the end is written, and not at all
// if it is not.
func TestWhatIsDoneMeanwhileWaitsForNoSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		synctest.Wait()
		goOn := d.hang()
		x, ended, written := exchange(1, 500), make(chan error, 1), make(chan struct{})
		go func() { ended <- j.End(t.Context(), x, true, func() { close(written) }) }()
		<-written
		if got, err := j.Next(t.Context(), store.Position{}, 1); err != nil || len(got) != 1 || got[0].End != x {
			t.Errorf("meanwhile the journal handed out %v, %v", got, err)
		}
		synctest.Wait()
		select {
		case err := <-ended:
			t.Error("the end did not wait for the sync:", err)
		default:
		}
		goOn()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		never := func() { t.Error("it was called for an end that is not written") }
		if err := j.End(t.Context(), exchange(2, 64<<20), true, never); !errors.Is(err, store.ErrTooLarge) {
			t.Error(err)
		}
	})
}

func TestAHungSyncHoldsUpNoDurableBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment, Sync: true})
		synctest.Wait()
		goOn := d.hang()
		wantDown(t, "a begin", time.Second, func() error { return begin(j) })
		if degraded, _, reason := j.Health(); !degraded || reason == "" {
			t.Errorf("degraded %v: %s", degraded, reason)
		}
		time.Sleep(time.Millisecond)
		wantDown(t, "the next begin", 0, func() error { return begin(j) })
		goOn()
		synctest.Wait()
		if err := begin(j); err != nil {
			t.Error("a disk that goes on:", err)
		}
		if degraded, _, reason := j.Health(); degraded {
			t.Error("still degraded:", reason)
		}
	})
}

// A store that has stalled must not end the journal's reserve.
func TestOnDroppedHoldsUpNothing(t *testing.T) {
	stalled := make(chan struct{})
	got := make(chan uint64, 100)
	j := open(t, journal.Options{FS: newDisk(), SegmentSize: smallSegment, OnDropped: func(segment uint64) {
		<-stalled
		got <- segment
	}})
	const n = 20
	fillSegments(t, j, store.Position{}, n, func(e store.Entry) { j.Done(e.At) })
	close(stalled)
	var dropped []uint64
	for range n {
		dropped = append(dropped, <-got)
	}
	if !slices.IsSorted(dropped) || dropped[0] != 1 || dropped[n-1] != n {
		t.Errorf("dropped: %v", dropped)
	}
}

func TestBeginsAreDurableFromWhenTheyAreAskedToBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		synctest.Wait()
		goOn := d.hang()
		if err := begin(j); err != nil {
			t.Errorf("a begin that need not be durable waits for the disk: %v", err)
		}
		j.SyncBegins(true)
		wantDown(t, "a begin that is to be durable", time.Second, func() error { return begin(j) })
		goOn()
		synctest.Wait()
	})
}

// A segment is not dropped while what came behind it is not durable: if the machine
// died then, its begins would be gone, and the ends that answer them too.
func TestNothingIsDroppedBeforeWhatFollowsIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j, dropped := drops(t, journal.Options{FS: d})
		n := 0
		end := func() error {
			n++
			return j.End(t.Context(), exchange(n, 500), false)
		}
		for j.Stats().Last < 2 {
			if err := end(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		d.set(func() { d.space = d.used() })
		goOn := d.hang()
		for end() == nil {
		}
		for after := (store.Position{}); after != j.Last(); {
			entries, err := j.Next(t.Context(), after, 5)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if after = e.At; e.At.Segment == 1 {
					j.Done(e.At)
				}
			}
		}
		synctest.Wait()
		if got := dropped(); got != nil {
			t.Errorf("%v dropped while the sync of what follows hangs", got)
		}
		goOn()
		time.Sleep(time.Minute)
		if got := dropped(); !slices.Equal(got, []uint64{1}) {
			t.Errorf("%v dropped once all is durable, want the first", got)
		}
	})
}
