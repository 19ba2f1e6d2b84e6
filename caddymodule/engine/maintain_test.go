package engine

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/webhook"
)

// What hold_for counts for: what a subscription is owed that is not active, or
// was not when it was recorded, since that began.
func TestHoldForCountsForWhatIsHeld(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	e := &Engine{Deliverer: deliver.New(deliver.Options{})}
	e.active.Store(&settings.Set{HoldFor: time.Hour})
	var subs []*webhook.Subscription
	states := []webhook.SubscriptionState{
		{ID: "active", Status: webhook.Active, Since: now},
		{ID: "resumed", Status: webhook.Active, Since: now, HeldThrough: 7},
		{ID: "gone", Status: webhook.Gone, Since: now},
	}
	for _, st := range states {
		subs = append(subs, &webhook.Subscription{ID: st.ID, URL: "http://127.0.0.1/", Sign: webhook.Signing{Scheme: webhook.SignNone}})
	}
	if err := e.Deliverer.Configure(subs, states); err != nil {
		t.Fatal(err)
	}
	keep := e.keep(now)
	if keep.HoldFor != time.Hour {
		t.Errorf("hold_for is %v, want the configured hour", keep.HoldFor)
	}
	for _, c := range []struct {
		sub      webhook.SubscriptionID
		position uint64
		held     bool
	}{{"active", 7, false}, {"resumed", 7, true}, {"resumed", 8, false}, {"gone", 8, true}, {"nobody", 1, false}} {
		since, held := keep.Holding(c.sub, c.position)
		if held != c.held || held && !since.Equal(now) {
			t.Errorf("%s at %d: held %v since %v, want %v", c.sub, c.position, held, since, c.held)
		}
	}
}
