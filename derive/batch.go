package derive

import (
	"context"
	"time"
)

// Bounds of what is recorded together.
const (
	maxBatch  = 256     // exchanges
	maxBatchB = 8 << 20 // bytes of their bodies
)

// The time from the beginning of a batch of n to that of the next: n times
// batchEach, at most batchEvery, unless there are enough tickets for one. Each
// commit syncs the store's log, which competes with the journal's syncs for the
// same disk, and those the clients wait for; and each wakes half a dozen
// goroutines. An event is recorded later by that much at most: while few come,
// hardly at all. Twice as long brought nothing more.
const (
	batchEach  = time.Millisecond
	batchEvery = 5 * time.Millisecond
)

// batches takes batches from the line. It is for one goroutine.
type batches struct {
	*line
	taken time.Time     // when the last one was
	rest  time.Duration // from then to the next
	timer *time.Timer
	batch []*ticket // reused
}

// next waits for a batch and for its time. It returns nil if none will come any
// more, or ctx ended. The batch is valid until the next call.
func (b *batches) next(ctx context.Context) []*ticket {
	clear(b.batch)
	b.batch = b.batch[:0]
	for ctx.Err() == nil {
		wait := b.rest - time.Since(b.taken)
		b.mu.Lock()
		if n := b.fresh(); n >= enough || n > 0 && wait <= 0 {
			b.batch = b.take(b.batch)
		}
		more, over := b.fresh() > 0, b.closed && b.count == 0
		b.mu.Unlock()
		switch {
		case len(b.batch) > 0:
			b.taken, b.rest = time.Now(), min(time.Duration(len(b.batch))*batchEach, batchEvery)
			return b.batch
		case over:
			return nil
		}
		b.pause(ctx, more, wait)
	}
	return nil
}

// pause waits for something to change; with timed, so long at most.
func (b *batches) pause(ctx context.Context, timed bool, wait time.Duration) {
	var passed <-chan time.Time
	if timed {
		b.timer.Reset(wait)
		defer b.timer.Stop()
		passed = b.timer.C
	}
	select {
	case <-b.wake:
	case <-passed:
	case <-ctx.Done():
	}
}
