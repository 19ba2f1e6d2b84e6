package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// The methods by which the request path reaches the engine.

// errAboveMax is why a call is not captured while the store is full.
var errAboveMax = fmt.Errorf("%w: %w: it takes more than store_max, and all that is in it is owed or known of entities", store.ErrJournalDown, store.ErrFull)

// Begin journals that a call is about to be forwarded.
func (e *Engine) Begin(b *webhook.Begin) error {
	if e.full.Load() {
		return errAboveMax
	}
	return e.Journal.Begin(b)
}

// End journals how a call ended; with durable it returns once that is on disk.
func (e *Engine) End(ctx context.Context, x *webhook.Exchange, durable bool) error {
	end := e.Journal.End
	if control.endLater != nil {
		end = func(ctx context.Context, x *webhook.Exchange, _ bool) error { return control.endLater(e, ctx, x) }
	}
	err := end(ctx, x, durable)
	if !errors.Is(err, store.ErrTooLarge) { // it comes again, with less in it
		e.captured.Of(x).Inc()
	}
	return err
}

// Traffic returns what knows the open calls.
func (e *Engine) Traffic() *derive.Traffic { return e.traffic }

// Snapshot returns what is known of an entity.
func (e *Engine) Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error) {
	return e.Store.Snapshot(ctx, key)
}

// Caller returns the keyed hash by which a caller is known again.
func (e *Engine) Caller(h http.Header, secret string) []byte { return e.callers.Of(h, secret) }

// Missed notes a call that goes through unjournaled; a gap will cover it.
func (e *Engine) Missed(b *webhook.Begin, resource string, err error) {
	metrics.Process.Missed.WithLabelValues(b.API).Inc()
	e.missed.add(webhook.EntityKey{API: b.API, Resource: resource}, b.Started, err)
}

// Healthy reports whether calls can be captured: the journal can write, and the
// store takes more.
func (e *Engine) Healthy() bool {
	if e.full.Load() {
		return false
	}
	down, _, _ := e.Journal.Health()
	return !down
}
