package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// What is attempted one after the other is recorded together, unless something
// waits for it.
func TestAttemptsAreRecordedTogether(t *testing.T) {
	for name, c := range map[string]struct {
		lane string
		most int // recordings
	}{
		"nothing waits":                 {"", 5},
		"each waits for the one before": {"lane", 42}, // and two states
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := delivertest.NewReceiver(t, 200)
				crm := subscribe("crm", "https://crm/")
				b := start(t, deliver.Options{Transport: r}, crm)
				if c.lane != "" {
					b.Configure(nil, nil, "crm") // until all are there
				}
				_, before := b.q.Calls()
				begin := time.Now()
				var last, awaited webhook.DeliveryID
				for n := range 40 {
					awaited = last
					last = b.q.Owe("crm", event(n), c.lane)
					if c.lane == "" {
						time.Sleep(500 * time.Microsecond)
					}
				}
				if c.lane != "" {
					b.Configure([]*webhook.Subscription{crm}, nil)
				}
				synctest.Wait()
				if c.lane != "" && !b.q.Delivery(awaited).State.Final() {
					t.Error("a lane waits for the recording of one of its deliveries")
				}
				b.state(t, last, webhook.Delivered)
				if _, now := b.q.Calls(); now-before > c.most {
					t.Errorf("40 attempts within %v took %d recordings, want %d at most", time.Since(begin), now-before, c.most)
				}
			})
		})
	}
}
