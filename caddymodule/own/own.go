// Package own has what events of Sidehook's own are: those that tell of a
// subscription that fails, and examples, which tests and triggers send. No rule earns
// them, and no call was made for them.
package own

import (
	"slices"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// API is the api of events of Sidehook's own: what it tells of subscriptions,
// and examples, which tests and triggers send. No event that a rule earns has it.
const API = "sidehook"

// Resource is the resource of events that tell of a subscription.
const Resource = "subscription"

// ExampleID is the id of entities in examples.
const ExampleID = "example"

// IsScope reports whether p selects events about subscriptions.
func IsScope(p webhook.Pattern) bool { return slices.ContainsFunc(scopes, p.Match) }

// About returns the subscription that ev tells of, if ev is one of
// Sidehook's own and no example.
func About(ev *webhook.Event) (id webhook.SubscriptionID, told bool) {
	if ev.Key.API != API || ev.Operation != "" || ev.Key.Resource != Resource || !slices.Contains(scopes, ev.Scope) {
		return "", false
	}
	return webhook.SubscriptionID(ev.Key.ID), true
}

// Scopes of those about subscriptions. Only patterns that begin with sidehook. select
// them.
const (
	Failing  = "sidehook.subscription.failing"
	Disabled = "sidehook.subscription.disabled"
)

var scopes = []string{Failing, Disabled}

// Told is the data of the event.
type Told struct {
	ID       webhook.SubscriptionID `json:"id" jsonschema:"The subscription."`
	URL      string                 `json:"url" jsonschema:"Where its webhooks go, without the path, which often is a secret."`
	Static   bool                   `json:"static" jsonschema:"It stands in the Caddyfile."`
	Status   webhook.Status         `json:"status" jsonschema:"How it stands." enum:"active|paused|disabled|gone"`
	Reason   string                 `json:"reason,omitempty" jsonschema:"Why."`
	Since    time.Time              `json:"since" jsonschema:"Since when."`
	Failing  time.Time              `json:"failing_since,omitzero" jsonschema:"When the first attempt failed since anything was accepted."`
	Failures int                    `json:"failures_in_a_row,omitempty" jsonschema:"Attempts that failed since."`
	Disables time.Time              `json:"disables_at,omitzero" jsonschema:"When it is disabled, if nothing is accepted before."`
}

// ExampleOf is what an event of a scope may tell.
func ExampleOf(scope string) Told {
	t := Told{
		ID: "sub_example", URL: "https://crm.example.com/…", Status: webhook.Active, Since: ExampleTime.Add(-30 * 24 * time.Hour),
		Failing: ExampleTime.Add(-24 * time.Hour), Failures: 42, Disables: ExampleTime.Add(4 * 24 * time.Hour),
	}
	if scope == Disabled {
		t.Status, t.Reason, t.Since = webhook.Disabled, webhook.ReasonFailing, ExampleTime
		t.Failing, t.Disables = ExampleTime.Add(-webhook.DefaultDisableAfter), time.Time{}
	}
	return t
}

// ExampleTime is when examples happened.
var ExampleTime = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
