package storetest

import (
	"fmt"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var chunkCases = []storeCase{
	{"a chunk is one delivery",
		"It is given out once, whole, also after a restart, and found by each of its events.",
		chunkOnce},
	{"a chunk keeps its events",
		"Each stays as long as the chunk is owed, and its retention counts from when that was settled.",
		chunkKeeps},
	{"nothing is left of a forgotten chunk",
		"What leads to it from its events goes with them.",
		chunkGone},
	{"a chunk of many events",
		"However many there are, among those of other chunks.",
		chunkLarge},
}

// bulk records n changes of orders in one exchange, in chunks of size for subs.
func (e *exam) bulk(x webhook.ExchangeID, n, size int, subs ...webhook.SubscriptionID) store.Recorded {
	e.Helper()
	got, err := e.recordOne(store.Record{Exchange: x, Derive: func([]webhook.Snapshot) (out store.Consequences, err error) {
		var owing webhook.Owing
		for i := range n {
			key := order(fmt.Sprint(i))
			ev := webhook.Event{
				ID: webhook.NewEventID(x, key, "order.created", ""), Scope: "order.created", Key: key,
				Sequence: 1, Exchange: x, Time: noon, Operation: webhook.Created, After: []byte(`{}`),
			}
			out.Events = append(out.Events, ev)
			for _, sub := range subs {
				owing.Add(&ev, &webhook.Subscription{ID: sub, Chunk: webhook.Chunking{Size: size, Delay: time.Minute}}, false, noon)
			}
		}
		out.Deliveries = owing.Deliveries
		return out, nil
	}})
	e.must(err)
	return got
}

// carried returns the events that deliveries carry, by position.
func (e *exam) carried(ds []webhook.Delivery) (out []uint64) {
	e.Helper()
	for i := range ds {
		for _, id := range ds[i].Events() {
			ev, err := e.Event(bg, id)
			e.must(err)
			out = append(out, ev.Position)
		}
	}
	return out
}

func chunkOnce(e *exam) {
	got := e.bulk(exchange(1), 5, 2, "crm", "erp")
	e.reopen()
	e.same("due at once", []uint64{1, 2}, e.carried(e.claim("crm", 0, noon)))
	e.same("due later", []uint64{3, 4, 5}, e.carried(e.claim("crm", 0, noon.Add(2*time.Minute))))
	for _, ev := range got.Events {
		ds, err := e.Deliveries(bg, store.DeliveryQuery{Event: ev.ID})
		e.must(err)
		e.same("deliveries of an event", 2, len(ds))
		for i := range ds {
			e.same("it carries the event", true, ds[i].Carries(ev.ID))
		}
		ds, err = e.Deliveries(bg, store.DeliveryQuery{Event: ev.ID, Subscription: "erp"})
		e.must(err)
		e.same("those of one subscription", 1, len(ds))
	}
	ds, err := e.Deliveries(bg, store.DeliveryQuery{Subscription: "crm"})
	e.must(err)
	e.same("all", 3, len(ds))
	found, err := e.Delivery(bg, ds[1].ID)
	e.must(err)
	e.same("by its id", ds[1], *found)
}

func chunkKeeps(e *exam) {
	e.bulk(exchange(1), 3, 3, "crm")
	e.forgetAll()
	e.same("owed", 3, len(e.events(store.EventQuery{})))
	settled := time.Now().Add(2 * month)
	e.settle(e.claim("crm", 0, far)[0], webhook.Aborted, settled)
	e.maintain(settled.Add(month - 2*time.Hour))
	e.same("settled", 3, len(e.events(store.EventQuery{})))
	e.maintain(settled.Add(month + 2*time.Hour))
	e.same("old", 0, len(e.events(store.EventQuery{})))
}

func chunkGone(e *exam) {
	got := e.bulk(exchange(1), 4, 2, "crm")
	for _, d := range e.claim("crm", 0, far) {
		e.deliver(d)
	}
	e.forgetAll()
	for _, d := range got.Deliveries {
		_, err := e.Delivery(bg, d.ID)
		e.same("the delivery is gone", true, err != nil)
	}
	again := e.bulk(exchange(2), 4, 2, "crm") // at other positions
	ds, err := e.Deliveries(bg, store.DeliveryQuery{Event: again.Events[1].ID})
	e.must(err)
	e.same("only its own", 1, len(ds))
}

func chunkLarge(e *exam) {
	const n = 2500
	e.bulk(exchange(1), n, 1000, "crm", "erp")
	e.reopen()
	var want []uint64
	for i := range n {
		want = append(want, uint64(i+1))
	}
	for _, sub := range subs("crm", "erp") {
		ds := e.claim(sub, 0, far)
		e.same("chunks", 3, len(ds))
		e.same("events", want, e.carried(ds))
	}
}
