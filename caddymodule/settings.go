package caddymodule

import (
	"log/slog"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// tombstoneTime is how long a deleted entity's sequence is remembered
// (DESIGN.md §7).
const tombstoneTime = 90 * 24 * time.Hour

// settings is one configuration as the engine needs it: everything resolved,
// compiled and checked.
type settings struct {
	subscriptions []*webhook.Subscription // of the configuration
	subscribers   *rules.Subscribers      // those made through the API too, once it is in force
	payloads      map[string]rules.Payload
	handlers      []*handlerSettings
	sealer        *sealer         // of kept subscriptions
	egress        *webhook.Egress // nil: receivers are reached straight
	retention     time.Duration
	holdFor       time.Duration
	storeMax      int64
	journalSync   bool // begins are durable
	logger        *slog.Logger
}

// handlerSettings is what the engine keeps of one handler.
type handlerSettings struct {
	program   *rules.Program
	config    webhook.ConfigID
	canonical []byte
	live      *capture.Handler // nil where only rules are wanted
	looks     *lookOrigin      // is asked as subscribers; nil: there is no origin
}

// has reports whether a subscription is in s.
func (s *settings) has(id webhook.SubscriptionID) bool {
	if s.subscribers != nil {
		return s.subscribers.Has(id)
	}
	return slices.ContainsFunc(s.subscriptions, func(sub *webhook.Subscription) bool { return sub.ID == id })
}

// with returns s with kept subscriptions beside those of the configuration, and
// all of both.
func (s *settings) with(kept []*webhook.Subscription) (*settings, []*webhook.Subscription, error) {
	all := append(slices.Clip(s.subscriptions), kept...)
	out := *s
	var err error
	out.subscribers, err = rules.NewSubscribers(all, s.payloads)
	return &out, all, err
}

// changed returns s with k as it is now, or without it if it is deleted.
func (s *settings) changed(k *keptSubscription) (_ *settings, err error) {
	out := *s
	if k.sub == nil {
		out.subscribers = s.subscribers.Without(k.ID)
		return &out, nil
	}
	out.subscribers, err = s.subscribers.With(k.sub)
	return &out, err
}

// keep says how long the store keeps things, as of now.
func (e *engine) keep(now time.Time) store.Keep {
	s, states := e.current(), e.states()
	return store.Keep{
		Now: now, Retention: s.retention, Tombstone: tombstoneTime, HoldFor: s.holdFor, Sights: sightTime, Most: s.storeMax,
		Holding: func(sub webhook.SubscriptionID, position uint64) (since time.Time, held bool) {
			st, ok := states[sub]
			return st.Since, ok && (st.Status != webhook.Active || position <= st.HeldThrough)
		},
	}
}
