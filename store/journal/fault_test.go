package journal_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
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

// counts returns how many files were made and how often one was synced.
func (d *disk) counts() (creates, syncs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.creates, d.syncs
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
	d.set(func() { d.bad = d.files["0000000000000001.segment"] })
	if err := j.End(t.Context(), exchange(2, 10), true); err != nil {
		t.Error("in a fresh segment: ", err)
	}
	d.set(func() { d.allBad = true })
	if err := j.End(t.Context(), exchange(9, 10), true); !errors.Is(err, syscall.EIO) || !errors.Is(err, store.ErrJournalDown) {
		t.Errorf("got %v", err)
	}
	d.set(func() { d.bad, d.allBad = nil, false })
	eventually(t, "the journal to go on", func() bool { return j.End(t.Context(), exchange(3, 10), true) == nil })
	j.Close()
	got, _ := readAll(t, open(t, journal.Options{FS: d, SegmentSize: smallSegment}))
	if !slices.Equal(got, want(3)) {
		t.Errorf("got %v", got)
	}
}

func TestCloseKeepsWhatWasAcknowledged(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	var acknowledged atomic.Int64
	var running sync.WaitGroup
	for writer := range 8 {
		running.Go(func() {
			for n := 1; ; n++ {
				err := j.End(t.Context(), exchange(writer*1e6+n, 100), n%2 == 0)
				if err != nil {
					if !errors.Is(err, store.ErrJournalDown) {
						t.Error(err)
					}
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	waitForSyncs(d, 50)
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	running.Wait()
	d = d.crash(rand.New(rand.NewPCG(1, 1)), 0)
	got, lost := readAll(t, open(t, journal.Options{FS: d, SegmentSize: smallSegment}))
	if len(got) != int(acknowledged.Load()) || lost != nil {
		t.Errorf("got %d of %d, lost %v", len(got), acknowledged.Load(), lost)
	}
}

// What does not fit leaves its begin open: the exchange may be written again
// with less in it.
func TestTooLargeIsRefusedAlone(t *testing.T) {
	j := open(t, journal.Options{FS: newDisk(), SegmentSize: smallSegment})
	x := exchange(1, 17<<20)
	if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
		t.Fatal(err)
	}
	err := j.End(t.Context(), x, true)
	if !errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrJournalDown) {
		t.Errorf("got %v", err)
	}
	if degraded, _, reason := j.Health(); degraded || j.Stats().OpenBegins != 1 {
		t.Errorf("degraded %v (%s), %d open begins", degraded, reason, j.Stats().OpenBegins)
	}
	x.Response.Body = webhook.Body{Missing: webhook.TooLarge}
	if err := j.End(t.Context(), x, true); err != nil {
		t.Error(err)
	}
	if n := j.Stats().OpenBegins; n != 0 {
		t.Errorf("%d open begins", n)
	}
}
