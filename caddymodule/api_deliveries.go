package caddymodule

import (
	"math"
	"strings"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// mergedDeliveries lists the deliveries of several subscriptions, newest first.
type mergedDeliveries struct {
	call    *apiCall
	filter  *apiFilter
	state   webhook.DeliveryState
	event   webhook.EventID
	scanned int
}

// deliverySource is the deliveries of one subscription that come next.
type deliverySource struct {
	query store.DeliveryQuery
	after cursor // the last that was taken
	next  []webhook.Delivery
	ended bool
}

// list returns the page. Lists of all subscriptions are read side by side, so
// that a caller never pays for what is others'.
func (m *mergedDeliveries) list(subs []webhook.SubscriptionID) (apiList, error) {
	out, f := apiList{Data: []any{}}, m.filter
	states := []webhook.DeliveryState{m.state}
	if m.state == webhook.Held { // by their subscription's state, or by their own
		states = []webhook.DeliveryState{webhook.Pending, webhook.Held}
	}
	var sources []*deliverySource
	for _, id := range subs {
		for _, state := range states {
			sources = append(sources, m.source(id, state))
		}
	}
	last := f.cursor
	for {
		s, err := m.newest(sources)
		if err != nil || s == nil || s.next[0].Position < f.low {
			return out, err
		}
		d := s.next[0]
		if len(out.Data) == f.limit || m.scanned >= mostScanned {
			out.Next = last.text()
			return out, nil
		}
		s.next, s.after = s.next[1:], cursor{d.Position, string(d.ID)}
		last = s.after
		m.scanned++
		if v, ok, err := m.show(&d); err != nil {
			return out, err
		} else if ok {
			out.Data = append(out.Data, v)
		}
	}
}

// source begins behind the cursor.
func (m *mergedDeliveries) source(id webhook.SubscriptionID, state webhook.DeliveryState) *deliverySource {
	s := &deliverySource{after: m.filter.cursor}
	s.query = store.DeliveryQuery{Subscription: id, Event: m.event, State: state, Max: 64}
	if m.filter.high < math.MaxUint64 {
		s.query.Below = m.filter.high
	}
	return s
}

// newest returns the source whose delivery is the next in order: of the highest
// position, and of several of that, the highest id; nil if there is none left.
func (m *mergedDeliveries) newest(sources []*deliverySource) (best *deliverySource, err error) {
	for _, s := range sources {
		if err := m.fill(s); err != nil {
			return nil, err
		}
		if len(s.next) > 0 && (best == nil || behind(&best.next[0], cursor{s.next[0].Position, string(s.next[0].ID)})) {
			best = s
		}
	}
	return best, nil
}

// behind reports whether d comes after c in the order of the list.
func behind(d *webhook.Delivery, c cursor) bool {
	return c.position == 0 || d.Position < c.position || d.Position == c.position && strings.Compare(string(d.ID), c.id) < 0
}

// fill reads on in s. Of one position there may be more than are read at once:
// then more are.
func (m *mergedDeliveries) fill(s *deliverySource) error {
	for len(s.next) == 0 && !s.ended {
		if s.after.position > 0 {
			s.query.Below = s.after.position + 1
		}
		ds, err := m.call.e.store.Deliveries(m.call.r.Context(), s.query)
		if err != nil {
			return err
		}
		for i := range ds {
			if behind(&ds[i], s.after) {
				s.next = append(s.next, ds[i])
			}
		}
		s.ended = len(ds) < s.query.Max
		if len(s.next) == 0 {
			s.query.Max *= 2
		}
	}
	return nil
}

// show returns how d is shown, if it is selected.
func (m *mergedDeliveries) show(d *webhook.Delivery) (v deliveryView, ok bool, err error) {
	v = viewDelivery(d, m.call.state(d.Subscription), time.Now())
	if m.state != "" && v.State != m.state || !m.filter.spans(d.Created) {
		return v, false, nil
	}
	ev, err := m.call.e.store.Event(m.call.r.Context(), d.Event)
	if err != nil {
		return v, !m.filter.ofEvents(), nil // it may be forgotten
	}
	v.Scope = ev.Scope
	return v, !m.filter.ofEvents() || m.filter.selects(ev), nil
}
