package caddymodule

import (
	"context"

	"github.com/sidehook/sidehook/webhook"
)

// engineControl takes away what "success means stored" rests on, so that a test can
// show that it would notice. Only a build with the tag sidehook_controls sets
// it; the product has nothing that does.
var engineControl struct {
	// endLater, if set, journals the end in place of [engine.End].
	endLater func(e *engine, ctx context.Context, x *webhook.Exchange) error
}
