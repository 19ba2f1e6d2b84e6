package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var eraseCases = []storeCase{
	{"an erased entity leaves its sequence and nothing else",
		"Its events, their deliveries and attempts go; others' stay; the next change counts on.",
		erasedGoes},
	{"what is owed of an erased entity is owed no more",
		"In lanes or not, given out or not; what is behind it in its lane goes on.",
		erasedOwed},
	{"an erasure is of the tenants that it names",
		"By key or as an attribute, of the apis that it names too; an entity that is gone stays so.",
		erasedOfTenant},
	{"an entity is erased by any of its names",
		"The name that a snapshot is of goes with it.",
		erasedByName},
	{"of a chunk the events of others stay owed",
		"Whichever of its events is erased; when none is left, the chunk goes.",
		erasedOfChunk},
	{"an erasure takes copies out of others' events",
		"Of the tenants that it names; nothing else of these events changes, and what is owed of them is.",
		erasedCopies},
	{"that something was erased is known until the purge",
		"Across restarts; a purge changes nothing that can be read.",
		erasedPurged},
}

func (e *exam) erase(id string) store.Erased {
	e.Helper()
	out, err := e.Erase(bg, store.Erasure{Resource: "order", ID: id, Tenant: webhook.AnyTenant})
	e.must(err)
	return out
}

func erasedGoes(e *exam) {
	var first webhook.Delivery
	for i := range 60 {
		d := e.record(change{x: exchange(i), order: []string{"7", "8"}[i%2], subs: subs("crm")})
		if i == 0 {
			first = d
		}
	}
	for _, d := range e.claim("crm", 0, noon)[:30] {
		e.deliver(d)
	}
	e.same("erased", store.Erased{Entities: 1, Events: 30, Deliveries: 30, Owed: 15}, e.erase("7"))
	for range 2 {
		snap, err := e.Snapshot(bg, order("7"))
		e.must(err)
		e.same("the snapshot", webhook.Snapshot{Key: order("7"), Sequence: 30, Seen: noon}, snap)
		e.same("events", 0, len(e.events(store.EventQuery{Resource: "order", ID: "7"})))
		e.same("all events", 30, len(e.events(store.EventQuery{})))
		ds, err := e.Deliveries(bg, store.DeliveryQuery{Subscription: "crm"})
		e.must(err)
		e.same("deliveries", 30, len(ds))
		if _, err := e.Event(bg, first.Event); !errors.Is(err, store.ErrNotFound) {
			e.Errorf("its event: %v", err)
		}
		if all, err := e.Attempts(bg, first.ID); err != nil || len(all) > 0 {
			e.Errorf("attempts: %v, %v", all, err)
		}
		e.reopen()
	}
	e.record(change{x: exchange(90), order: "7"})
	snap, err := e.Snapshot(bg, order("7"))
	e.must(err)
	e.same("the sequence goes on", uint64(31), snap.Sequence)
	e.same("of what was never there", store.Erased{}, e.erase("none"))
	e.forgetAll()
}

func erasedOwed(e *exam) {
	for i := range 12 {
		lane := []string{"", "l", "m"}[i%3]
		e.record(change{x: exchange(i), order: []string{"7", "8"}[i%4/2], subs: subs("crm"), lane: lane})
	}
	given := e.claim("crm", 0, noon)
	e.settle(given[0], webhook.Failed, noon)
	left := 0
	for _, ev := range e.events(store.EventQuery{}) {
		if ev.Key.ID == "8" {
			left++
		}
	}
	out := e.erase("7")
	e.same("owed", out.Deliveries, out.Owed)
	backlogs, err := e.Backlogs(bg)
	e.must(err)
	e.same("pending", uint64(left), backlogs[0].Pending)
	for _, d := range given[1:] {
		a := webhook.Attempt{Delivery: d.ID, Number: 1, Started: noon, Outcome: webhook.Accepted}
		e.must(e.Settle(bg, webhook.Settlement{Delivery: d.After(a, nil), Attempt: &a}))
	}
	got := map[uint64]bool{}
	for range 20 {
		for _, d := range e.claim("crm", 0, far) {
			ev, err := e.Event(bg, d.Event)
			e.must(err)
			e.same("whose", "8", ev.Key.ID)
			got[d.Position] = true
			e.deliver(d)
		}
		e.reopen()
	}
	backlogs, err = e.Backlogs(bg)
	e.must(err)
	e.same("owed in the end", []webhook.Backlog(nil), backlogs)
}

func erasedOfTenant(e *exam) {
	for i, of := range []webhook.EntityKey{{API: "shop", Tenant: "acme"}, {API: "shop", Tenant: "other"}, {API: "elsewhere", Tenant: "acme"}} {
		tenant := of.Tenant
		key := webhook.EntityKey{API: of.API, Tenant: tenant, Resource: "order", ID: "7"}
		attr := webhook.EntityKey{API: of.API, Resource: "order", ID: "attr-" + tenant}
		for n, k := range []webhook.EntityKey{key, attr} {
			x := exchange(10*i + n)
			_, err := e.recordOne(store.Record{Exchange: x, Entities: []webhook.EntityKey{k}, Derive: func(before []webhook.Snapshot) (store.Consequences, error) {
				return store.Consequences{
					Snapshots: []webhook.Snapshot{{Key: k, Sequence: 1, Deleted: n == 0, Tenant: tenant, Seen: noon, ETag: "x"}},
					Events:    []webhook.Event{{ID: webhook.NewEventID(x, k, "order.changed", ""), Scope: "order.changed", Key: k, Exchange: x, Tenant: tenant}},
				}, nil
			}})
			e.must(err)
		}
	}
	of := store.Erasure{Resource: "order", ID: "7", Tenant: "acme", APIs: []string{"crm", "shop"}}
	for _, id := range []string{"7", "attr-acme", "attr-other"} {
		of.ID = id
		out, err := e.Erase(bg, of)
		e.must(err)
		want := store.Erased{Entities: 1, Events: 1}
		if id == "attr-other" {
			want = store.Erased{}
		}
		e.same(id, want, out)
	}
	e.same("others stay", 4, len(e.events(store.EventQuery{})))
	snap, err := e.Snapshot(bg, webhook.EntityKey{API: "shop", Tenant: "acme", Resource: "order", ID: "7"})
	e.must(err)
	if !snap.Deleted || snap.ETag != "" {
		e.Errorf("what is left of the tombstone is %+v", snap)
	}
	for _, id := range []string{"7", "attr-other"} {
		out, err := e.Erase(bg, store.Erasure{Resource: "order", ID: id, Tenant: webhook.AnyTenant, APIs: []string{"shop"}})
		e.must(err)
		e.same("of any tenant", store.Erased{Entities: 1, Events: 1}, out)
	}
	e.same("those of another api stay", 2, len(e.events(store.EventQuery{})))
	e.maintain(noon.Add(4 * month))
	snap, err = e.Snapshot(bg, snap.Key)
	e.must(err)
	e.same("after its time", uint64(0), snap.Sequence)
}

func erasedByName(e *exam) {
	_, err := e.recordOne(store.Record{Exchange: exchange(1), Derive: func([]webhook.Snapshot) (store.Consequences, error) {
		return store.Consequences{Snapshots: []webhook.Snapshot{
			{Key: order("42"), Sequence: 3, Body: []byte(`{"name":"about"}`), Name: "about", Seen: noon}, {Key: order("about"), Alias: "42", Seen: noon},
		}}, nil
	}})
	e.must(err)
	e.record(change{x: exchange(2), order: "42"})
	e.same("by its name", store.Erased{Entities: 2, Events: 1}, e.erase("about"))
	snap, err := e.Snapshot(bg, order("42"))
	e.must(err)
	e.same("what is left", webhook.Snapshot{Key: order("42"), Sequence: 4, Seen: noon}, snap)
}

func erasedCopies(e *exam) {
	const copied = `{"id":"17","name":"Jane"}`
	var all []webhook.Event
	for i, tenant := range []string{"acme", "other", "acme"} {
		x, k := exchange(i), order(fmt.Sprint(i))
		ev := webhook.Event{
			ID: webhook.NewEventID(x, k, "order.placed", ""), Scope: "order.placed", Key: k, Exchange: x, Tenant: tenant, Time: noon,
			Before: []byte(`{"total":1}`), After: []byte(`{"total":2}`), Item: []byte(copied), Attrs: []byte(`{"who":[` + copied + `],"n":17}`),
			Related: []webhook.Related{
				{Name: "buyer", Value: []byte(copied), Resource: "person", ID: "17"},
				{Name: "seller", Value: []byte(`{"id":"18","name":"Joe"}`), Resource: "person", ID: "18"},
				{Name: "also", Value: []byte(copied)}, {Name: "number", Value: []byte("17")},
			},
		}
		_, err := e.recordOne(store.Record{Exchange: x, Entities: []webhook.EntityKey{k}, Derive: func([]webhook.Snapshot) (store.Consequences, error) {
			return store.Consequences{
				Snapshots:  []webhook.Snapshot{{Key: k, Sequence: 1, Body: ev.After, Tenant: tenant, Seen: noon}},
				Events:     []webhook.Event{ev},
				Deliveries: []webhook.Delivery{{ID: webhook.NewDeliveryID(ev.ID, "crm", 0), Event: ev.ID, Subscription: "crm", State: webhook.Pending, Due: noon, Created: noon}},
			}, nil
		}})
		e.must(err)
		kept, err := e.Event(bg, ev.ID)
		e.must(err)
		all = append(all, *kept)
	}
	erase := func(id string, want store.Erased) {
		out, err := e.Erase(bg, store.Erasure{Resource: "person", ID: id, Tenant: "acme", APIs: []string{"shop"}})
		e.must(err)
		e.same("erased", want, out)
	}
	erase("17", store.Erased{Copies: 2})
	e.reopen()
	erase("17", store.Erased{})
	for i := range all {
		want := all[i]
		if want.Tenant == "acme" {
			null := json.RawMessage("null")
			want.Item, want.Attrs = null, json.RawMessage(`{"who":[null],"n":17}`)
			want.Related = slices.Clone(want.Related)
			want.Related[0].Value, want.Related[0].ID, want.Related[2].Value = null, "", null
		}
		got, err := e.Event(bg, want.ID)
		e.must(err)
		e.same("the event", want, *got)
	}
	e.same("given out", 3, len(e.claim("crm", 0, noon)))
	e.reopen()
	erase("18", store.Erased{Copies: 2})
	e.forgetAll()
}

func erasedPurged(e *exam) {
	for i := range 5 {
		e.record(change{x: exchange(i), order: fmt.Sprint(i), subs: subs("crm")})
	}
	e.same("before", false, e.Unpurged())
	e.erase("3")
	e.reopen()
	e.same("known", true, e.Unpurged())
	e.must(e.Purge(bg))
	e.same("purged", false, e.Unpurged())
	e.reopen()
	e.same("and stays so", false, e.Unpurged())
	e.same("events", 4, len(e.events(store.EventQuery{})))
	e.record(change{x: exchange(9), order: "9", subs: subs("crm")})
	e.same("owed", 5, len(e.claim("crm", 0, noon.Add(time.Hour))))
}

func erasedOfChunk(e *exam) {
	e.bulk(exchange(1), 3, 3, "crm")
	for i, id := range []string{"0", "2"} {
		e.same("owed is the chunk", 0, e.erase(id).Deliveries)
		e.reopen()
		ds := e.claim("crm", 0, far)
		e.same("given out", 1, len(ds))
		left := 0
		for _, id := range ds[0].Events() {
			if _, err := e.Event(bg, id); err == nil {
				left++
			}
		}
		e.same("events that it carries", 2-i, left)
		e.Unclaim(ds[0].ID)
	}
	e.erase("1")
	e.reopen()
	e.same("nothing is owed", 0, len(e.claim("crm", 0, far)))
	backlogs, err := e.Backlogs(bg)
	e.must(err)
	e.same("pending", []webhook.Backlog(nil), backlogs)
	all, err := e.Deliveries(bg, store.DeliveryQuery{})
	e.must(err)
	e.same("nothing is left", []webhook.Delivery(nil), all)
}
