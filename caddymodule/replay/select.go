package replay

import (
	"context"
	"errors"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// A step of a replay looks at so many positions, and deliveries of them.
const (
	span   = 4000
	looked = 4000
)

// choose returns what r selects from its Next on, at most max
// deliveries, as they are, and the position behind what was looked at. It looks
// at a bounded part of the store.
func (p *Replays) choose(ctx context.Context, r *webhook.Replay, max int) (ds []webhook.Delivery, next uint64, err error) {
	if r.Next >= r.High {
		return nil, r.High, nil
	}
	if r.Missed {
		return p.chooseByEvent(ctx, r, max)
	}
	end := min(r.High, r.Next+span)
	look := store.Looking{Left: looked}
	found, err := p.store.Deliveries(ctx, store.DeliveryQuery{
		Subscription: r.Subscription, Oldest: true, From: r.Next, Below: end, States: r.States, Max: max, Looking: &look,
	})
	if err != nil {
		return nil, r.Next, err
	}
	for i := range found {
		if len(r.Scopes) > 0 {
			ev, err := p.store.EventHead(ctx, found[i].Event)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, r.Next, err
			}
			if err != nil || !r.Takes(ev.Scope) {
				continue
			}
		}
		ds = append(ds, found[i])
	}
	switch {
	case look.Stopped:
		end = look.At + 1
	case len(found) == max:
		end = found[len(found)-1].Position + 1
	}
	return ds, end, nil
}

// chooseByEvent is choose where events without a delivery count too.
func (p *Replays) chooseByEvent(ctx context.Context, r *webhook.Replay, max int) (ds []webhook.Delivery, next uint64, err error) {
	const atOnce = 32
	events, err := p.store.Events(ctx, store.EventQuery{After: r.Next - 1, Max: atOnce})
	if err != nil {
		return nil, r.Next, err
	}
	next = r.Next
	for i := range events {
		ev := &events[i]
		if ev.Position >= r.High {
			return ds, r.High, nil
		}
		d, ok, err := p.deliveryOf(ctx, r, ev)
		if err != nil {
			return nil, r.Next, err
		}
		if ok {
			ds = append(ds, d)
		}
		if next = ev.Position + 1; len(ds) == max {
			return ds, next, nil
		}
	}
	if len(events) < atOnce {
		next = r.High
	}
	return ds, next, nil
}

// deliveryOf returns the delivery of ev that r sends again, if it does: one that
// is there, or one that would be if ev was recorded now.
func (p *Replays) deliveryOf(ctx context.Context, r *webhook.Replay, ev *webhook.Event) (d webhook.Delivery, ok bool, err error) {
	if !r.Takes(ev.Scope) {
		return d, false, nil
	}
	found, err := p.store.Deliveries(ctx, store.DeliveryQuery{Event: ev.ID, Subscription: r.Subscription})
	if err != nil {
		return d, false, err
	}
	for i := range found {
		if found[i].Event == ev.ID {
			return found[i], r.Selects(found[i].State), nil
		}
	}
	if len(found) > 0 { // in a chunk, which is sent again with its first event
		return d, false, nil
	}
	w, wanted, err := p.to.Missed(ev, r.Subscription)
	if err != nil || !wanted {
		return d, false, err
	}
	var owing webhook.Owing
	owing.Add(ev, w.Subscription, w.Unjudged, time.Now().UTC())
	d = owing.Deliveries[0]
	d.Position = ev.Position
	return d, true, nil
}

// Count returns how many deliveries r selects; more says that there may
// be more, behind what was looked at when ctx ended.
func (p *Replays) Count(ctx context.Context, r webhook.Replay) (n int, more bool, err error) {
	for r.Next < r.High {
		ds, next, err := p.choose(ctx, &r, 1000)
		if ctx.Err() != nil {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
		n, r.Next = n+len(ds), next
	}
	return n, false, nil
}
