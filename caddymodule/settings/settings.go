// Package settings is one configuration as it counts: what its handlers earn and its
// subscriptions want, resolved, compiled, and checked against each other.
//
// A [Set] is that configuration, and a [Handler] the rules of one handler in it. check.go
// and check_subscription.go hold subscriptions against the rules: a pattern that nothing
// can earn, a tenant that nobody tells, an origin that is missing.
package settings

import (
	"log/slog"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/eventtype"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Set is one configuration as the engine needs it: everything resolved,
// compiled and checked.
type Set struct {
	Subscriptions []*webhook.Subscription // of the configuration
	Subscribers   *rules.Subscribers      // those made through the API too, once it is in force
	Payloads      map[string]rules.Payload
	Handlers      Handlers
	Sealer        *kept.Sealer    // of kept subscriptions
	Egress        *webhook.Egress // nil: receivers are reached straight
	Retention     time.Duration
	HoldFor       time.Duration
	StoreMax      int64
	JournalSync   bool // begins are durable
	Logger        *slog.Logger
}

// First implements [eventtype.Earned].
func (s *Set) First() *rules.Program {
	if len(s.Handlers) == 0 {
		return nil
	}
	return s.Handlers[0].Program
}

// EventTypes implements [eventtype.Earned].
func (s *Set) EventTypes() []eventtype.Type { return eventtype.Of(s.Handlers.Programs()) }

// Has reports whether a subscription is in s.
func (s *Set) Has(id webhook.SubscriptionID) bool {
	if s.Subscribers != nil {
		return s.Subscribers.Has(id)
	}
	return slices.ContainsFunc(s.Subscriptions, func(sub *webhook.Subscription) bool { return sub.ID == id })
}

// With returns s with kept subscriptions beside those of the configuration, and
// all of both.
func (s *Set) With(kept []*webhook.Subscription) (*Set, []*webhook.Subscription, error) {
	all := append(slices.Clip(s.Subscriptions), kept...)
	out := *s
	var err error
	out.Subscribers, err = rules.NewSubscribers(all, s.Payloads)
	return &out, all, err
}

// Changed returns s with k as it is now, or without it if it is deleted.
func (s *Set) Changed(k *kept.Subscription) (_ *Set, err error) {
	out := *s
	if k.Ready == nil {
		out.Subscribers = s.Subscribers.Without(k.ID)
		return &out, nil
	}
	out.Subscribers, err = s.Subscribers.With(k.Ready)
	return &out, err
}
