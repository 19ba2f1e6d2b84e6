package caddymodule

import (
	"context"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// viewDelivery shows d as it stands with its subscription; of one that is due and
// waits all the same, why, as far as that is known without looking further.
func (e *engine) viewDelivery(d *webhook.Delivery, now time.Time) view.Delivery {
	v := view.OfDelivery(d, e.state(d.Subscription), now)
	if v.State != webhook.Pending || v.Reason != "" || d.Due.After(now) {
		return v
	}
	if at := e.deliverer.Paced(d.Subscription); at.After(now) {
		v.Reason = "waits: the rate of the subscription lets the next go at " + words.Clock(at)
	}
	return v
}

// viewOne is viewDelivery for one that is looked at by itself: it looks for what is
// ahead of it too, and for what its last attempt came to.
func (e *engine) viewOne(ctx context.Context, d *webhook.Delivery, now time.Time) view.Delivery {
	v := e.viewDelivery(d, now)
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
		v.Reason = e.lastFailure(ctx, v.ID)
	}
	return v
}

// ahead returns the delivery for which d waits by the order of its subscription, ""
// if none is found among those that are near.
func (e *engine) ahead(ctx context.Context, d *webhook.Delivery) webhook.DeliveryID {
	near, err := e.store.Deliveries(ctx, store.DeliveryQuery{
		Subscription: d.Subscription, States: []webhook.DeliveryState{webhook.Pending, webhook.Held},
		Below: d.Position, Max: mostScanned, Looking: &store.Looking{Left: mostScanned},
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
