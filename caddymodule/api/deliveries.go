package api

import (
	"fmt"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// findDelivery returns the delivery that the path names.
func (c *Call) findDelivery() (*webhook.Delivery, error) {
	d, err := c.e.Store.Delivery(c.r.Context(), webhook.DeliveryID(c.id))
	if err == nil && !c.Operator && !slices.Contains(c.mine(), d.Subscription) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("delivery %s: %w", c.id, err)
	}
	return d, nil
}

// mine returns the subscriptions that the caller may see.
func (c *Call) mine() (ids []webhook.SubscriptionID) {
	for _, s := range c.statics() {
		ids = append(ids, s.ID)
	}
	for _, k := range c.visible() {
		ids = append(ids, k.ID)
	}
	return ids
}

func (c *Call) readDelivery() (apiAnswer, error) {
	d, err := c.findDelivery()
	if err != nil {
		return apiAnswer{}, err
	}
	v := c.e.Waits().ViewWhole(c.r.Context(), d)
	if ev, err := c.e.Store.Event(c.r.Context(), d.Event); err == nil {
		v.Scope = ev.Scope
	}
	return apiAnswer{body: v}, nil
}

func (c *Call) listAttempts() (apiAnswer, error) {
	d, err := c.findDelivery()
	if err != nil {
		return apiAnswer{}, err
	}
	attempts, err := c.e.Store.Attempts(c.r.Context(), d.ID)
	if err != nil {
		return apiAnswer{}, err
	}
	list := apiList{Data: []any{}}
	for i := range attempts {
		list.Data = append(list.Data, view.OfAttempt(&attempts[i]))
	}
	return apiAnswer{body: list}, nil
}

func (c *Call) retryDelivery() (apiAnswer, error) {
	d, err := c.findDelivery()
	if err == nil && d.State != webhook.Pending { // one that is is refused in any case
		err = c.shared().byHand.Retry(c.asking(), time.Now())
	}
	if err == nil {
		d, err = c.e.Retry(c.r.Context(), d)
	}
	if err != nil {
		return apiAnswer{}, err
	}
	return apiAnswer{body: c.e.Waits().ViewWhole(c.r.Context(), d)}, nil
}

func (c *Call) listDeliveries() (apiAnswer, error) {
	f, err := c.filter()
	if err != nil {
		return apiAnswer{}, err
	}
	list, err := c.deliveries(&f)
	if err == nil && len(list.Data) == 0 && list.Next == "" {
		return c.nothing(&f)
	}
	return apiAnswer{body: list}, err
}

// deliveries returns a page of those that the query selects.
func (c *Call) deliveries(f *apiFilter) (apiList, error) {
	done, err := c.look()
	if err != nil {
		return apiList{}, err
	}
	defer done()
	q := c.r.URL.Query()
	state := webhook.DeliveryState(q.Get("state"))
	if state != "" && !slices.Contains(webhook.DeliveryStates(), state) {
		return apiList{}, problem.WrongParameter("state", "write %s", words.OrList(words.Texts(webhook.DeliveryStates())))
	}
	subs, all := c.mine(), c.Operator
	id := webhook.SubscriptionID(q.Get("subscription"))
	known := slices.Contains(subs, id)
	if id != "" {
		if !c.Operator && !known {
			return apiList{}, errNoSubscription
		}
		subs, all = []webhook.SubscriptionID{id}, false
	}
	m := mergedDeliveries{call: c, waits: c.e.Waits(), filter: f, state: state, event: webhook.EventID(q.Get("event")), subs: subs, all: all}
	list, err := m.list()
	if err == nil && len(list.Data) == 0 && list.Next == "" && id != "" && !known && !c.wasThere(id) {
		err = errNoSubscription
	}
	return list, err
}

// wasThere reports whether a subscription that is not there now may have been: of one
// made through the API nothing is left to tell.
func (c *Call) wasThere(id webhook.SubscriptionID) bool {
	_, left := c.e.Deliverer.State(id)
	return left || kept.IsMade(id)
}
