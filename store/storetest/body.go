package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var bodyCases = []storeCase{
	{"a body of 5 MiB is recorded",
		"Size never stops a record.",
		bigBody},
	{"an exchange of 3,000 entities is recorded",
		"Size never stops a record; nothing of it is seen before all of it is.",
		manyEntities},
	{"an event with 2,500 deliveries is recorded",
		"What does not fit one transaction follows, also after a restart.",
		manyDeliveries},
	{"two events with 1,100 deliveries each are recorded together",
		"The rest of each is queued, after a restart too, and says when it was made and is due.",
		manyDeliveriesEach},
	{"deliveries that follow later keep their place",
		"While an event's deliveries are still being queued, no younger one of a lane overtakes them.",
		lateInPlace},
	{"a body that stays is kept",
		"A snapshot that is seen again unchanged keeps its body, whatever happens to the events.",
		sameBody},
	{"events keep their own bodies",
		"A before that is not the snapshot's, as after a fetch, comes back as it was.",
		ownBodies},
}

func bigBody(e *exam) {
	big := func(c string) string { return `{"v":"` + strings.Repeat(c, 5<<20) + `"}` }
	e.record(change{x: exchange(1), order: "7", body: big("a")})
	d := e.record(change{x: exchange(2), order: "7", body: big("b"), subs: []webhook.SubscriptionID{"crm"}})
	e.reopen()
	ev, err := e.Event(bg, d.Event)
	e.must(err)
	if string(ev.Before) != big("a") || string(ev.After) != big("b") {
		e.Errorf("bodies of %d and %d bytes came back", len(ev.Before), len(ev.After))
	}
	snap, err := e.Snapshot(bg, order("7"))
	e.must(err)
	if string(snap.Body) != big("b") {
		e.Errorf("a body of %d bytes came back", len(snap.Body))
	}
	if n := len(e.claim("crm", 0, noon)); n != 1 {
		e.Error("deliveries:", n)
	}
}

func manyEntities(e *exam) {
	const n = 3000
	r := store.Record{Exchange: exchange(1)}
	for i := range n {
		r.Entities = append(r.Entities, order(fmt.Sprint(i)))
	}
	r.Derive = func(before []webhook.Snapshot) (out store.Consequences, err error) {
		for i := range before {
			one, _ := change{x: r.Exchange, order: fmt.Sprint(i), subs: []webhook.SubscriptionID{"crm"}, lane: fmt.Sprint(i)}.derive(before[i : i+1])
			out.Snapshots = append(out.Snapshots, one.Snapshots...)
			out.Events = append(out.Events, one.Events...)
			out.Deliveries = append(out.Deliveries, one.Deliveries...)
		}
		return out, nil
	}
	_, err := e.recordOne(r)
	e.must(err)
	e.same("given out at once", n, len(e.claim("crm", 0, noon)))
	e.reopen()
	e.same("events", n, len(e.events(store.EventQuery{Exchange: r.Exchange})))
	e.same("given out again", n, len(e.claim("crm", 0, noon)))
	snap, err := e.Snapshot(bg, order("2999"))
	e.must(err)
	e.same("last snapshot", `{"n":1}`, string(snap.Body))
}

func manyDeliveries(e *exam) {
	var subs []webhook.SubscriptionID
	for i := range 2500 {
		subs = append(subs, webhook.SubscriptionID(fmt.Sprint("s", i)))
	}
	first := e.record(change{x: exchange(1), order: "7", subs: subs, lane: "l"})
	e.record(change{x: exchange(2), order: "7", subs: subs[2490:], lane: "l"})
	e.reopen()
	e.eventually("all deliveries are queued", func() bool {
		st, err := e.Stats(bg)
		e.must(err)
		return st.Pending == 2510
	})
	for _, sub := range subs {
		if got := positions(e.claim(sub, 0, far)); len(got) != 1 || got[0] != first.Position {
			e.Fatalf("%s got positions %v instead of %d", sub, got, first.Position)
		}
	}
	ds, err := e.Deliveries(bg, store.DeliveryQuery{Event: first.Event, Max: 5000})
	e.must(err)
	e.same("deliveries of the event", 2500, len(ds))
}

func manyDeliveriesEach(e *exam) {
	var many []webhook.SubscriptionID
	for i := range 1100 {
		many = append(many, webhook.SubscriptionID(fmt.Sprint("s", i)))
	}
	r := store.Record{Exchange: exchange(1), Entities: []webhook.EntityKey{order("7"), order("8")}}
	r.Derive = func(before []webhook.Snapshot) (out store.Consequences, err error) {
		for i := range before {
			one, _ := change{x: r.Exchange, subs: many}.derive(before[i : i+1])
			out.Snapshots, out.Events = append(out.Snapshots, one.Snapshots...), append(out.Events, one.Events...)
			for _, d := range one.Deliveries {
				d.State, d.Created, d.Due = "", time.Time{}, time.Time{} // as the store makes them
				out.Deliveries = append(out.Deliveries, d)
			}
		}
		return out, nil
	}
	begin := time.Now()
	_, err := e.recordOne(r)
	e.must(err)
	e.reopen()
	e.eventually("all deliveries are queued", func() bool {
		st, err := e.Stats(bg)
		e.must(err)
		return st.Pending == 2200
	})
	for _, sub := range []webhook.SubscriptionID{many[0], many[1099]} {
		got := e.claim(sub, 0, time.Now())
		e.same("of both", []uint64{1, 2}, sorted(got))
		for _, d := range got {
			if d.State != webhook.Pending || !d.Due.Equal(d.Created) || d.Created.Before(begin.Truncate(time.Millisecond)) || d.Created.After(time.Now()) {
				e.Errorf("%s is %s, of %s, due %s", sub, d.State, d.Created, d.Due)
			}
		}
	}
}

func lateInPlace(e *exam) {
	var all []webhook.SubscriptionID
	for i := range 3000 {
		all = append(all, webhook.SubscriptionID(fmt.Sprint("s", i)))
	}
	last := all[len(all)-1]
	first := e.record(change{x: exchange(1), order: "7", subs: all, lane: "l"})
	e.record(change{x: exchange(2), order: "7", subs: subs(last), lane: "l"})
	var got []webhook.Delivery
	e.eventually("the last subscription gets something", func() bool {
		got = e.claim(last, 0, far)
		return len(got) > 0
	})
	e.same("the older one", []uint64{first.Position}, positions(got))
	e.deliver(got[0])
	e.eventually("the last subscription gets more", func() bool { // once the queuing is done
		got = e.claim(last, 0, far)
		return len(got) > 0
	})
	e.same("then the younger one", []uint64{first.Position + 1}, positions(got))
}

func sameBody(e *exam) {
	c := change{x: exchange(1), order: "7", body: `{"v":1}`}
	e.record(c)
	c.x = exchange(2)
	e.record(c)
	e.forgetAll()
	e.reopen()
	snap, err := e.Snapshot(bg, order("7"))
	e.must(err)
	e.same("body", `{"v":1}`, string(snap.Body))
	c.x, c.body = exchange(3), `{"v":2}`
	e.record(c)
	ev := e.events(store.EventQuery{})
	if len(ev) != 1 || string(ev[0].Before) != `{"v":1}` {
		e.Errorf("events %+v", ev)
	}
}

func ownBodies(e *exam) {
	e.record(change{x: exchange(1), order: "7", body: `{"v":1}`})
	c := change{x: exchange(2), order: "7", body: `{"v":3}`}
	r := c.record()
	big := json.RawMessage(`"` + strings.Repeat("i", 700<<10) + `"`)
	r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
		out, err := c.derive(before)
		out.Events[0].Before, out.Events[0].Item = json.RawMessage(`{"v":2}`), big
		return out, err
	}
	got, err := e.recordOne(r)
	e.must(err)
	e.reopen()
	ev, err := e.Event(bg, got.Events[0].ID)
	e.must(err)
	e.same("event", got.Events[0], *ev)
}
