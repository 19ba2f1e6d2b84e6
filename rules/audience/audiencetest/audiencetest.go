// Package audiencetest has what tests of payloads and of who wants them share: an
// event, and subscriptions to it.
package audiencetest

import (
	"encoding/json"
	"testing"

	"github.com/sidehook/sidehook/rules/audience"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/webhook"
)

// Subscription returns one of the configuration that sees every tenant.
func Subscription(id string, scopes ...webhook.Pattern) *webhook.Subscription {
	return &webhook.Subscription{ID: webhook.SubscriptionID(id), Static: true, Tenant: webhook.AnyTenant, Scopes: scopes}
}

// Updated is a project whose status and owner's email changed.
func Updated() *webhook.Event {
	return &webhook.Event{
		ID: "evt_1", Scope: "project.updated", Operation: webhook.Updated, Sequence: 7,
		Key:    webhook.EntityKey{API: "shop", Resource: "project", ID: "55"},
		Before: json.RawMessage(`{"id":55,"status":"open","budget":15000.00,"owner":{"email":"a@x"}}`),
		After:  json.RawMessage(`{"id":55,"status":"done","budget":15000.00,"owner":{"email":"b@x"},"links":[1]}`),
		Changes: []webhook.FieldChange{
			{Path: "status", Old: json.RawMessage(`"open"`), New: json.RawMessage(`"done"`)},
			{Path: "owner.email", Old: json.RawMessage(`"a@x"`), New: json.RawMessage(`"b@x"`)},
			{Path: "links", New: json.RawMessage(`[1]`)},
		},
		Provenance: webhook.Provenance{Before: webhook.FromSnapshot, After: webhook.FromResponse, Confidence: webhook.Observed},
	}
}

// New compiles subs.
func New(t testing.TB, payloads map[string]mapping.Payload, subs ...*webhook.Subscription) *audience.Subscribers {
	t.Helper()
	s, err := audience.New(subs, payloads)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
