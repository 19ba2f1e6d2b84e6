package engine

import (
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
