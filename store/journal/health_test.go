package journal_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
)

// A strict handler appends nothing to a journal that is degraded.
func TestHealthComesBackWithoutTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		synctest.Wait()
		d.set(func() { d.space = d.used() })
		written := 0
		var err error
		for ; err == nil; written++ {
			err = j.End(t.Context(), exchange(written+1, 500), true)
		}
		d.set(func() { d.creates = 0 })
		time.Sleep(time.Minute)
		if degraded, _, _ := j.Health(); !degraded {
			t.Error("the disk is full and health is good")
		}
		if creates, _ := d.counts(); creates < 30 || creates > 61 {
			t.Errorf("tried %d times in a minute", creates)
		}
		d.set(func() { d.space = 0 })
		time.Sleep(2 * time.Second)
		if degraded, _, reason := j.Health(); degraded {
			t.Error("still degraded:", reason)
		}
		d.set(func() { d.creates, d.syncs = 0, 0 })
		time.Sleep(time.Minute)
		if creates, syncs := d.counts(); creates > 0 || syncs > 0 {
			t.Errorf("a healthy journal was tried: %d files made, %d syncs", creates, syncs)
		}
		if err := j.End(t.Context(), exchange(written, 500), true); err != nil {
			t.Error(err)
		}
		j.Close()
		got, lost := readAll(t, open(t, journal.Options{FS: d, SegmentSize: smallSegment}))
		if !slices.Equal(got, want(written)) || lost != nil {
			t.Errorf("got %v, lost %v", got, lost)
		}
	})
}

func TestHealthComesBackAfterAFailedSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		synctest.Wait()
		d.set(func() { d.syncFails = 1 })
		if err := j.End(t.Context(), exchange(1, 500), true); !errors.Is(err, store.ErrJournalDown) {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if degraded, _, reason := j.Health(); degraded {
			t.Error("still degraded:", reason)
		}
		d.set(func() {
			if d.retried {
				t.Error("a descriptor was synced again after its error")
			}
		})
	})
}

func TestHealthComesBackAfterAStartOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.space = 1
		j := open(t, journal.Options{FS: d, SegmentSize: smallSegment})
		if degraded, _, _ := j.Health(); !degraded {
			t.Error("not degraded")
		}
		d.set(func() { d.space = 0 })
		time.Sleep(2 * time.Second)
		if degraded, _, reason := j.Health(); degraded {
			t.Error("still degraded:", reason)
		}
	})
}
