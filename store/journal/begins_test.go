package journal_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// openAtNextStart returns how many begins are open for who reads what a dead
// process leaves on d.
func openAtNextStart(t *testing.T, d *disk) int {
	t.Helper()
	j := open(t, journal.Options{FS: d.crash(rand.New(rand.NewPCG(1, 1)), 1), SegmentSize: smallSegment})
	begins := map[webhook.ExchangeID]bool{}
	for after := (store.Position{}); after != j.RecoveredEnd(); {
		entries, err := j.Next(t.Context(), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		after = entries[0].At
		if b := entries[0].Begin; b != nil {
			begins[b.ID] = true
		}
		if x := entries[0].End; x != nil {
			delete(begins, x.ID)
		}
	}
	if n := j.Stats().OpenBegins; n != len(begins) {
		t.Errorf("the journal counts %d open begins, its reader %d", n, len(begins))
	}
	return len(begins)
}

func TestADoneBeginIsOverForTheNextStart(t *testing.T) {
	d := newDisk()
	j, dropped := drops(t, journal.Options{FS: d})
	x := exchange(1, 10)
	if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
		t.Fatal(err)
	}
	after := fillSegments(t, j, store.Position{}, 3, func(e store.Entry) { j.Done(e.At) })
	eventually(t, "the begin's copy", func() bool { return len(dropped()) >= 1 })
	j.DoneBegin(x.ID)
	fillSegments(t, j, after, 1, func(store.Entry) {})
	if n := openAtNextStart(t, d); n != 0 {
		t.Errorf("%d begins are open", n)
	}
}

// The call of an end that could not be written is for a gap to cover. Were its
// begin left open, the next start would make a second gap of it; were it closed
// before there can be a gap, the death of the process would leave none.
func TestAnEndThatFailsEndsItsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		synctest.Wait()
		x := exchange(1, 500)
		if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
			t.Fatal(err)
		}
		d.set(func() { d.allBad = true })
		if err := j.End(t.Context(), x, true); !errors.Is(err, store.ErrJournalDown) {
			t.Fatal(err)
		}
		if n := j.Stats().OpenBegins; n != 0 {
			t.Errorf("%d begins are open", n)
		}
		d.set(func() { d.allBad = false })
		time.Sleep(2 * time.Second)
		if degraded, _, reason := j.Health(); degraded {
			t.Error("still degraded:", reason)
		}
		synctest.Wait()
		if n := openAtNextStart(t, d); n != 0 {
			t.Errorf("%d begins are open at the next start", n)
		}
	})
}

func TestAnEndThatFailedLeavesItsBeginToTheNextStart(t *testing.T) {
	d := newDisk()
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
	x := exchange(1, 500)
	if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
		t.Fatal(err)
	}
	d.set(func() { d.allBad = true })
	if err := j.End(t.Context(), x, true); !errors.Is(err, store.ErrJournalDown) {
		t.Fatal(err)
	}
	if n := openAtNextStart(t, d); n != 1 {
		t.Errorf("%d begins are open at the next start", n)
	}
}

func TestABeginWhoseSyncFailedIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment, Sync: true})
		synctest.Wait()
		d.set(func() { d.syncFails = 1 })
		if err := begin(j); !errors.Is(err, store.ErrJournalDown) {
			t.Fatal(err)
		}
		if n := j.Stats().OpenBegins; n != 0 {
			t.Errorf("%d begins are open", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := openAtNextStart(t, d); n != 0 {
			t.Errorf("%d begins are open at the next start", n)
		}
	})
}
