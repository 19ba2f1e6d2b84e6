package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// findDelivery returns the delivery that the path names.
func (c *apiCall) findDelivery() (*webhook.Delivery, error) {
	d, err := c.e.store.Delivery(c.r.Context(), webhook.DeliveryID(c.id))
	if err == nil && !c.operator && !slices.Contains(c.mine(), d.Subscription) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("delivery %s: %w", c.id, err)
	}
	return d, nil
}

// mine returns the subscriptions that the caller may see.
func (c *apiCall) mine() (ids []webhook.SubscriptionID) {
	for _, s := range c.statics() {
		ids = append(ids, s.ID)
	}
	for _, k := range c.visible() {
		ids = append(ids, k.ID)
	}
	return ids
}

func (c *apiCall) readDelivery() (apiAnswer, error) {
	d, err := c.findDelivery()
	if err != nil {
		return apiAnswer{}, err
	}
	v := c.e.viewOne(c.r.Context(), d, time.Now())
	if ev, err := c.e.store.Event(c.r.Context(), d.Event); err == nil {
		v.Scope = ev.Scope
	}
	return apiAnswer{body: v}, nil
}

func (c *apiCall) listAttempts() (apiAnswer, error) {
	d, err := c.findDelivery()
	if err != nil {
		return apiAnswer{}, err
	}
	attempts, err := c.e.store.Attempts(c.r.Context(), d.ID)
	if err != nil {
		return apiAnswer{}, err
	}
	list := apiList{Data: []any{}}
	for i := range attempts {
		list.Data = append(list.Data, view.OfAttempt(&attempts[i]))
	}
	return apiAnswer{body: list}, nil
}

func (c *apiCall) retryDelivery() (apiAnswer, error) {
	d, err := c.findDelivery()
	if err == nil {
		d, err = c.e.retry(c.r.Context(), d)
	}
	if err != nil {
		return apiAnswer{}, err
	}
	return apiAnswer{body: c.e.viewDelivery(d, time.Now())}, nil
}

// retry makes a delivery pending again that is final or held. What nobody would
// ever deliver it does not.
func (e *engine) retry(ctx context.Context, d *webhook.Delivery) (*webhook.Delivery, error) {
	if _, known := e.deliverer.State(d.Subscription); !known {
		return nil, problem.New(http.StatusConflict, "its subscription, %s, was deleted", d.Subscription)
	}
	return e.store.Retry(ctx, d.ID, time.Now())
}

// errNoState tells which states there are.
func errNoState() error {
	return problem.WrongParameter("state", "write %s", words.OrList(words.Texts(webhook.DeliveryStates())))
}

func (c *apiCall) listDeliveries() (apiAnswer, error) {
	f, err := c.filter()
	if err != nil {
		return apiAnswer{}, err
	}
	done, err := c.look()
	if err != nil {
		return apiAnswer{}, err
	}
	defer done()
	q := c.r.URL.Query()
	state := webhook.DeliveryState(q.Get("state"))
	if state != "" && !slices.Contains(webhook.DeliveryStates(), state) {
		return apiAnswer{}, errNoState()
	}
	subs, all := c.mine(), c.operator
	if id := webhook.SubscriptionID(q.Get("subscription")); id != "" {
		if !c.operator && !slices.Contains(subs, id) {
			return apiAnswer{}, errNoSubscription
		}
		subs, all = []webhook.SubscriptionID{id}, false
	}
	m := mergedDeliveries{call: c, filter: &f, state: state, event: webhook.EventID(q.Get("event")), subs: subs, all: all}
	list, err := m.list()
	return apiAnswer{body: list}, err
}
