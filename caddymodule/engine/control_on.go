//go:build sidehook_controls

package engine

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/store"
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
	case "settle-later":
		control.queue = func(s store.Store) deliver.Queue { return lateQueue{s} }
	case "full-store":
		control.free = freeUnless(os.Getenv("SIDEHOOK_FULL"))
	}
}

// slowEnd writes the end as the product does, on a disk that takes its time.
func slowEnd(f *front, ctx context.Context, x *webhook.Exchange, meanwhile []func()) error {
	time.Sleep(20 * time.Millisecond)
	return f.journal.Load().End(ctx, x, true, meanwhile...)
}

// endLater neither writes nor syncs the end before the answer: it does so a
// moment after.
func endLater(f *front, _ context.Context, x *webhook.Exchange, meanwhile []func()) error {
	late := *x
	late.Request.Body.Bytes = slices.Clone(x.Request.Body.Bytes)
	late.Response.Body.Bytes = slices.Clone(x.Response.Body.Bytes)
	time.AfterFunc(20*time.Millisecond, func() {
		if err := f.journal.Load().End(context.Background(), &late, true); err != nil {
			f.Logger.Error("end journaled late", "error", err)
		}
	})
	for _, then := range meanwhile {
		then()
	}
	return nil
}

// lateQueue records attempts ten seconds after it says so.
type lateQueue struct{ store.Store }

func (q lateQueue) Settle(_ context.Context, all ...webhook.Settlement) error {
	late := slices.Clone(all)
	for i := range late {
		if a := late[i].Attempt; a != nil {
			kept := *a
			late[i].Attempt = &kept
		}
	}
	time.AfterFunc(10*time.Second, func() { _ = q.Store.Settle(context.Background(), late...) }) // the process may have ended
	return nil
}

// freeUnless tells of a disk that has room, unless there is a file of that name.
func freeUnless(file string) func() (uint64, error) {
	return func() (uint64, error) {
		if _, err := os.Stat(file); err == nil {
			return 8 << 20, nil
		}
		return 1 << 40, nil
	}
}
