package engine

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/caddymodule/look"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Housekeeping of the store: how soon it begins, how often, and how long it pauses between
// two slices, so that what is live finds the store free.
const (
	keepFirst = time.Second
	keepEvery = time.Minute
	keepPause = 50 * time.Millisecond
)

// tombstoneTime is how long a deleted entity's sequence is remembered
// (DESIGN.md §7).
const tombstoneTime = 90 * 24 * time.Hour

// maintain does the store's housekeeping until ctx ends.
func (e *Engine) maintain(ctx context.Context) {
	var clock patient
	clock.now()
	wait := time.NewTimer(keepFirst)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		next := keepEvery
		more, err := e.Store.Maintain(ctx, e.keep(clock.now()))
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

// keep says how long the store keeps things, as of now, which goes at pace.
func (e *Engine) keep(now time.Time, pace int) store.Keep {
	s, states := e.Current(), e.States()
	return store.Keep{
		Now: now, Pace: pace, Retention: s.Retention, Tombstone: tombstoneTime, HoldFor: s.HoldFor, Sights: look.SightTime, Most: s.StoreMax,
		Holding: func(sub webhook.SubscriptionID, position uint64) (since time.Time, held bool) {
			st, ok := states[sub]
			return st.Since, ok && (st.Status != webhook.Active || position <= st.HeldThrough)
		},
	}
}
