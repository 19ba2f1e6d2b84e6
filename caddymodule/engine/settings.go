package engine

import (
	"log/slog"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/eventtype"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/look"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// tombstoneTime is how long a deleted entity's sequence is remembered
// (DESIGN.md §7).
const tombstoneTime = 90 * 24 * time.Hour

// Settings is one configuration as the engine needs it: everything resolved,
// compiled and checked.
type Settings struct {
	Subscriptions []*webhook.Subscription // of the configuration
	Subscribers   *rules.Subscribers      // those made through the API too, once it is in force
	Payloads      map[string]rules.Payload
	Handlers      []*Handler
	Sealer        *kept.Sealer    // of kept subscriptions
	Egress        *webhook.Egress // nil: receivers are reached straight
	Retention     time.Duration
	HoldFor       time.Duration
	StoreMax      int64
	JournalSync   bool // begins are durable
	Logger        *slog.Logger
}

// Handler is what the engine keeps of one handler.
type Handler struct {
	Program   *rules.Program
	Config    webhook.ConfigID
	Canonical []byte
	Live      *capture.Handler // nil where only rules are wanted
	Looks     *look.Origin     // is asked as subscribers; nil: there is no origin
}

// First implements [eventtype.Earned].
func (s *Settings) First() *rules.Program {
	if len(s.Handlers) == 0 {
		return nil
	}
	return s.Handlers[0].Program
}

// EventTypes implements [eventtype.Earned].
func (s *Settings) EventTypes() []eventtype.Type { return eventtype.Of(ProgramsOf(s.Handlers)) }

// has reports whether a subscription is in s.
func (s *Settings) has(id webhook.SubscriptionID) bool {
	if s.Subscribers != nil {
		return s.Subscribers.Has(id)
	}
	return slices.ContainsFunc(s.Subscriptions, func(sub *webhook.Subscription) bool { return sub.ID == id })
}

// with returns s with kept subscriptions beside those of the configuration, and
// all of both.
func (s *Settings) with(kept []*webhook.Subscription) (*Settings, []*webhook.Subscription, error) {
	all := append(slices.Clip(s.Subscriptions), kept...)
	out := *s
	var err error
	out.Subscribers, err = rules.NewSubscribers(all, s.Payloads)
	return &out, all, err
}

// changed returns s with k as it is now, or without it if it is deleted.
func (s *Settings) changed(k *kept.Subscription) (_ *Settings, err error) {
	out := *s
	if k.Ready == nil {
		out.Subscribers = s.Subscribers.Without(k.ID)
		return &out, nil
	}
	out.Subscribers, err = s.Subscribers.With(k.Ready)
	return &out, err
}

// keep says how long the store keeps things, as of now.
func (e *Engine) keep(now time.Time) store.Keep {
	s, states := e.Current(), e.States()
	return store.Keep{
		Now: now, Retention: s.Retention, Tombstone: tombstoneTime, HoldFor: s.HoldFor, Sights: look.SightTime, Most: s.StoreMax,
		Holding: func(sub webhook.SubscriptionID, position uint64) (since time.Time, held bool) {
			st, ok := states[sub]
			return st.Since, ok && (st.Status != webhook.Active || position <= st.HeldThrough)
		},
	}
}
