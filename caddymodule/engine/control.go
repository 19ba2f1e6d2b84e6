package engine

import (
	"context"

	"github.com/sidehook/sidehook/webhook"
)

// control takes away what "success means stored" rests on, so that a test can
// show that it would notice. Only a build with the tag sidehook_controls sets
// it; the product has nothing that does.
var control struct {
	// endLater, if set, journals the end in place of [Engine.End].
	endLater func(e *Engine, ctx context.Context, x *webhook.Exchange) error
}
