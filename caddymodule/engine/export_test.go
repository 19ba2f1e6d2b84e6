package engine

import (
	"errors"
	"log/slog"

	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/webhook"
)

// RendererKnown asks an engine for which the subscriptions are in force, those
// that were before, and those that a reload is about to bring, who renders for
// sub, and returns the error if nobody does.
func RendererKnown(sub webhook.SubscriptionID, active, earlier, coming []*webhook.Subscription) error {
	var e Engine
	e.active.Store(&settings.Set{Subscriptions: active})
	if earlier != nil {
		e.earlier.Store(&settings.Set{Subscriptions: earlier})
	}
	if coming != nil {
		e.coming.Store(&settings.Set{Subscriptions: coming})
	}
	_, err := e.rendererOf(sub)
	return err
}

// Open opens the directory dir at once, as a [Place] does behind: what the request path needs of it, and what is
// behind. Until a configuration is activated nobody subscribes to anything new, and
// what is owed waits.
func Open(dir string, logger *slog.Logger) (*Engine, error) {
	f := newFront(dir, logger)
	err := f.open()
	if err == nil {
		var e *Engine
		if e, err = f.openBehind(); err == nil {
			return e, nil
		}
	}
	return nil, errors.Join(err, f.leave())
}
