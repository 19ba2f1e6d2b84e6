//go:build sidehook_controls

package engine

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
		control.endLater = slowEnd
	case "slow-disk": // breaks nothing
		control.endLater = slowEnd
	case "end-later":
		control.endLater = endLater
	}
}

// slowEnd writes the end as the product does, on a disk that takes its time.
func slowEnd(e *Engine, ctx context.Context, x *webhook.Exchange) error {
	time.Sleep(20 * time.Millisecond)
	return e.Journal.End(ctx, x, true)
}

// endLater neither writes nor syncs the end before the answer: it does so a
// moment after.
func endLater(e *Engine, _ context.Context, x *webhook.Exchange) error {
	late := *x
	late.Request.Body.Bytes = slices.Clone(x.Request.Body.Bytes)
	late.Response.Body.Bytes = slices.Clone(x.Response.Body.Bytes)
	time.AfterFunc(20*time.Millisecond, func() {
		if err := e.Journal.End(context.Background(), &late, true); err != nil {
			e.Logger.Error("end journaled late", "error", err)
		}
	})
	return nil
}
