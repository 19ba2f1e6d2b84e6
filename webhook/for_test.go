package webhook_test

import (
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// A subscription is what its block says for the events of one resource, and itself for
// all others; a delivery is in the lane of what it is then.
func TestWhatASubscriptionIsForAResource(t *testing.T) {
	task := &webhook.Subscription{ID: "crm", Order: webhook.OrderNone}
	s := &webhook.Subscription{ID: "crm", Order: webhook.OrderEntity, For: map[string]*webhook.Subscription{"task": task}}
	if s.As("task") != task || s.As("project") != s || s.As("") != s || task.As("task") != task {
		t.Error("it is not what its block says")
	}
	for resource, inLane := range map[string]bool{"task": false, "project": true} {
		ev := &webhook.Event{ID: "evt_1", Key: webhook.EntityKey{Resource: resource, ID: "7"}}
		var owing webhook.Owing
		owing.Add(ev, s.As(resource), false, noon)
		if d := owing.Deliveries[0]; (d.Lane != "") != inLane {
			t.Errorf("a delivery of %s is in lane %q", resource, d.Lane)
		}
	}
}
