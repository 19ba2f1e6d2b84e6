package caddymodule

import (
	"context"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// The methods by which the request path reaches the engine.

// Begin journals that a call is about to be forwarded.
func (e *engine) Begin(b *webhook.Begin) error { return e.journal.Begin(b) }

// End journals how a call ended; with durable it returns once that is on disk.
func (e *engine) End(ctx context.Context, x *webhook.Exchange, durable bool) error {
	stats.captured.WithLabelValues(x.API, x.Ending.String()).Inc()
	if control.endLater != nil {
		return control.endLater(e, ctx, x)
	}
	return e.journal.End(ctx, x, durable)
}

// Traffic returns what knows the open calls.
func (e *engine) Traffic() *derive.Traffic { return e.traffic }

// Snapshot returns what is known of an entity.
func (e *engine) Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error) {
	return e.store.Snapshot(ctx, key)
}

// Missed notes a call that goes through unjournaled; a gap will cover it.
func (e *engine) Missed(b *webhook.Begin, resource string, err error) {
	stats.missed.WithLabelValues(b.API).Inc()
	e.missed.add(webhook.EntityKey{API: b.API, Resource: resource}, b.Started, err)
}

// Healthy reports whether the journal can write.
func (e *engine) Healthy() bool {
	down, _, _ := e.journal.Health()
	return !down
}
