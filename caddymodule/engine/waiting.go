package engine

import (
	"cmp"
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

// Waits shows the deliveries of one list, newest first, each with what it waits for.
// What it looks at for that is bounded for all of them together.
type Waits struct {
	e     *Engine
	now   time.Time
	left  int // how many deliveries may be looked at still
	lanes map[webhook.SubscriptionID]map[string][]waiting
}

// waiting is a delivery in a lane that is not settled.
type waiting struct {
	id       webhook.DeliveryID
	position uint64
	state    webhook.DeliveryState
	due      time.Time
}

// Waits begins a list.
func (e *Engine) Waits() *Waits {
	return &Waits{e: e, now: e.Deliverer.Now(), left: MostScanned, lanes: map[webhook.SubscriptionID]map[string][]waiting{}}
}

// View shows d as it stands with its subscription; of one that waits, why, as far as
// that can be told: by its subscription, what is ahead of it by order, its rate, its
// concurrency, or the delay of its chunk.
func (w *Waits) View(ctx context.Context, d *webhook.Delivery) view.Delivery {
	v := view.OfDelivery(d, w.e.State(d.Subscription), w.now)
	if v.State != webhook.Pending || v.Reason != "" {
		return v
	}
	if !d.Due.After(w.now) {
		v.Reason = cmp.Or(w.ahead(ctx, d), w.kept(d.Subscription))
	} else if d.Chunk != nil && d.Chunk.Number > 0 && d.Attempts == 0 {
		v.Reason = fmt.Sprintf("waits: it is chunk %d of its call, and its delay ends at %s", d.Chunk.Number, words.Clock(d.Due))
	}
	return v
}

// ViewWhole is View; of one that waits for its next attempt only, what the last came
// to.
func (w *Waits) ViewWhole(ctx context.Context, d *webhook.Delivery) view.Delivery {
	v := w.View(ctx, d)
	if v.State == webhook.Pending && v.Reason == "" && v.Attempts > 0 {
		v.Reason = w.e.lastFailure(ctx, v.ID)
	}
	return v
}

// kept says how the policies of a subscription keep back what is due, "" if they do
// not.
func (w *Waits) kept(id webhook.SubscriptionID) string {
	if at := w.e.Deliverer.Paced(id); at.After(w.now) {
		return "waits: the rate of the subscription lets the next go at " + words.Clock(at)
	}
	if n, most := w.e.Deliverer.Busy(id); most > 0 && n >= most {
		return fmt.Sprintf("waits, or is being attempted: as many attempts are under way as its subscription may have at once (concurrency %d)", most)
	}
	return ""
}

// ahead says which delivery is first in the lane of d, and so goes before it by the
// order of its subscription; "" if none is found among those that are near.
func (w *Waits) ahead(ctx context.Context, d *webhook.Delivery) string {
	if d.Lane == "" {
		return ""
	}
	lanes, known := w.lanes[d.Subscription]
	if !known {
		lanes = w.look(ctx, d)
		w.lanes[d.Subscription] = lanes
	}
	var first *waiting
	n := 0
	for i := range lanes[d.Lane] {
		if one := &lanes[d.Lane][i]; one.position < d.Position {
			n++
			if first == nil || one.position < first.position {
				first = one
			}
		}
	}
	if first == nil {
		return ""
	}
	text := fmt.Sprintf("waits: %s is ahead of it by order, and is ", first.id)
	switch {
	case first.state == webhook.Held:
		text += "held until it is released or retried"
	case first.due.After(w.now):
		text += "attempted again at " + words.Clock(first.due)
	default:
		text += "not settled"
	}
	if n > 1 {
		text += fmt.Sprintf(", with %d more between them", n-1)
	}
	return text
}

// look returns what is not settled of the subscription of d, and older, by lanes: a
// part of it, if that is much.
func (w *Waits) look(ctx context.Context, d *webhook.Delivery) map[string][]waiting {
	if w.left <= 0 {
		return nil
	}
	look := store.Looking{Left: w.left}
	near, err := w.e.Store.Deliveries(ctx, store.DeliveryQuery{
		Subscription: d.Subscription, States: []webhook.DeliveryState{webhook.Pending, webhook.Held},
		Below: d.Position, Max: MostScanned, Looking: &look,
	})
	if w.left = look.Left; err != nil {
		return nil // it is no more than a hint
	}
	lanes := map[string][]waiting{}
	for i := range near {
		if n := &near[i]; n.Lane != "" {
			lanes[n.Lane] = append(lanes[n.Lane], waiting{n.ID, n.Position, n.State, n.Due})
		}
	}
	return lanes
}

// Retry makes a delivery pending again that is final or held. What nobody would
// ever deliver it does not.
func (e *Engine) Retry(ctx context.Context, d *webhook.Delivery) (*webhook.Delivery, error) {
	st, known := e.Deliverer.State(d.Subscription)
	if !known {
		return nil, problem.New(http.StatusConflict, "its subscription, %s, was deleted", d.Subscription)
	}
	if v := view.OfDelivery(d, st, e.Deliverer.Now()); d.State == webhook.Pending && v.State == webhook.Held {
		how := map[webhook.Status]string{webhook.Paused: "resume", webhook.Absent: "have the configuration name again"}[st.Status]
		return nil, problem.New(http.StatusConflict, "it is not tried by itself: %s; %s subscription %s, and what that is owed is sent", v.Reason, cmp.Or(how, "release"), d.Subscription)
	}
	return e.Store.Retry(ctx, d.ID, time.Now())
}

// lastFailure says in words what the last attempt of a delivery came to.
func (e *Engine) lastFailure(ctx context.Context, id webhook.DeliveryID) string {
	attempts, err := e.Store.Attempts(ctx, id)
	if err != nil || len(attempts) == 0 {
		return ""
	}
	last := &attempts[len(attempts)-1]
	return fmt.Sprintf("attempt %d: %s", last.Number, last.Why())
}
