package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// failing is something to tell of a subscription.
type failing struct {
	sub   *webhook.Subscription
	scope string
	state webhook.SubscriptionState
	x     webhook.ExchangeID
}

// tellFailing records an event for each subscription of which a warning is due, or
// that what its receiver did has stopped. Each is recorded once: it stands for an
// exchange that the subscription, the time and the warning name, so that a start
// tells again only what a crash kept from being told.
func (e *Engine) tellFailing(ctx context.Context) {
	told := make(map[webhook.ExchangeID]bool)
	for _, f := range e.failing() {
		told[f.x] = true
		if e.told[f.x] {
			continue
		}
		if err := e.tell(ctx, f); err != nil {
			delete(told, f.x)
			if ctx.Err() == nil {
				e.Logger.Error("a failing subscription is not told of yet", "subscription", string(f.sub.ID), "error", err)
			}
		}
	}
	e.told = told
}

// failing returns what there is to tell, oldest warnings first.
func (e *Engine) failing() (all []failing) {
	states := slices.DeleteFunc(e.Deliverer.States(), func(st webhook.SubscriptionState) bool { return st.Warned == 0 && !st.Stopped() })
	if len(states) == 0 {
		return nil
	}
	for _, st := range states {
		s := e.InForce(st.ID)
		if s == nil {
			continue
		}
		for stage := 1; stage <= st.Warned; stage++ {
			all = append(all, failing{s, own.Failing, st, toldExchange(st.ID, st.FailingSince, strconv.Itoa(stage))})
		}
		if !st.Stopped() {
			continue
		}
		since := st.Since
		if st.Reason == webhook.ReasonFailing {
			since = st.FailingSince // known for long: a crash does not make it another
		}
		all = append(all, failing{s, own.Disabled, st, toldExchange(st.ID, since, st.Reason)})
	}
	return all
}

// toldExchange returns the id of the exchange that telling stands for.
func toldExchange(sub webhook.SubscriptionID, since time.Time, what string) webhook.ExchangeID {
	var x webhook.ExchangeID
	sum := sha256.Sum256(credentials.AppendPart(credentials.AppendPart(credentials.AppendPart(nil, 0, string(sub)), 0, since.UTC().Format(time.RFC3339Nano)), 0, what))
	copy(x[:], sum[:])
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(since.UnixMilli())<<16)
	copy(x[:6], at[:6])
	return x
}

// tell records the event of f, owed to those subscriptions that ask for it: of
// the same owner and tenant, or of the operator. It is never owed to the one
// that it is about, which does not take it, or not for long. The state is durable
// first: one that a crash took back would be told again, as of another time.
func (e *Engine) tell(ctx context.Context, f failing) error {
	if _, err := e.Deliverer.Keep(ctx, f.sub.ID); err != nil {
		return err
	}
	ev, err := f.event(time.Now().UTC())
	if err != nil {
		return err
	}
	again, err := e.RecordOwn(ctx, ev, func() ([]webhook.Delivery, error) {
		wants, err := e.want(&ev)
		var owing webhook.Owing
		for _, w := range wants {
			if e.MayHear(w.Subscription, f.sub.ID) {
				owing.Add(&ev, w.Subscription, w.Unjudged, time.Now().UTC())
			}
		}
		return owing.Deliveries, err
	})
	if err == nil && !again {
		said := []any{"subscription", string(f.sub.ID), "event", f.scope, "status", string(f.state.Status), "reason", f.state.Reason}
		if !f.state.FailingSince.IsZero() {
			said = append(said, "failing_since", f.state.FailingSince, "failures_in_a_row", f.state.Failures)
		}
		e.Logger.Warn("subscription fails", said...)
	}
	return err
}

// RecordOwn records an event of Sidehook's own, which no call earned, with the deliveries
// that owed returns; again says that it was recorded before.
func (e *Engine) RecordOwn(ctx context.Context, ev webhook.Event, owed func() ([]webhook.Delivery, error)) (again bool, err error) {
	done, err := e.Store.Record(ctx, []store.Record{{
		Exchange: ev.Exchange,
		Derive: func([]webhook.Snapshot) (store.Consequences, error) {
			ds, err := owed()
			return store.Consequences{Events: []webhook.Event{ev}, Deliveries: ds}, err
		},
	}})
	if err != nil {
		return false, err
	}
	return done[0].Duplicate, done[0].Err
}

func (f *failing) event(now time.Time) (webhook.Event, error) {
	st, about := f.state, f.sub
	data := own.Told{
		ID: about.ID, URL: webhook.OriginOf(about.URL), Static: about.Static, Status: st.Status, Reason: st.Reason,
		Since: st.Since, Failing: st.FailingSince, Failures: st.Failures,
	}
	if f.scope == own.Failing && about.DisableAfter > 0 {
		data.Disables = st.FailingSince.Add(about.DisableAfter)
	}
	after, err := json.Marshal(data)
	if err != nil {
		return webhook.Event{}, err
	}
	tenant, unowned := about.Tenant, about.Tenant == webhook.AnyTenant
	if unowned {
		tenant = ""
	}
	key := webhook.EntityKey{API: own.API, Tenant: tenant, Resource: own.Resource, ID: string(about.ID)}
	return webhook.Event{
		ID: webhook.NewEventID(f.x, key, f.scope, ""), Scope: f.scope, Key: key, Exchange: f.x, Time: now,
		After: after, Tenant: tenant, Unowned: unowned,
		Provenance: webhook.Provenance{Before: webhook.FromNone, After: webhook.FromNone},
	}, nil
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
	if ev.Key.API != own.API {
		return true
	}
	about, told := own.About(ev)
	return told && e.MayHear(s, about)
}

// ownerOf returns who made a subscription through the API; "" is the operator, or
// that owners are not told apart. It is not known of one that is forgotten.
func (e *Engine) ownerOf(id webhook.SubscriptionID) (owner string, known bool) {
	if k := e.Kept().Get(id); k != nil {
		return k.Owner, true
	}
	return "", slices.ContainsFunc(e.Current().Subscriptions, func(s *webhook.Subscription) bool { return s.ID == id })
}
