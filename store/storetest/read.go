package storetest

import (
	"fmt"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var readCases = []storeCase{
	{"events are read by position",
		"After and Newest page both ways.",
		eventPages},
	{"events are read by scope, entity and exchange",
		"Filters combine with paging.",
		eventFilters},
	{"deliveries are read newest first",
		"By event, subscription and state, below a position.",
		deliveryFilters},
	{"a page of an entity that several tenants have goes on where it was cut",
		"Whatever bounds it, all come, each once, in order.",
		rowsInPages},
	{"a look through deliveries ends where it may not go on",
		"All of one position are looked at; those of others count little; the next look goes on, and one by a final state meets no others.",
		deliveriesLooked},
}

func eventPages(e *exam) {
	for i := range 10 {
		e.record(change{order: fmt.Sprint(i)})
	}
	at := func(q store.EventQuery) (out []uint64) {
		for _, ev := range e.events(q) {
			out = append(out, ev.Position)
		}
		return out
	}
	e.same("from the start", []uint64{1, 2, 3}, at(store.EventQuery{Max: 3}))
	e.same("after", []uint64{9, 10}, at(store.EventQuery{After: 8}))
	e.same("newest", []uint64{10, 9}, at(store.EventQuery{Newest: true, Max: 2}))
	e.same("newest below", []uint64{3, 2, 1}, at(store.EventQuery{Newest: true, After: 4}))
	e.same("none", []uint64(nil), at(store.EventQuery{After: 10}))
}

func eventFilters(e *exam) {
	for i := range 9 {
		c := change{x: exchange(i), order: fmt.Sprint(i % 3)}
		r := c.record()
		r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
			out, err := c.derive(before)
			out.Events[0].Scope = []string{"order.paid", "order.shipped", "order.gap"}[i/3]
			return out, err
		}
		_, err := e.recordOne(r)
		e.must(err)
	}
	at := func(q store.EventQuery) (out []uint64) {
		for _, ev := range e.events(q) {
			out = append(out, ev.Position)
		}
		return out
	}
	e.same("scope", []uint64{4, 5, 6}, at(store.EventQuery{Scopes: []webhook.Pattern{"order.shipped"}}))
	e.same("wildcard", []uint64{6, 5, 4, 3}, at(store.EventQuery{Scopes: []webhook.Pattern{"order.*"}, Newest: true, Max: 4}))
	e.same("entity", []uint64{2, 5, 8}, at(store.EventQuery{Resource: "order", ID: "1"}))
	e.same("entity, newest", []uint64{5, 2}, at(store.EventQuery{Resource: "order", ID: "1", Newest: true, After: 8}))
	e.same("resource", 9, len(at(store.EventQuery{Resource: "order"})))
	e.same("no such resource", 0, len(at(store.EventQuery{Resource: "invoice", ID: "1"})))
	looking := &store.Looking{Left: 4}
	e.same("of the first four", []uint64{4}, at(store.EventQuery{Scopes: []webhook.Pattern{"order.shipped"}, Looking: looking}))
	e.same("how far", store.Looking{At: 4, Stopped: true}, *looking)
	looking = &store.Looking{Left: 4}
	e.same("of the newest four", []uint64{6}, at(store.EventQuery{Scopes: []webhook.Pattern{"order.shipped"}, Newest: true, Looking: looking}))
	e.same("how far back", store.Looking{At: 6, Stopped: true}, *looking)
	looking = &store.Looking{Left: 9}
	e.same("of all", 3, len(at(store.EventQuery{Scopes: []webhook.Pattern{"order.shipped"}, Looking: looking})))
	e.same("through all", store.Looking{At: 9}, *looking)
	looking = &store.Looking{Left: 9}
	e.same("until there is enough", []uint64{1}, at(store.EventQuery{Looking: looking, Bytes: 1}))
	e.same("how far it came", store.Looking{Left: 8, At: 1, Stopped: true}, *looking)
	looking = &store.Looking{}
	e.same("one in any case", []uint64{9}, at(store.EventQuery{Looking: looking, Newest: true}))
	x := e.events(store.EventQuery{})[4].Exchange
	e.same("exchange", []uint64{5}, at(store.EventQuery{Exchange: x}))
	e.same("exchange of another entity", 0, len(at(store.EventQuery{Exchange: x, Resource: "order", ID: "2"})))
}

func deliveryFilters(e *exam) {
	for i := range 6 {
		e.record(change{x: exchange(i), order: fmt.Sprint(i), subs: subs("crm", "erp")})
	}
	for i, d := range e.claim("crm", 0, noon) {
		e.settle(d, []webhook.Outcome{webhook.Accepted, webhook.Aborted, webhook.Failed}[i%3], noon)
	}
	at := func(q store.DeliveryQuery) []uint64 {
		ds, err := e.Deliveries(bg, q)
		e.must(err)
		return positions(ds)
	}
	e.same("all", []uint64{6, 6, 5}, at(store.DeliveryQuery{Max: 3}))
	e.same("subscription", []uint64{6, 5, 4, 3, 2, 1}, at(store.DeliveryQuery{Subscription: "crm"}))
	e.same("refused", []uint64{5, 2}, at(store.DeliveryQuery{State: webhook.Refused}))
	e.same("delivered below", []uint64{1}, at(store.DeliveryQuery{State: webhook.Delivered, Below: 4}))
	e.same("refused below", []uint64{2}, at(store.DeliveryQuery{State: webhook.Refused, Below: 5}))
	e.same("pending of one", []uint64{6, 3}, at(store.DeliveryQuery{Subscription: "crm", State: webhook.Pending}))
	e.same("below", []uint64{2, 1}, at(store.DeliveryQuery{Subscription: "erp", Below: 3}))
	id := e.events(store.EventQuery{})[2].ID
	e.same("event", []uint64{3, 3}, at(store.DeliveryQuery{Event: id}))
	e.same("event and subscription", []uint64{3}, at(store.DeliveryQuery{Event: id, Subscription: "erp"}))
	e.same("no such event", 0, len(at(store.DeliveryQuery{Event: "evt_none"})))
}

func rowsInPages(e *exam) {
	tenants := []string{"acme", "other", "third"}
	const each = 40
	for i := range each * len(tenants) {
		c := change{x: exchange(i), order: "7"}
		r := c.record()
		n := i / each
		if i%5 == 0 {
			n = i % len(tenants)
		}
		r.Entities[0].Tenant = tenants[n]
		_, err := e.recordOne(r)
		e.must(err)
	}
	for _, newest := range []bool{true, false} {
		var want []uint64
		for _, ev := range e.events(store.EventQuery{Resource: "order", ID: "7", Newest: newest}) {
			want = append(want, ev.Position)
		}
		e.same("all", each*len(tenants), len(want))
		for _, q := range []store.EventQuery{
			{Looking: &store.Looking{Left: 20}}, {Looking: &store.Looking{}}, {Looking: &store.Looking{Left: 1000}, Bytes: 5000}, {Looking: &store.Looking{Left: 30}, Bytes: 3000},
		} {
			var got []uint64
			q.Resource, q.ID, q.Newest, q.Max = "order", "7", newest, 1000
			left := q.Looking.Left
			for pages := 0; pages == 0 || q.Looking.Stopped; pages++ {
				q.Looking.Stopped, q.Looking.Left = false, left
				found, err := e.Events(bg, q)
				e.must(err)
				for _, ev := range found {
					got = append(got, ev.Position)
				}
				if len(found) == each*len(tenants) || pages > 1000 {
					e.Fatalf("a page of %d, after %d", len(found), pages)
				}
				q.After = q.Looking.At
			}
			e.same("in pages", want, got)
		}
	}
}

func deliveriesLooked(e *exam) {
	others := make([]webhook.SubscriptionID, 20)
	for i := range others {
		others[i] = webhook.SubscriptionID(fmt.Sprint("other", i))
	}
	const n = 40
	for i := range n {
		subs := others
		if i%10 == 0 {
			subs = append(subs[:len(subs):len(subs)], "crm")
		}
		e.record(change{x: exchange(i), order: fmt.Sprint(i), subs: subs})
	}
	for _, sub := range append(others, "crm") {
		for _, d := range e.claim(sub, 0, noon) {
			e.settle(d, webhook.Aborted, noon)
		}
	}
	for _, q := range []store.DeliveryQuery{
		{Subscription: "crm"}, {Subscription: "crm", Oldest: true}, {}, {State: webhook.Refused}, {State: webhook.Refused, Subscription: "crm"}, {State: webhook.Dead, Subscription: "crm"},
	} {
		q.Max = 10_000
		want, err := e.Deliveries(bg, q)
		e.must(err)
		var got []webhook.Delivery
		pages := 0
		for q.Looking = (&store.Looking{Stopped: true}); q.Looking.Stopped; pages++ {
			*q.Looking = store.Looking{Left: 3}
			ds, err := e.Deliveries(bg, q)
			e.must(err)
			got = append(got, ds...)
			if q.Oldest {
				q.From = q.Looking.At + 1
			} else {
				q.Below = q.Looking.At
			}
			if pages > 10*n {
				e.Fatal("it does not end")
			}
		}
		e.same("in pages", positions(want), positions(got))
		if few := q.State == webhook.Refused && q.Subscription != ""; few != (pages <= 2) && q.State != webhook.Dead {
			e.Errorf("%+v took %d pages", q, pages)
		}
	}
}
