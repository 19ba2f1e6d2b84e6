package rules

import (
	"github.com/sidehook/sidehook/rules/audience"
	"github.com/sidehook/sidehook/rules/payload"
	"github.com/sidehook/sidehook/webhook"
)

// Who wants an event, and what its payload says, is told by packages that see
// nothing but the event.
type (
	Subscribers = audience.Subscribers
	Want        = audience.Want
	Judgement   = audience.Judgement
)

// NewSubscribers is [audience.New].
func NewSubscribers(subs []*webhook.Subscription, payloads map[string]Payload) (*Subscribers, error) {
	return audience.New(subs, payloads)
}

// CheckSubscription is [audience.Check].
func CheckSubscription(sub *webhook.Subscription, payloads map[string]Payload) error {
	return audience.Check(sub, payloads)
}

// CheckFilter is [audience.CheckFilter].
func CheckFilter(text string) error { return audience.CheckFilter(text) }

// CheckShape is [payload.CheckShape].
func CheckShape(name, contentType string, chunk webhook.Chunking) error {
	return payload.CheckShape(name, contentType, chunk)
}

// Viewed is [payload.Viewed].
func Viewed(e *webhook.Event, entity []byte, v webhook.Viewed) *webhook.Viewed {
	return payload.Viewed(e, entity, v)
}
