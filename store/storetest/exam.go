// Package storetest is the exam of every store and every journal: one case for each
// promise of package store, kills and reopenings included.
//
// A case is a function of an exam (exam.go), which opens the backend, records changes and
// compares what is read. Cases stand in tables, each with the rule that a failing one
// prints; a file has those of one interface, and journal*.go those of the journal.
// model.go takes random steps, and compares the queue with one that is a list in memory.
package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Run is the exam of a [store.Store]. start begins a case: the open that it
// returns opens the store in the case's own place, again and again after Close.
// Cases call open without Close too, as a process does that is started after its
// predecessor was killed: open sees to it then that the abandoned store cannot
// disturb the new one (by copying its files, for one). It ends the stores when
// the test ends.
func Run(t *testing.T, start func(t *testing.T) (open func() store.Store)) {
	for _, group := range [][]storeCase{recordCases, batchCases, bodyCases, queueCases, settleCases, laneCases, chunkCases, readCases, restCases, keptCases, sightCases, replayCases, eraseCases, keepCases, modelCases, killedCases} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				defer func() {
					if t.Failed() {
						t.Log("the rule:", c.rule)
					}
				}()
				open := start(t)
				c.run(&exam{T: t, open: open, Store: open()})
			})
		}
	}
}

type storeCase struct {
	name string
	rule string
	run  func(*exam)
}

// exam is one case under way.
type exam struct {
	*testing.T
	store.Store
	open func() store.Store
}

// noon is when everything happens.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// far is after everything that a case leaves due.
var far = noon.AddDate(0, 6, 0)

var bg = context.Background()

func (e *exam) reopen() {
	e.Helper()
	e.must(e.Store.Close())
	e.Store = e.open()
}

func (e *exam) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *exam) same(what string, want, got any) {
	e.Helper()
	if reflect.DeepEqual(want, got) { // go-cmp is slow on bodies
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		e.Errorf("%s: want(-) got(+):\n%s", what, diff)
	}
}

// exchange returns an id that differs from those of other numbers.
func exchange(n int) webhook.ExchangeID {
	return webhook.NewExchangeID(noon.Add(time.Duration(n) * time.Millisecond))
}

func order(id string) webhook.EntityKey {
	return webhook.EntityKey{API: "shop", Resource: "order", ID: id}
}

// change is a record of one change of one order, for some subscriptions.
type change struct {
	x       webhook.ExchangeID
	segment uint64
	order   string
	body    string // "" makes one up from the sequence
	deleted bool
	subs    []webhook.SubscriptionID
	lane    string // "" for none
	due     time.Time
	ahead   time.Duration // of the clock when its deliveries were made
	rank    webhook.Priority
}

func (c change) record() store.Record {
	return store.Record{
		Exchange: c.x, Segment: c.segment,
		Entities: []webhook.EntityKey{order(c.order)}, Derive: c.derive,
	}
}

func (c change) derive(before []webhook.Snapshot) (store.Consequences, error) {
	was := before[0]
	body := json.RawMessage(c.body)
	if c.body == "" {
		body = json.RawMessage(fmt.Sprintf(`{"n":%d}`, was.Sequence+1))
	}
	if c.deleted {
		body = nil
	}
	next := webhook.Snapshot{
		Key: was.Key, Sequence: was.Sequence + 1, Body: body, Deleted: c.deleted,
		Seen: noon, Via: webhook.FromResponse, Exchange: c.x,
	}
	ev := webhook.Event{
		ID: webhook.NewEventID(c.x, was.Key, "order.changed", ""), Scope: "order.changed", Key: was.Key,
		Sequence: next.Sequence, Exchange: c.x, Time: noon, Operation: webhook.Updated,
		Before: was.Body, After: body,
	}
	out := store.Consequences{Snapshots: []webhook.Snapshot{next}, Events: []webhook.Event{ev}}
	for _, sub := range c.subs {
		out.Deliveries = append(out.Deliveries, c.delivery(ev.ID, sub))
	}
	return out, nil
}

func (c change) delivery(ev webhook.EventID, sub webhook.SubscriptionID) webhook.Delivery {
	due := c.due
	if due.IsZero() {
		due = noon
	}
	return webhook.Delivery{
		ID: webhook.NewDeliveryID(ev, sub, 0), Event: ev, Subscription: sub, Lane: c.lane, Priority: c.rank,
		State: webhook.Pending, Due: due, Created: noon.Add(c.ahead),
	}
}

// recordOne records r in a call of its own. The error is the call's or r's.
func (e *exam) recordOne(r store.Record) (store.Recorded, error) {
	got, err := e.Record(bg, []store.Record{r})
	if err != nil {
		return store.Recorded{}, err
	}
	return got[0], got[0].Err
}

// record records c and returns its first delivery, if it has one.
func (e *exam) record(c change) webhook.Delivery {
	e.Helper()
	if c.x.IsZero() {
		c.x = webhook.NewExchangeID(noon)
	}
	got, err := e.recordOne(c.record())
	e.must(err)
	if got.Duplicate {
		e.Fatal("a first record is a duplicate")
	}
	if len(got.Deliveries) == 0 {
		return webhook.Delivery{}
	}
	return got.Deliveries[0]
}

// claim returns the ids of what is given out.
func (e *exam) claim(sub webhook.SubscriptionID, through uint64, now time.Time) []webhook.Delivery {
	e.Helper()
	ds, _, err := e.Claim(bg, sub, through, now, 10_000)
	e.must(err)
	return ds
}

func positions(ds []webhook.Delivery) (out []uint64) {
	for _, d := range ds {
		out = append(out, d.Position)
	}
	return out
}

// delivery returns the delivery of an id as it is kept.
func (e *exam) delivery(id webhook.DeliveryID) webhook.Delivery {
	e.Helper()
	d, err := e.Delivery(bg, id)
	e.must(err)
	return *d
}

// deliver settles d as delivered at noon.
func (e *exam) deliver(d webhook.Delivery) {
	e.Helper()
	e.settle(d, webhook.Accepted, noon)
}

// settle settles d after an attempt with outcome, made at a time.
func (e *exam) settle(d webhook.Delivery, outcome webhook.Outcome, at time.Time) webhook.Delivery {
	e.Helper()
	a := webhook.Attempt{Delivery: d.ID, Number: d.Requests + 1, Started: at, Outcome: outcome, Status: 200}
	d = d.After(a, webhook.DefaultSchedule)
	e.must(e.Settle(bg, webhook.Settlement{Delivery: d, Attempt: &a}))
	return d
}

func (e *exam) events(q store.EventQuery) []webhook.Event {
	e.Helper()
	if q.Max == 0 {
		q.Max = 1 << 20
	}
	got, err := e.Events(bg, q)
	e.must(err)
	return got
}
