package api

import (
	"math"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// mergedDeliveries lists the deliveries of several subscriptions, newest first.
// What a page looks at is bounded, and what it reads and holds.
type mergedDeliveries struct {
	call   *Call
	filter *apiFilter
	state  webhook.DeliveryState
	event  webhook.EventID
	subs   []webhook.SubscriptionID // only those of these; with all: of any
	all    bool
	waits  *engine.Waits

	scanned, size, read int
}

// deliverySource is the deliveries that come next of one subscription, or of all.
type deliverySource struct {
	query store.DeliveryQuery
	after cursor // the last that was taken
	next  []webhook.Delivery
	ended bool
	left  int    // how many may be looked at
	cut   uint64 // lower positions were not looked at; 0: all were
}

// list returns the page. Lists of all subscriptions are read side by side, so
// that a caller never pays for what is others'.
func (m *mergedDeliveries) list() (apiList, error) {
	out, f := apiList{Data: []any{}}, m.filter
	sources := m.sources()
	last := f.cursor
	for {
		s, cut, err := m.newest(sources)
		switch {
		case err != nil:
			return out, err
		case max(cut, nextPosition(s)) < max(f.low, 1):
			return out, nil
		case nextPosition(s) < cut:
			out.Next = m.call.next(cursor{position: cut})
			return out, nil
		case len(out.Data) == f.limit || m.scanned >= engine.MostScanned || m.size >= mostPage || m.read >= MostRead:
			out.Next = m.call.next(last)
			return out, nil
		}
		d := s.next[0]
		s.next, s.after = s.next[1:], cursor{d.Position, string(d.ID)}
		last = s.after
		m.scanned++
		if v, ok := m.show(&d); ok {
			out.Data = append(out.Data, v)
			m.size += len(v.Reason) + 300
			if v.Chunk != nil {
				m.size += 60 * len(v.Chunk.Events)
			}
		}
	}
}

// nextPosition returns that of the next delivery of s, 0: there is none.
func nextPosition(s *deliverySource) uint64 {
	if s == nil {
		return 0
	}
	return s.next[0].Position
}

// sources returns where the page comes from.
func (m *mergedDeliveries) sources() (all []*deliverySource) {
	begin := func(q store.DeliveryQuery, below uint64) {
		q.Below = below
		s := &deliverySource{after: m.filter.cursor, query: q}
		if high := m.filter.high; high < math.MaxUint64 && (below == 0 || high < below) {
			s.query.Below = high
		}
		all = append(all, s)
	}
	subs := m.subs
	if m.all {
		subs = []webhook.SubscriptionID{""}
	}
	switch {
	case m.event != "":
		begin(store.DeliveryQuery{Event: m.event}, 0)
	case m.state == webhook.Held: // by their subscription's state, or by their own
		for _, id := range subs {
			begin(store.DeliveryQuery{Subscription: id, State: webhook.Held}, 0)
		}
		for _, st := range m.call.e.Deliverer.States() {
			switch {
			case !m.all && !slices.Contains(m.subs, st.ID) || m.call.e.Store.Pending(st.ID) == 0:
			case st.Status != webhook.Active:
				begin(store.DeliveryQuery{Subscription: st.ID, State: webhook.Pending}, 0)
			case st.HeldThrough > 0:
				begin(store.DeliveryQuery{Subscription: st.ID, State: webhook.Pending}, st.HeldThrough+1)
			}
		}
	default:
		for _, id := range subs {
			if m.state != webhook.Pending || id == "" || m.call.e.Store.Pending(id) > 0 {
				begin(store.DeliveryQuery{Subscription: id, State: m.state}, 0)
			}
		}
	}
	for _, s := range all {
		s.left = max(16, 2*engine.MostScanned/len(all))
		s.query.Max = min(64, max(4, 256/len(all)))
	}
	return all
}

// newest returns the source whose delivery is the next in order: of the highest
// position, and of several of that, the highest id; nil if there is none left.
// Below cut there may be others, which were not looked at.
func (m *mergedDeliveries) newest(sources []*deliverySource) (best *deliverySource, cut uint64, err error) {
	for _, s := range sources {
		if err := m.fill(s); err != nil {
			return nil, 0, err
		}
		if len(s.next) == 0 {
			cut = max(cut, s.cut)
		} else if best == nil || behind(&best.next[0], cursor{s.next[0].Position, string(s.next[0].ID)}) {
			best = s
		}
	}
	return best, cut, nil
}

// behind reports whether d comes after c in the order of the list.
func behind(d *webhook.Delivery, c cursor) bool {
	return c.position == 0 || d.Position < c.position || d.Position == c.position && strings.Compare(string(d.ID), c.id) < 0
}

// fill reads on in s. Of one position there may be more than are read at once:
// then more are.
func (m *mergedDeliveries) fill(s *deliverySource) error {
	for len(s.next) == 0 && !s.ended {
		if at := s.after.position; at > 0 {
			if s.after.id != "" {
				at++
			}
			if s.query.Below == 0 || at < s.query.Below {
				s.query.Below = at
			}
		}
		look := store.Looking{Left: s.left}
		s.query.Looking = &look
		ds, err := m.call.e.Store.Deliveries(m.call.r.Context(), s.query)
		if err != nil {
			return err
		}
		s.left = look.Left
		for i := range ds {
			if behind(&ds[i], s.after) {
				s.next = append(s.next, ds[i])
			}
		}
		s.ended = look.Stopped || len(ds) < s.query.Max
		if look.Stopped {
			s.cut = look.At
		}
		if len(s.next) == 0 {
			s.query.Max *= 2
		}
	}
	return nil
}

// show returns how d is shown, if it is selected.
func (m *mergedDeliveries) show(d *webhook.Delivery) (v view.Delivery, ok bool) {
	v = m.waits.View(m.call.r.Context(), d)
	if m.state != "" && v.State != m.state || !m.filter.spans(d.Created) || !m.all && !slices.Contains(m.subs, d.Subscription) {
		return v, false
	}
	ev, err := m.call.e.Store.EventHead(m.call.r.Context(), d.Event)
	if err != nil {
		return v, !m.filter.ofEvents() // it may be forgotten
	}
	m.read += ev.Bytes()
	v.Scope = ev.Scope
	return v, !m.filter.ofEvents() || m.filter.selects(ev)
}
