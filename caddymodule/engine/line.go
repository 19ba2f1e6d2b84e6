package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/caddymodule/missed"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// The methods by which the request path reaches the engine.

// errNotOpen is why nothing can be read: the store is not open yet.
var errNotOpen = errors.New("the store is not open")

// journalDown says why the journal is not open.
func (f *front) journalDown() error {
	why := f.down.Load()
	if why == nil {
		return fmt.Errorf("%w: it is not open yet", store.ErrJournalDown)
	}
	return fmt.Errorf("%w: it is not open: %w", store.ErrJournalDown, *why)
}

// Begin journals that a call is about to be forwarded.
func (f *front) Begin(b *webhook.Begin) error {
	if f.full.Load() {
		return missed.ErrAboveMax
	}
	j := f.journal.Load()
	if j == nil {
		return f.journalDown()
	}
	if err := f.lost(); err != nil {
		return err
	}
	return j.Begin(b)
}

// End journals how a call ended; with durable it returns once that is on disk.
func (f *front) End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	err := f.end(ctx, x, durable, meanwhile)
	if !errors.Is(err, store.ErrTooLarge) { // it comes again, with less in it
		f.captured.Of(x).Inc()
	}
	return err
}

func (f *front) end(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile []func()) error {
	j := f.journal.Load()
	switch {
	case j == nil:
		return f.journalDown()
	case f.lost() != nil:
		return f.lost()
	case control.endLater != nil:
		return control.endLater(f, ctx, x, meanwhile)
	}
	return j.End(ctx, x, durable, meanwhile...)
}

// Traffic returns what knows the open calls.
func (f *front) Traffic() *derive.Traffic { return f.traffic }

// Snapshot returns what is known of an entity.
func (f *front) Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error) {
	s := f.store.Load()
	if s == nil {
		return webhook.Snapshot{}, errNotOpen
	}
	return (*s).Snapshot(ctx, key)
}

// Caller returns the keyed hash by which a caller is known again; nil while there
// is no key, and so no journal.
func (f *front) Caller(h http.Header, secret string) []byte {
	if c := f.callers.Load(); c != nil {
		return c.Of(h, secret)
	}
	return nil
}

// Expect notes a call that is about to go through unjournaled.
func (f *front) Expect(b *webhook.Begin, resource string, err error) (over func()) {
	return f.missed.Expect(webhook.EntityKey{API: b.API, Resource: resource}, b.Started, err)
}

// Missed notes a call that goes through unjournaled; a gap will cover it.
func (f *front) Missed(b *webhook.Begin, resource string, err error) {
	metrics.Process.Missed.WithLabelValues(b.API).Inc()
	f.missed.Add(webhook.EntityKey{API: b.API, Resource: resource}, b.Started, err)
}

// Healthy reports whether calls can be captured: the journal can write, and the
// store takes more.
func (f *front) Healthy() bool {
	j := f.journal.Load()
	if f.full.Load() || j == nil || f.lost() != nil {
		return false
	}
	down, _, _ := j.Health()
	return !down
}
