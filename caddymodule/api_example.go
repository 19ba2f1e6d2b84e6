package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// exampleScope is that of the event that a test sends. No rule earns it.
const exampleScope = "sidehook.test"

// apiSent tells what a test has sent.
type apiSent struct {
	Event    webhook.EventID    `json:"event" jsonschema:"Id of the event."`
	Delivery webhook.DeliveryID `json:"delivery" jsonschema:"Id of the delivery."`
}

func (c *apiCall) testSubscription() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	if st := c.state(k.ID); st.Status != webhook.Active {
		return apiAnswer{}, refuse(http.StatusConflict, "it is %s: resume it first", st.Status)
	}
	d, err := c.e.sendExample(context.WithoutCancel(c.r.Context()), k)
	if err != nil {
		return apiAnswer{}, err
	}
	return apiAnswer{status: http.StatusAccepted, body: apiSent{d.Event, d.ID}}, nil
}

// sendExample records an event that says that it is an example, owed to k alone.
// It is delivered as every other.
func (e *engine) sendExample(ctx context.Context, k *keptSubscription) (webhook.Delivery, error) {
	now := time.Now().UTC()
	x := webhook.NewExchangeID(now)
	data, err := json.Marshal(map[string]any{"example": true, "subscription": k.ID})
	if err != nil {
		return webhook.Delivery{}, err
	}
	key := webhook.EntityKey{API: "sidehook", Tenant: k.Tenant, Resource: "subscription", ID: string(k.ID)}
	ev := webhook.Event{
		ID: webhook.NewEventID(x, key, exampleScope, ""), Scope: exampleScope, Key: key, Exchange: x, Time: now,
		After: data, Tenant: k.Tenant, Request: webhook.EventRequest{Method: http.MethodPost, Path: "/test"},
	}
	var owing webhook.Owing
	owing.Add(&ev, k.sub, false, now)
	done, err := e.store.Record(ctx, []store.Record{{
		Exchange: x,
		Derive: func([]webhook.Snapshot) (store.Consequences, error) {
			return store.Consequences{Events: []webhook.Event{ev}, Deliveries: owing.Deliveries}, nil
		},
	}})
	if err == nil && done[0].Err != nil {
		err = done[0].Err
	}
	return owing.Deliveries[0], err
}
