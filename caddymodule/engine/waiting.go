package engine

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// MostScanned bounds how many events or deliveries are looked at for one page:
// behind a filter that few pass, a page ends early, and next goes on.
const MostScanned = 2000

// ViewDelivery shows d as it stands with its subscription; of one that is due and
// waits all the same, why, as far as that is known without looking further.
func (e *Engine) ViewDelivery(d *webhook.Delivery, now time.Time) view.Delivery {
	v := view.OfDelivery(d, e.State(d.Subscription), now)
	if v.State != webhook.Pending || v.Reason != "" || d.Due.After(now) {
		return v
	}
	if at := e.Deliverer.Paced(d.Subscription); at.After(now) {
		v.Reason = "waits: the rate of the subscription lets the next go at " + words.Clock(at)
	}
	return v
}

// ViewOne is ViewDelivery for one that is looked at by itself: it looks for what is
// ahead of it too, and for what its last attempt came to.
func (e *Engine) ViewOne(ctx context.Context, d *webhook.Delivery, now time.Time) view.Delivery {
	v := e.ViewDelivery(d, now)
	if v.State != webhook.Pending || v.Reason != "" {
		return v
	}
	if !d.Due.After(now) && d.Lane != "" {
		if first := e.ahead(ctx, d); first != "" {
			v.Reason = fmt.Sprintf("waits: %s is ahead of it by order, and is not settled", first)
			return v
		}
	}
	if v.Attempts > 0 {
		v.Reason = e.LastFailure(ctx, v.ID)
	}
	return v
}

// ahead returns the delivery for which d waits by the order of its subscription, ""
// if none is found among those that are near.
func (e *Engine) ahead(ctx context.Context, d *webhook.Delivery) webhook.DeliveryID {
	near, err := e.Store.Deliveries(ctx, store.DeliveryQuery{
		Subscription: d.Subscription, States: []webhook.DeliveryState{webhook.Pending, webhook.Held},
		Below: d.Position, Max: MostScanned, Looking: &store.Looking{Left: MostScanned},
	})
	if err != nil {
		return "" // it is no more than a hint
	}
	for i := range near {
		if near[i].Lane == d.Lane {
			return near[i].ID
		}
	}
	return ""
}

// Retry makes a delivery pending again that is final or held. What nobody would
// ever deliver it does not.
func (e *Engine) Retry(ctx context.Context, d *webhook.Delivery) (*webhook.Delivery, error) {
	if _, known := e.Deliverer.State(d.Subscription); !known {
		return nil, problem.New(http.StatusConflict, "its subscription, %s, was deleted", d.Subscription)
	}
	return e.Store.Retry(ctx, d.ID, time.Now())
}

// LastFailure says in words what the last attempt of a delivery came to.
func (e *Engine) LastFailure(ctx context.Context, id webhook.DeliveryID) string {
	attempts, err := e.Store.Attempts(ctx, id)
	if err != nil || len(attempts) == 0 {
		return ""
	}
	last := &attempts[len(attempts)-1]
	return fmt.Sprintf("attempt %d: %s", last.Number, last.Why())
}
