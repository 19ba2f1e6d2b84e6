package engine

import (
	"context"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// control takes away what promises rest on, so that a test can show that it would
// notice, and makes happen what a test cannot. Only a build with the tag
// sidehook_controls sets it; the product has nothing that does.
var control struct {
	// endLater, if set, journals the end in place of the journal.
	endLater func(f *front, ctx context.Context, x *webhook.Exchange, meanwhile []func()) error

	// queue, if set, stands in front of the store where deliveries come from.
	queue func(store.Store) deliver.Queue

	// free, if set, tells how much room the disk of the store has.
	free func() (uint64, error)
}

// queue returns where deliveries come from.
func (e *Engine) queue() deliver.Queue {
	if control.queue != nil {
		return control.queue(e.Store)
	}
	return e.Store
}
