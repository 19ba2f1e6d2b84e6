package admin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/api"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// trigger records an example of a scope, owed to one subscription alone, and
// delivered as every other event is.
func trigger(e *engine.Engine, r *http.Request) (any, error) {
	var in view.Trigger
	raw, err := io.ReadAll(io.LimitReader(r.Body, answer.MaxBody))
	if err == nil {
		err = json.Unmarshal(raw, &in)
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "the body is no JSON object with scope and subscription")
	}
	if p := webhook.Pattern(in.Scope); p.Check() != nil || p.Wild() {
		return nil, problem.New(http.StatusBadRequest, "scope %q: write the name of an event, like project.updated", in.Scope)
	}
	if err := checkKnown(e, in.Subscription); err != nil {
		return nil, err
	}
	if st := e.States()[in.Subscription]; st.Status != webhook.Active {
		return nil, problem.New(http.StatusConflict, "subscription %s is %s: resume it first", in.Subscription, st.Status)
	}
	if sub := e.InForce(in.Subscription); sub != nil {
		return sendExampleOf(e, r.Context(), &in, sub)
	}
	return nil, problem.New(http.StatusConflict, "subscription %s is not in force", in.Subscription)
}

func sendExampleOf(e *engine.Engine, ctx context.Context, in *view.Trigger, sub *webhook.Subscription) (any, error) {
	now := time.Now().UTC()
	x := webhook.NewExchangeID(now)
	ev := webhook.Event{
		Scope: in.Scope, Exchange: x, Time: now, Operation: webhook.Created, After: in.Data,
		Key:     webhook.EntityKey{API: own.API, Resource: "example", ID: own.ExampleID},
		Request: webhook.EventRequest{Method: http.MethodPost, Path: "/trigger"},
	}
	if ev.Unowned = sub.Tenant == webhook.AnyTenant; !ev.Unowned { // unless it shows what is a tenant's
		ev.Tenant = sub.Tenant
	}
	defer e.HoldErasures()() // what is copied is not erased meanwhile
	var err error
	if c := api.AsOperator(e); ev.After == nil {
		err = likeNewest(e, ctx, &ev, sub)
	} else if t := c.FindEventType(ev.Scope); t != nil {
		ev.Key.Resource = t.ExampleResource()
	}
	if err != nil {
		return nil, err
	}
	ev.Key.Tenant = ev.Tenant
	ev.ID = webhook.NewEventID(x, ev.Key, ev.Scope, "")
	var owing webhook.Owing
	owing.Add(&ev, sub.As(ev.Key.Resource), false, now)
	_, err = e.RecordOwn(ctx, ev, func() ([]webhook.Delivery, error) { return owing.Deliveries, nil })
	return view.Sent{Event: ev.ID, Delivery: owing.Deliveries[0].ID}, err
}

// likeNewest makes ev like the newest event of its scope that sub may see, and
// visible to who may see that one. If there is none, or the API decides what sub may
// see, it is like what is known of the event type.
func likeNewest(e *engine.Engine, ctx context.Context, ev *webhook.Event, sub *webhook.Subscription) (err error) {
	var events []webhook.Event
	if !sub.Looks() {
		look := store.Looking{Left: engine.MostScanned}
		events, err = e.Store.Events(ctx, store.EventQuery{
			Newest: true, Scopes: []webhook.Pattern{webhook.Pattern(ev.Scope)}, Max: 50, Looking: &look, Bytes: api.MostRead,
		})
		if err != nil {
			return err
		}
	}
	for i := range events {
		was := &events[i]
		if was.Key.API == own.API || !sub.Sees(was) {
			continue
		}
		ev.Operation, ev.Before, ev.After, ev.Changes, ev.Item = was.Operation, was.Before, was.After, was.Changes, was.Item
		ev.Key.Resource, ev.Tenant, ev.Unowned = was.Key.Resource, was.Tenant, was.Unowned
		return nil
	}
	c := api.AsOperator(e)
	t := c.FindEventType(ev.Scope)
	if err := e.Current().Handlers.WhyUnearned(webhook.Pattern(ev.Scope)); err != nil {
		return problem.New(http.StatusBadRequest, "%s (with --data FILE it is sent all the same)", err)
	}
	if t == nil {
		ev.After = json.RawMessage(`{"example":true}`)
		return nil
	}
	ev.Key.Resource, _, ev.After, err = c.ExampleEvent(t, &kept.Subscription{Kept: store.Kept{ID: sub.ID, Tenant: ev.Tenant}})
	return err
}
