package journal_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// When a segment is dropped, all open begins that were in it are durable elsewhere:
// a power loss at that very moment loses none.
func TestAllOpenBeginsOutliveTheirSegment(t *testing.T) {
	d := newDisk()
	var after atomic.Pointer[disk]
	j := open(t, journal.Options{FS: d, SegmentSize: smallSegment, OnDropped: func(uint64) {
		if after.Load() == nil {
			after.Store(d.crash(rand.New(rand.NewPCG(1, 1)), 0))
		}
	}})
	begins := []webhook.ExchangeID{{1}, {2}, {3}, {4}}
	for _, id := range begins {
		if err := j.Begin(&webhook.Begin{ID: id, Path: "/slow"}); err != nil {
			t.Fatal(err)
		}
	}
	at := store.Position{}
	for n := 1; after.Load() == nil; n++ {
		if j.End(t.Context(), exchange(n, 500), false) != nil {
			continue // power was lost meanwhile
		}
		entries, err := j.Next(t.Context(), at, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			at = e.At
			j.Done(at)
		}
	}
	j = open(t, journal.Options{FS: after.Load(), SegmentSize: smallSegment})
	seen := map[webhook.ExchangeID]int{}
	for at := (store.Position{}); at != j.RecoveredEnd(); {
		entries, err := j.Next(t.Context(), at, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if at = e.At; e.Begin != nil {
				seen[e.Begin.ID]++
			}
		}
	}
	for _, id := range begins {
		if seen[id] != 1 {
			t.Errorf("the begin of %s is there %d times", id, seen[id])
		}
	}
}

// While an open begin cannot be written again, its segment stays.
func TestASegmentStaysWhileItsBeginCannotBeCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j, dropped := drops(t, journal.Options{FS: d})
		id := webhook.ExchangeID{1}
		if err := j.Begin(&webhook.Begin{ID: id, Path: "/slow"}); err != nil {
			t.Fatal(err)
		}
		for n := 1; j.Stats().Last < 2; n++ {
			if err := j.End(t.Context(), exchange(n, 500), false); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		d.set(func() { d.allBad = true })
		for at := (store.Position{}); at != j.Last(); {
			entries, err := j.Next(t.Context(), at, 5)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				at = e.At
				j.Done(at)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := j.Next(ctx, j.Last(), 1); !errors.Is(err, context.DeadlineExceeded) { // the consumer comes back
			t.Error(err)
		}
		for range 3 { // tries, the first of which gives up the newest segments
			time.Sleep(time.Minute)
			j.Done(store.Position{Segment: 1})
		}
		synctest.Wait()
		if got := dropped(); got != nil {
			t.Errorf("%v dropped, and nothing can be written", got)
		}
		d.set(func() { d.allBad = false })
		time.Sleep(time.Minute)
		j.Done(store.Position{Segment: 1})
		synctest.Wait()
		if got := dropped(); len(got) == 0 || got[0] != 1 {
			t.Errorf("%v dropped once it can be, want the first", got)
		}
		after := d.crash(rand.New(rand.NewPCG(1, 1)), 0)
		j = open(t, journal.Options{FS: after, SegmentSize: smallSegment})
		if n := j.Stats().OpenBegins; n != 1 {
			t.Errorf("%d open begins after a power loss, want 1", n)
		}
	})
}
