//go:build sidehook_controls

package caddymodule

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// init sets the control that the environment names.
func init() {
	switch os.Getenv("SIDEHOOK_CONTROL") {
	case "hold-nothing":
		engineControl.endLater = slowEnd
	case "slow-disk": // breaks nothing
		engineControl.endLater = slowEnd
	case "end-later":
		engineControl.endLater = endLater
	}
}

// slowEnd writes the end as the product does, on a disk that takes its time.
func slowEnd(e *engine, ctx context.Context, x *webhook.Exchange) error {
	time.Sleep(20 * time.Millisecond)
	return e.journal.End(ctx, x, true)
}

// endLater neither writes nor syncs the end before the answer: it does so a
// moment after.
func endLater(e *engine, _ context.Context, x *webhook.Exchange) error {
	late := *x
	late.Request.Body.Bytes = slices.Clone(x.Request.Body.Bytes)
	late.Response.Body.Bytes = slices.Clone(x.Response.Body.Bytes)
	time.AfterFunc(20*time.Millisecond, func() {
		if err := e.journal.End(context.Background(), &late, true); err != nil {
			e.logger.Error("end journaled late", "error", err)
		}
	})
	return nil
}
