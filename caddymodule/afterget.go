package caddymodule

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// afterGet finds out what an entity is after a call.
type afterGet struct {
	fetcher *fetcher
	line    line
	x       *webhook.Exchange // as journaled: nobody changes it
	key     webhook.EntityKey
	target  string
}

// lagWaits are the waits before an API is asked again whose answer seems to be
// from before the call: replicas lag.
var lagWaits = [...]time.Duration{50 * time.Millisecond, 250 * time.Millisecond}

// fetch is the call's [derive.Fetch].
func (a *afterGet) fetch(ctx context.Context) *webhook.Observation {
	o := a.get(ctx)
	for _, wait := range lagWaits {
		if !a.lags(ctx, o) {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return o
		}
		if again := a.get(ctx); again.Status != 0 {
			o = again
		}
	}
	return o
}

func (a *afterGet) get(ctx context.Context) (o *webhook.Observation) {
	if !a.fetcher.h.guarded(func() { o = a.fetcher.get(ctx, "after", a.target) }) {
		o = &webhook.Observation{Error: errBug.Error()}
	}
	return o
}

// lags reports whether o seems to be from before the call.
func (a *afterGet) lags(ctx context.Context, o *webhook.Observation) (lags bool) {
	if o.Status == 0 {
		return false
	}
	before, err := a.line.Snapshot(ctx, a.key)
	if err != nil {
		return false
	}
	a.fetcher.h.guarded(func() { lags = a.fetcher.h.program.Lags(a.x, &before, o) })
	return lags
}
