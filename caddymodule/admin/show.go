package admin

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func listEvents(e *engine.Engine, r *http.Request) (any, error) {
	q := r.URL.Query()
	query := store.EventQuery{
		Newest: q.Get("after") == "", Resource: q.Get("resource"), ID: q.Get("id"),
	}
	var err error
	if query.After, err = number(q, "after"); err != nil {
		return nil, err
	}
	max, err := number(q, "max")
	if err != nil {
		return nil, err
	}
	query.Max = int(min(max, 1000))
	if query.Scopes, err = patterns(q); err != nil {
		return nil, err
	}
	if x := q.Get("exchange"); x != "" {
		if query.Exchange, err = webhook.ParseExchangeID(x); err != nil {
			return nil, problem.New(http.StatusBadRequest, "%s", err)
		}
	}
	events, err := e.Store.Events(r.Context(), query)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 && query.Resource != "" {
		if err := e.Current().Handlers.WhyUnknown(query.Resource); err != nil {
			return nil, problem.New(http.StatusBadRequest, "%s", err)
		}
	}
	views := make([]view.Event, len(events))
	for i := range events {
		views[i] = view.OfEvent(&events[i])
	}
	return views, nil
}

func showEvent(e *engine.Engine, r *http.Request) (any, error) {
	id := webhook.EventID(r.PathValue("id"))
	ev, err := e.Store.Event(r.Context(), id)
	if err != nil {
		return nil, err
	}
	deliveries, err := viewDeliveries(e, r, store.DeliveryQuery{Event: id, Max: 1000})
	if err != nil {
		return nil, err
	}
	return struct {
		view.Event
		Deliveries []view.Delivery `json:"deliveries"`
	}{view.OfEvent(ev), deliveries}, nil
}

func listDeliveries(e *engine.Engine, r *http.Request) (any, error) {
	q := r.URL.Query()
	below, err := number(q, "below")
	if err != nil {
		return nil, err
	}
	max, err := number(q, "max")
	if err != nil {
		return nil, err
	}
	query := store.DeliveryQuery{
		Event: webhook.EventID(q.Get("event")), Subscription: webhook.SubscriptionID(q.Get("subscription")),
		State: webhook.DeliveryState(q.Get("state")), Below: below, Max: int(min(max, 1000)),
	}
	if query.State != "" && !slices.Contains(webhook.DeliveryStates(), query.State) {
		return nil, problem.New(http.StatusBadRequest, "state %q: write %s", query.State, words.OrList(words.Texts(webhook.DeliveryStates())))
	}
	ds, err := viewDeliveries(e, r, query)
	if err == nil && len(ds) == 0 && query.Subscription != "" { // one that is deleted may have some
		err = checkKnown(e, query.Subscription)
	}
	return ds, err
}

// checkKnown is an error that says which subscriptions there are, if id is none.
func checkKnown(e *engine.Engine, id webhook.SubscriptionID) error {
	states := e.States()
	if _, ok := states[id]; ok {
		return nil
	}
	if len(states) == 0 {
		return fmt.Errorf("%w %q: there are none", deliver.ErrUnknownSubscription, id)
	}
	return fmt.Errorf("%w %q: there are %s", deliver.ErrUnknownSubscription, id, words.Some(words.Texts(slices.Sorted(maps.Keys(states)))))
}

// listUnearned says of those of the patterns that no rule can earn, in words,
// why nothing is to be expected of them.
func listUnearned(e *engine.Engine, r *http.Request) (any, error) {
	asked, err := patterns(r.URL.Query())
	if err != nil {
		return nil, err
	}
	hints := []string{}
	handlers := e.Current().Handlers
	for _, p := range asked {
		if err := handlers.WhyUnearned(p); err != nil {
			hints = append(hints, err.Error())
		}
	}
	return hints, nil
}

func viewDeliveries(e *engine.Engine, r *http.Request, q store.DeliveryQuery) ([]view.Delivery, error) {
	held := q.State == webhook.Held
	if held { // deliveries are held by their subscription's state
		q.State = webhook.Pending
	}
	ds, err := e.Store.Deliveries(r.Context(), q)
	if err != nil {
		return nil, err
	}
	if held { // and by themselves, where they hold their lanes
		q.State = webhook.Held
		more, err := e.Store.Deliveries(r.Context(), q)
		if err != nil {
			return nil, err
		}
		ds, q.State = append(more, ds...), webhook.Pending
	}
	waits := e.Waits()
	views := make([]view.Delivery, 0, len(ds))
	for i := range ds {
		v := waits.ViewWhole(r.Context(), &ds[i])
		if q.State == webhook.Pending && held != (v.State == webhook.Held) {
			continue
		}
		if ev, err := e.Store.Event(r.Context(), ds[i].Event); err == nil {
			v.Scope = ev.Scope
		}
		views = append(views, v)
	}
	return views, nil
}

func showDelivery(e *engine.Engine, r *http.Request) (any, error) {
	id := webhook.DeliveryID(r.PathValue("id"))
	d, err := e.Store.Delivery(r.Context(), id)
	if err != nil {
		return nil, err
	}
	attempts, err := e.Store.Attempts(r.Context(), id)
	if err != nil {
		return nil, err
	}
	v := e.Waits().ViewWhole(r.Context(), d)
	if ev, err := e.Store.Event(r.Context(), d.Event); err == nil {
		v.Scope = ev.Scope
	}
	for i := range attempts {
		v.Made = append(v.Made, view.OfAttempt(&attempts[i]))
	}
	return v, nil
}

// steerDelivery retries a delivery that is final or held.
func steerDelivery(e *engine.Engine, r *http.Request) (any, error) {
	if verb := r.PathValue("verb"); verb != "retry" {
		return nil, problem.New(http.StatusBadRequest, "%q: write retry", verb)
	}
	d, err := e.Store.Delivery(r.Context(), webhook.DeliveryID(r.PathValue("id")))
	if err == nil {
		d, err = e.Retry(r.Context(), d)
	}
	if err != nil {
		return nil, err
	}
	return e.Waits().ViewWhole(r.Context(), d), nil
}

func listSubscriptions(e *engine.Engine, r *http.Request) (any, error) {
	return viewSubscriptions(e, r, e.Deliverer.States())
}

// viewSubscriptions shows how subscriptions stand, what they are owed, and whose they
// are.
func viewSubscriptions(e *engine.Engine, r *http.Request, states []webhook.SubscriptionState) ([]view.Subscription, error) {
	backlogs, err := e.Store.Backlogs(r.Context())
	if err != nil {
		return nil, err
	}
	owed := make(map[webhook.SubscriptionID]webhook.Backlog)
	for _, b := range backlogs {
		owed[b.Subscription] = b
	}
	views := []view.Subscription{}
	for _, st := range states {
		v := view.OfSubscription(st, owed[st.ID], e.Deliverer.Now())
		if s := e.InForce(st.ID); s != nil {
			v.To, v.Tenant, v.PublicKeys = webhook.OriginOf(s.URL), s.Tenant, s.PublicKeys()
		}
		if k := e.Kept().Get(st.ID); k != nil {
			v.Owner = k.Owner
		}
		views = append(views, v)
	}
	return views, nil
}

func steerSubscription(e *engine.Engine, r *http.Request) (any, error) {
	id := webhook.SubscriptionID(r.PathValue("id"))
	var s webhook.SubscriptionState
	if err := checkKnown(e, id); err != nil {
		return nil, err
	}
	var err error
	switch verb := r.PathValue("verb"); verb {
	case "pause":
		s, err = e.Deliverer.Pause(r.Context(), id, webhook.ReasonOperator)
	case "resume":
		s, err = e.Deliverer.Resume(r.Context(), id, webhook.ReasonOperator)
	case "release":
		s, err = e.Deliverer.Release(r.Context(), id, webhook.ReasonOperator)
	default:
		return nil, problem.New(http.StatusBadRequest, "%q: write pause, resume or release", verb)
	}
	if err != nil {
		return nil, err
	}
	views, err := viewSubscriptions(e, r, []webhook.SubscriptionState{s})
	if err != nil {
		return nil, err
	}
	return views[0], nil
}

// patterns reads the patterns of scopes in the query.
func patterns(q url.Values) (all []webhook.Pattern, err error) {
	for _, text := range q["scope"] {
		p := webhook.Pattern(text)
		if err := p.Check(); err != nil {
			return nil, problem.New(http.StatusBadRequest, "%s", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// number reads an optional number of the query.
func number(q url.Values, name string) (uint64, error) {
	text := q.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, problem.New(http.StatusBadRequest, "%s=%q: want a number", name, text)
	}
	return n, nil
}
