package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/sidehook/sidehook/caddymodule/eventtype"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

// exampleScope is that of the event that a test sends. No rule earns it.
const exampleScope = "sidehook.test"

// apiTest is the body of a call that sends an example.
type apiTest struct {
	EventType string `json:"event_type,omitempty" jsonschema:"Scope of the event type of which an example is sent. Default: sidehook.test."`
}

func (c *Call) testSubscription() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	scope, t, err := c.askedType()
	if err != nil {
		return apiAnswer{}, err
	}
	if st := c.e.State(k.ID); st.Status != webhook.Active {
		return apiAnswer{}, problem.New(http.StatusConflict, "it is %s: resume it first", st.Status)
	}
	repeat, release, err := c.repeat()
	if err != nil {
		return apiAnswer{}, err
	}
	defer release()
	ev, err := c.newExample(k, scope, t, repeat)
	if err != nil {
		return apiAnswer{}, err
	}
	d, again, err := c.sendExample(context.WithoutCancel(c.r.Context()), k, ev)
	if err != nil {
		return apiAnswer{}, err
	}
	return apiAnswer{status: http.StatusAccepted, body: view.Sent{Event: d.Event, Delivery: d.ID}, replayed: again}, nil
}

// askedType returns the event type that the body names, and the scope of the
// example.
func (c *Call) askedType() (scope string, t *eventtype.Type, err error) {
	doc, err := c.readDocument()
	if err != nil {
		return "", nil, err
	}
	if scope, err = doc.take("event_type"); err != nil {
		return "", nil, err
	}
	if err := doc.only(strict.Names(reflect.TypeFor[apiTest]())...); err != nil {
		return "", nil, err
	}
	if scope == "" {
		return exampleScope, nil, nil
	}
	if t = c.FindEventType(scope); t == nil {
		var known []string
		for _, t := range c.eventTypes() {
			known = append(known, t.Name)
		}
		if near := words.Nearest(scope, known); near != "" {
			return "", nil, problem.WrongField("/event_type", "event_type: no rule earns %s: did you mean %s?", scope, near)
		}
		return "", nil, problem.WrongField("/event_type", "event_type: no rule earns %s: GET /event_types lists what there is", scope)
	}
	if t.Name == scope {
		scope = t.ExampleScope()
	}
	return scope, t, nil
}

// newExample returns an event that is an example. A repeat of a call comes to the
// same event.
func (c *Call) newExample(k *kept.Subscription, scope string, t *eventtype.Type, repeat *kept.Repeat) (ev webhook.Event, err error) {
	now := time.Now().UTC()
	x := webhook.NewExchangeID(now)
	if repeat != nil {
		sum := sha256.Sum256([]byte("test " + string(k.ID) + repeat.Key))
		x = webhook.ExchangeID(sum[:16])
	}
	key := webhook.EntityKey{API: own.API, Tenant: k.Tenant}
	var data json.RawMessage
	if key.Resource, key.ID, data, err = c.ExampleEvent(t, k); err != nil {
		return ev, err
	}
	ev = webhook.Event{
		ID: webhook.NewEventID(x, webhook.EntityKey{API: own.API}, exampleScope, ""), Scope: scope, Key: key, Exchange: x, Time: now,
		Operation: webhook.Called, Item: data, Tenant: k.Tenant, Request: webhook.EventRequest{Method: http.MethodPost, Path: "/test"},
		Provenance: webhook.Provenance{Before: webhook.FromNone, After: webhook.FromNone, Confidence: webhook.Proven},
	}
	return ev, nil
}

// sendExample records ev, owed to k alone; again says that it was before, which
// no pace keeps back. It is delivered as every other.
func (c *Call) sendExample(ctx context.Context, k *kept.Subscription, ev webhook.Event) (d webhook.Delivery, again bool, err error) {
	var owing webhook.Owing
	owing.Add(&ev, k.Ready.As(ev.Key.Resource), false, ev.Time)
	d = owing.Deliveries[0]
	if was, err := c.e.Store.Event(ctx, ev.ID); err == nil {
		if was.Scope != ev.Scope {
			return d, false, errOtherBody()
		}
		return d, true, nil
	}
	if err := c.shared().byHand.Test(k.ID, c.asking(), time.Now()); err != nil {
		return d, false, err
	}
	again, err = c.e.RecordOwn(ctx, ev, func() ([]webhook.Delivery, error) { return owing.Deliveries, nil })
	return d, again, err
}
