package webhook_test

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// What failed together does not come back together, and never early.
func TestRetriesAreSpread(t *testing.T) {
	now := time.Now()
	due := map[time.Duration]bool{}
	for range 100 {
		d := webhook.Delivery{State: webhook.Pending}.After(webhook.Attempt{Outcome: webhook.Failed, Started: now}, webhook.Schedule{time.Hour})
		wait := d.Due.Sub(now)
		if wait < time.Hour || wait > time.Hour+6*time.Minute {
			t.Fatalf("a retry after an hour is due after %v", wait)
		}
		due[wait] = true
	}
	if len(due) < 50 {
		t.Errorf("100 deliveries that failed together are retried at %d times", len(due))
	}
}
