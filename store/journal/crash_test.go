package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// history is what a test knows of a journal through all its crashes.
type history struct {
	mu       sync.Mutex
	number   map[webhook.ExchangeID]int // of appended exchanges: writer*1e6 + count
	size     map[webhook.ExchangeID]int
	required map[webhook.ExchangeID]bool // acknowledged ends
	done     map[webhook.ExchangeID]bool // ends that are Done, or about to be
	begins   map[webhook.ExchangeID]bool // acknowledged begins without an end, not Done
	next     int
}

func newHistory() *history {
	return &history{
		number: map[webhook.ExchangeID]int{}, size: map[webhook.ExchangeID]int{},
		required: map[webhook.ExchangeID]bool{}, done: map[webhook.ExchangeID]bool{},
		begins: map[webhook.ExchangeID]bool{},
	}
}

// exchange returns a new one of the writer.
func (h *history) exchange(writer int, rng *rand.Rand) *webhook.Exchange {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	x := exchange(writer*1e6+h.next, rng.IntN(3000))
	h.number[x.ID] = writer*1e6 + h.next
	h.size[x.ID] = len(x.Response.Body.Bytes)
	return x
}

// exchange returns one with a body of size bytes that tells its number.
func exchange(number, size int) *webhook.Exchange {
	return &webhook.Exchange{
		ID:       webhook.NewExchangeID(time.Unix(1_770_000_000, 0)),
		Request:  webhook.Request{Method: "PUT", Path: fmt.Sprint(number)},
		Response: webhook.Response{Status: 200, Body: webhook.Body{Bytes: bytes.Repeat([]byte{byte(number)}, size)}},
	}
}

// write appends until the journal fails.
func (h *history) write(j *journal.Journal, writer int, rng *rand.Rand) {
	for {
		x := h.exchange(writer, rng)
		sync := rng.IntN(4) > 0
		if j.Begin(&webhook.Begin{ID: x.ID}) != nil {
			return
		}
		h.mu.Lock()
		h.begins[x.ID] = true
		h.mu.Unlock()
		if rng.IntN(20) == 0 {
			continue // stays open
		}
		h.mu.Lock()
		delete(h.begins, x.ID)
		h.mu.Unlock()
		if j.End(context.Background(), x, sync) != nil {
			return
		}
		if sync {
			h.mu.Lock()
			h.required[x.ID] = true
			h.mu.Unlock()
		}
	}
}

// consume reads from the start, and calls Done for most.
func (h *history) consume(ctx context.Context, j *journal.Journal, rng *rand.Rand) {
	var after store.Position
	for {
		entries, err := j.Next(ctx, after, 1+rng.IntN(20))
		if err != nil {
			return
		}
		for _, e := range entries {
			after = e.At
			if e.End != nil {
				h.mu.Lock()
				h.done[e.End.ID] = true
				h.mu.Unlock()
				j.Done(e.At)
			}
		}
	}
}

// check reads everything up to RecoveredEnd and compares. Where the end of what
// was not synced has survived without its beginning, something was lost indeed,
// though nothing acknowledged.
func (h *history) check(t *testing.T, j *journal.Journal, syncedBegins, mayLose bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	last := map[int]int{}
	ends, begins := map[webhook.ExchangeID]bool{}, map[webhook.ExchangeID]bool{}
	for after := (store.Position{}); after != j.RecoveredEnd(); {
		entries, err := j.Next(ctx, after, 7)
		if err != nil {
			t.Fatalf("after %v, on the way to %v: %v", after, j.RecoveredEnd(), err)
		}
		for _, e := range entries {
			if !after.Before(e.At) {
				t.Fatalf("%v follows %v", e.At, after)
			}
			after = e.At
			if e.Lost != nil && !mayLose {
				t.Fatalf("lost at %v: %+v", e.At, *e.Lost)
			}
			if e.Begin != nil {
				if begins[e.Begin.ID] {
					t.Errorf("the begin of %s came twice", e.Begin.ID)
				}
				begins[e.Begin.ID] = true
			}
			if e.End == nil || e.End.Ending == webhook.Rejected {
				continue // the latter closes a begin that waited for too long on a busy machine
			}
			n, ok := h.number[e.End.ID]
			if !ok || fmt.Sprint(n) != e.End.Request.Path || h.size[e.End.ID] != len(e.End.Response.Body.Bytes) {
				t.Fatalf("an entry that was never appended: %s at %v", e.End.ID, e.At)
			}
			if ends[e.End.ID] {
				t.Fatalf("%s came twice", e.End.ID)
			}
			ends[e.End.ID] = true
			if last[n/1e6] >= n {
				t.Fatalf("%d came after %d", n, last[n/1e6])
			}
			last[n/1e6] = n
		}
	}
	for id := range h.required {
		if !ends[id] && !h.done[id] {
			t.Errorf("acknowledged and missing: number %d", h.number[id])
		}
	}
	for id := range h.begins {
		if syncedBegins && !begins[id] {
			t.Errorf("begun, open and missing: number %d", h.number[id])
		}
	}
}

func TestPowerLoss(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			powerLoss(t, rand.New(rand.NewPCG(uint64(seed), 1)))
		})
	}
}

func powerLoss(t *testing.T, rng *rand.Rand) {
	h := newHistory()
	d := newDisk()
	syncBegins := rng.IntN(2) == 0
	chance := []float64{0, 0, 0.5, 0.9, 1}[rng.IntN(5)]
	for range 4 {
		j := open(t, journal.Options{FS: d, SegmentSize: 16 << 10, Sync: syncBegins})
		h.check(t, j, syncBegins, chance > 0)
		if t.Failed() {
			return
		}
		// What was not acknowledged may be there or not from now on.
		var running sync.WaitGroup
		for writer := range 3 {
			seed := rng.Uint64()
			running.Go(func() { h.write(j, writer, rand.New(rand.NewPCG(seed, 2))) })
		}
		ctx, stop := context.WithCancel(t.Context())
		seed := rng.Uint64()
		if rng.IntN(4) > 0 {
			running.Go(func() { h.consume(ctx, j, rand.New(rand.NewPCG(seed, 3))) })
		}
		waitForSyncs(d, 20+rng.IntN(150))

		// What is required is fixed before the power goes, and what is Done
		// is taken away after it.
		h.mu.Lock()
		required, begins := maps.Clone(h.required), maps.Clone(h.begins)
		h.mu.Unlock()
		after := d.crash(rng, chance)
		stop()
		running.Wait()
		h.required = required
		h.begins = both(begins, h.begins)
		j.Close()
		d = after
	}
}

// waitForSyncs returns when the disk has been synced n times more.
func waitForSyncs(d *disk, n int) {
	target := -1
	for {
		d.mu.Lock()
		if target < 0 {
			target = d.syncs + n
		}
		reached := d.syncs >= target
		d.mu.Unlock()
		if reached {
			return
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func both(a, b map[webhook.ExchangeID]bool) map[webhook.ExchangeID]bool {
	out := map[webhook.ExchangeID]bool{}
	for id := range a {
		if b[id] {
			out[id] = true
		}
	}
	return out
}
