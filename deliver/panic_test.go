package deliver_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// buggy panics when it renders one event.
type buggy struct {
	delivertest.Renderer
	event webhook.EventID
}

func (r buggy) Render(ctx context.Context, d *webhook.Delivery, s *webhook.Subscription) (webhook.Payload, error) {
	if d.Event == r.event {
		panic("a bug in a template")
	}
	return r.Renderer.Render(ctx, d, s)
}

// A bug of ours costs the one delivery that has it, and says so.
func TestAPanicIsOneDeadDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 200)
		b := start(t, deliver.Options{Transport: crm, Renderer: buggy{event: event(1)}}, subscribe("crm", "https://crm.example.com/"))
		bad := b.q.Owe("crm", event(1), "lane")
		good := b.q.Owe("crm", event(2), "lane")
		time.Sleep(time.Minute)
		synctest.Wait()
		b.state(t, bad, webhook.Dead)
		b.state(t, good, webhook.Delivered)
		if got := b.q.Delivery(bad).Reason; !strings.Contains(got, "a bug in a template") {
			t.Errorf("reason %q", got)
		}
	})
}
