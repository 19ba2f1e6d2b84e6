package engine

import (
	"context"
	"time"
)

// Housekeeping of the store: how soon it begins, how often, and how long it pauses between
// two slices, so that what is live finds the store free.
const (
	keepFirst = time.Second
	keepEvery = time.Minute
	keepPause = 50 * time.Millisecond
)

// maintain does the store's housekeeping until ctx ends.
func (e *Engine) maintain(ctx context.Context) {
	wait := time.NewTimer(keepFirst)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		next := keepEvery
		more, err := e.Store.Maintain(ctx, e.keep(time.Now()))
		switch {
		case err != nil && ctx.Err() == nil:
			e.Logger.Error("store housekeeping", "error", err)
		case more:
			next = keepPause
		}
		e.seeFull(ctx)
		wait.Reset(next)
	}
}

// seeFull finds out whether new calls find room in the store.
func (e *Engine) seeFull(ctx context.Context) {
	if s, err := e.Store.Stats(ctx); err == nil {
		e.full.Store(s.Full)
	}
}
