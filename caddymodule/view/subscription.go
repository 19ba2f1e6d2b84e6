package view

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Subscription shows how a subscription fares.
type Subscription struct {
	ID          webhook.SubscriptionID `json:"id"`
	Number      uint64                 `json:"number"`
	To          string                 `json:"to,omitempty"` // scheme and host of its URL: the rest may be a secret
	Owner       string                 `json:"owner,omitempty"`
	Tenant      string                 `json:"tenant,omitempty"`
	Status      webhook.Status         `json:"status"`
	Reason      string                 `json:"reason,omitempty"`
	Since       time.Time              `json:"since"`
	WaitUntil   time.Time              `json:"wait_until,omitzero"`
	Circuit     string                 `json:"circuit"` // closed, open or half_open
	OpenSince   time.Time              `json:"circuit_open_since,omitzero"`
	OpenUntil   time.Time              `json:"circuit_open_until,omitzero"`
	Failures    int                    `json:"failures_in_a_row,omitempty"`
	Failing     time.Time              `json:"failing_since,omitzero"`
	HeldThrough uint64                 `json:"held_through,omitempty"`
	Pending     uint64                 `json:"pending"`
	Oldest      time.Time              `json:"oldest_due,omitzero"`
	PublicKeys  []string               `json:"public_keys,omitempty"` // of `sign ed25519`
}

// OfSubscription shows s and what it is owed.
func OfSubscription(s webhook.SubscriptionState, b webhook.Backlog, now time.Time) Subscription {
	return Subscription{
		Circuit: s.Circuit(now), OpenSince: s.OpenSince, OpenUntil: s.OpenUntil,
		ID: s.ID, Number: s.Number, Status: s.Status, Reason: s.Reason, Since: s.Since, WaitUntil: s.WaitUntil,
		Failing: s.FailingSince, Failures: s.Failures, HeldThrough: s.HeldThrough, Pending: b.Pending, Oldest: b.Oldest,
	}
}
