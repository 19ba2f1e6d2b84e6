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
	e.active.Store(&settings.Set{HoldFor: time.Hour, Retention: 7 * time.Hour, StoreMax: 9 << 30})
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
	keep := e.keep(now, 1)
	const day = 24 * time.Hour
	if keep.HoldFor != time.Hour || keep.Retention != 7*time.Hour || keep.Most != 9<<30 || keep.Tombstone != 90*day || keep.Sights != 30*day || !keep.Now.Equal(now) {
		t.Errorf("the store keeps %+v, want what is configured, tombstones for 90 days and what subscribers saw for 30", keep)
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
