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

// batches takes batches from the line. It is for one goroutine.
type batches struct {
	*line
	pace  pace
	timer *time.Timer
	batch []*ticket // reused
}

// next waits for a batch and for its time, unless there are enough tickets for
// one. It returns nil if none will come any
// more, or ctx ended. The batch is valid until the next call.
func (b *batches) next(ctx context.Context) []*ticket {
	clear(b.batch)
	b.batch = b.batch[:0]
	for ctx.Err() == nil {
		wait := b.pace.left()
		b.mu.Lock()
		if n := b.fresh(); n >= enough || n > 0 && wait <= 0 {
			b.batch = b.take(b.batch)
		}
		more, over := b.fresh() > 0, b.closed && b.count == 0
		b.mu.Unlock()
		switch {
		case len(b.batch) > 0:
			b.pace.begin()
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
