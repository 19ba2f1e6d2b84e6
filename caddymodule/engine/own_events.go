package engine

import (
	"context"
	"slices"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// OwnAPI is the api of events of Sidehook's own: what it tells of subscriptions,
// and examples, which tests and triggers send. No event that a rule earns has it.
const OwnAPI = "sidehook"

// ToldResource is the resource of events that tell of a subscription.
const ToldResource = "subscription"

// ExampleID is the id of entities in examples.
const ExampleID = "example"

// IsOwnScope reports whether p selects events of Sidehook's own.
func IsOwnScope(p webhook.Pattern) bool { return slices.ContainsFunc(failingScopes, p.Match) }

// ToldOfWhom returns the subscription that ev tells of, if ev is one of
// Sidehook's own and no example.
func ToldOfWhom(ev *webhook.Event) (id webhook.SubscriptionID, told bool) {
	if ev.Key.API != OwnAPI || ev.Operation != "" || ev.Key.Resource != ToldResource || !slices.Contains(failingScopes, ev.Scope) {
		return "", false
	}
	return webhook.SubscriptionID(ev.Key.ID), true
}

// ConcernedBy returns the subscription that an event of OwnAPI is about: the one
// that it tells of, or, of an example, the one that it was made for; "" if that
// is forgotten.
func (e *Engine) ConcernedBy(ctx context.Context, ev *webhook.Event) (webhook.SubscriptionID, error) {
	if id, told := ToldOfWhom(ev); told {
		return id, nil
	}
	made, err := e.Store.Deliveries(ctx, store.DeliveryQuery{Event: ev.ID, Max: 1})
	if err != nil || len(made) == 0 {
		return "", err
	}
	return made[0].Subscription, nil
}

// MayHear reports whether s may be told of a subscription: of another one, and
// through the API only of those of its owner.
func (e *Engine) MayHear(s *webhook.Subscription, about webhook.SubscriptionID) bool {
	if s.ID == about || s.Static {
		return s.ID != about
	}
	owner, known := e.ownerOf(about)
	mine, _ := e.ownerOf(s.ID)
	return known && owner == mine
}

// mayMiss reports whether s may be told of ev afterwards, if it was not when ev
// was recorded: an example is for the one alone that it was made for.
func (e *Engine) mayMiss(s *webhook.Subscription, ev *webhook.Event) bool {
	if ev.Key.API != OwnAPI {
		return true
	}
	about, told := ToldOfWhom(ev)
	return told && e.MayHear(s, about)
}

// ownerOf returns who made a subscription through the API; "" is the operator, or
// that owners are not told apart. It is not known of one that is forgotten.
func (e *Engine) ownerOf(id webhook.SubscriptionID) (owner string, known bool) {
	if k := e.Kept.Load().Get(id); k != nil {
		return k.Owner, true
	}
	return "", slices.ContainsFunc(e.Current().Subscriptions, func(s *webhook.Subscription) bool { return s.ID == id })
}
