package badger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// lives is some entities whose events are forgotten in any order.
type lives struct {
	*testing.T
	s      *badger.Store
	random *rand.Rand
	there  map[webhook.EventID]webhook.Event
	bodies map[webhook.EntityKey]json.RawMessage
	owed   map[webhook.EventID]webhook.Delivery
	now    time.Time
	n      int
}

// Whatever is forgotten, what stays is whole and found every way, and of what is
// forgotten nothing is left.
func TestEventsAreForgottenInAnyOrder(t *testing.T) {
	for seed := range uint64(8) {
		l := &lives{
			T: t, s: open(t, t.TempDir()), random: rand.New(rand.NewPCG(seed, 1)), now: time.Now(),
			there: map[webhook.EventID]webhook.Event{}, bodies: map[webhook.EntityKey]json.RawMessage{}, owed: map[webhook.EventID]webhook.Delivery{},
		}
		for range 25 {
			for range l.random.IntN(12) {
				l.record()
			}
			if l.random.IntN(3) > 0 {
				l.settle(0.4)
				l.maintain()
			}
			l.check()
			if t.Failed() {
				t.Fatal("seed", seed)
			}
		}
		l.settle(1)
		l.maintain()
		l.check()
		l.nothingElse()
	}
}

// record records up to three changes at once.
func (l *lives) record() {
	l.Helper()
	rs := make([]store.Record, 1+l.random.IntN(3))
	for i := range rs {
		rs[i] = l.next()
	}
	all, err := l.s.Record(context.Background(), rs)
	if err != nil {
		l.Fatal(err)
	}
	for _, got := range all {
		if got.Err != nil {
			l.Fatal(got.Err)
		}
		for _, e := range got.Events {
			l.there[e.ID] = e
		}
		for _, d := range got.Deliveries {
			l.owed[d.Event] = d
		}
		for _, s := range got.Snapshots {
			l.bodies[s.Key] = s.Body
		}
	}
}

// next is a change of one entity with up to three events, or an event on an
// entity of which nothing is known.
func (l *lives) next() store.Record {
	l.n++
	x := webhook.NewExchangeID(start)
	key := webhook.EntityKey{API: "shop", Tenant: fmt.Sprint("t", l.random.IntN(2)), Resource: "order", ID: fmt.Sprint(l.random.IntN(2))}
	r := store.Record{Exchange: x, Segment: 1, Entities: []webhook.EntityKey{key}}
	r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) { return l.change(x, before[0]), nil }
	if l.random.IntN(10) == 0 {
		key.API = "other"
		r.Derive = func([]webhook.Snapshot) (store.Consequences, error) {
			return store.Consequences{Events: []webhook.Event{l.event(x, key, "order.gap", nil, nil)}}, nil
		}
	}
	return r
}

func (l *lives) change(x webhook.ExchangeID, was webhook.Snapshot) store.Consequences {
	body := json.RawMessage(fmt.Sprintf(`{"n":%d,"v":%q}`, l.n, strings.Repeat("v", l.random.IntN(100))))
	switch l.random.IntN(24) {
	case 0, 1, 2, 3, 4, 5:
		body = was.Body
	case 6, 7, 8:
		body = nil
	case 9:
		body = json.RawMessage(`"` + strings.Repeat("l", 600<<10) + `"`)
	}
	next := webhook.Snapshot{Key: was.Key, Sequence: was.Sequence + 1, Body: body, Deleted: body == nil, Seen: start, Exchange: x}
	c := store.Consequences{Snapshots: []webhook.Snapshot{next}}
	before := was.Body
	if l.random.IntN(6) == 0 {
		before = json.RawMessage(`"fetched"`)
	}
	scopes := []string{"order.updated", "order.paid", "order.shipped"}
	for _, scope := range scopes[:l.random.IntN(4)] {
		e := l.event(x, was.Key, scope, before, body)
		c.Events = append(c.Events, e)
		if l.random.IntN(2) == 0 {
			c.Deliveries = append(c.Deliveries, webhook.Delivery{
				ID: webhook.NewDeliveryID(e.ID, "crm", 0), Event: e.ID, Subscription: "crm", State: webhook.Pending, Due: start, Created: start,
			})
		}
	}
	return c
}

func (l *lives) event(x webhook.ExchangeID, key webhook.EntityKey, scope string, before, after json.RawMessage) webhook.Event {
	return webhook.Event{
		ID: webhook.NewEventID(x, key, scope, ""), Scope: scope, Key: key, Exchange: x, Time: start,
		Operation: webhook.Updated, Before: before, After: after,
	}
}

// settle cancels a share of what is owed.
func (l *lives) settle(share float64) {
	l.Helper()
	for id, d := range l.owed {
		if l.random.Float64() >= share {
			continue
		}
		if err := l.s.Settle(context.Background(), webhook.Settlement{Delivery: d.Cancel("", start)}); err != nil {
			l.Fatal(err)
		}
		delete(l.owed, id)
	}
}

// maintain forgets all events that are not owed.
func (l *lives) maintain() {
	l.Helper()
	l.now = l.now.AddDate(0, 3, 0)
	keep := store.Keep{Now: l.now, Retention: time.Hour, Tombstone: time.Hour}
	if l.random.IntN(2) == 0 {
		keep.Tombstone = 0
	}
	if _, err := l.s.Maintain(context.Background(), keep); err != nil {
		l.Fatal(err)
	}
	for id := range l.there {
		if _, ok := l.owed[id]; !ok {
			delete(l.there, id)
		}
	}
}

func (l *lives) check() {
	l.Helper()
	want := []webhook.Event{}
	for _, e := range l.there {
		want = append(want, e)
	}
	slices.SortFunc(want, func(a, b webhook.Event) int { return int(a.Position) - int(b.Position) })
	l.same("all", want, store.EventQuery{})
	for id := range 2 {
		of := slices.DeleteFunc(slices.Clone(want), func(e webhook.Event) bool { return e.Key.ID != fmt.Sprint(id) })
		q := store.EventQuery{Resource: "order", ID: fmt.Sprint(id)}
		l.same("of one", of, q)
		half := len(of) / 2
		if half == 0 {
			continue
		}
		q.Max = half
		l.same("the oldest", of[:half], q)
		q.After = of[half].Position
		l.same("the oldest after", of[half+1:min(len(of), 2*half+1)], q)
		q.Newest = true
		below := slices.Clone(of[:half])
		slices.Reverse(below)
		l.same("the newest below", below, q)
		paid := slices.DeleteFunc(slices.Clone(of), func(e webhook.Event) bool { return e.Scope != "order.paid" })
		l.same("of one scope", paid[:min(len(paid), 2)], store.EventQuery{Resource: "order", ID: fmt.Sprint(id), Scopes: []webhook.Pattern{"order.paid"}, Max: 2})
	}
	for _, e := range want {
		l.same("of its exchange", []webhook.Event{e}, store.EventQuery{Exchange: e.Exchange, Scopes: []webhook.Pattern{webhook.Pattern(e.Scope)}})
	}
	for key, body := range l.bodies {
		snap, err := l.s.Snapshot(context.Background(), key)
		if err != nil || snap.Body != nil && string(snap.Body) != string(body) {
			l.Errorf("the body of %v is %.80s instead of %.80s, %v", key, snap.Body, body, err)
		}
	}
}

func (l *lives) same(what string, want []webhook.Event, q store.EventQuery) {
	l.Helper()
	if q.Max == 0 {
		q.Max = 1 << 20
	}
	got, err := l.s.Events(context.Background(), q)
	if err != nil {
		l.Fatal(err)
	}
	if len(want)+len(got) == 0 || reflect.DeepEqual(want, got) { // go-cmp is slow on bodies
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		l.Fatalf("%s: want(-) got(+):\n%.3000s", what, diff)
	}
}

// nothingElse checks that a store without events has only snapshots.
func (l *lives) nothingElse() {
	l.Helper()
	if _, err := l.s.Maintain(context.Background(), store.Keep{Now: l.now, Tombstone: time.Hour}); err != nil {
		l.Fatal(err)
	}
	if err := l.s.DropMarks(context.Background(), 1); err != nil {
		l.Fatal(err)
	}
	tables, err := badger.Keys(l.s)
	if err != nil {
		l.Fatal(err)
	}
	delete(tables, "s")
	delete(tables, "p")
	if diff := cmp.Diff(map[string]int{"m": 1, "G": 1, "k": 1, "Z": 1}, tables); diff != "" {
		l.Error("want(-) got(+):\n", diff)
	}
}

// The list of an exchange with many events is in parts, and goes with them.
func TestAnExchangeOfManyEvents(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	x := webhook.NewExchangeID(start)
	got, err := record(s, store.Record{Exchange: x, Segment: 1, Derive: func([]webhook.Snapshot) (c store.Consequences, err error) {
		l := &lives{T: t}
		for i := range 700 {
			key := webhook.EntityKey{API: "shop", Resource: "order", ID: fmt.Sprint(i)}
			c.Events = append(c.Events, l.event(x, key, "order.updated", nil, json.RawMessage("{}")))
		}
		c.Deliveries = []webhook.Delivery{{
			ID: webhook.NewDeliveryID(c.Events[400].ID, "crm", 0), Event: c.Events[400].ID, Subscription: "crm", State: webhook.Pending, Due: start,
		}}
		return c, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, dir)
	l := &lives{T: t, s: s}
	l.same("of the exchange", got.Events, store.EventQuery{Exchange: x})
	for i := range got.Events {
		if e, err := s.Event(context.Background(), got.Events[i].ID); err != nil || e.Position != got.Events[i].Position {
			t.Fatal(i, e, err)
		}
	}
	maintain(t, s, 60*24*time.Hour)
	l.same("what is owed", got.Events[400:401], store.EventQuery{Exchange: x})
	if e, err := s.Event(context.Background(), got.Events[400].ID); err != nil || e.Position != got.Events[400].Position {
		t.Error("what is owed:", e, err)
	}
	settleAll(t, s)
	maintain(t, s, 400*24*time.Hour)
	l.now = time.Now()
	l.nothingElse()
}

// An event whose id is not of its exchange could not be found again.
func TestAForeignEventIDIsRefused(t *testing.T) {
	s := open(t, t.TempDir())
	for _, id := range []webhook.EventID{"evt_1", webhook.NewEventID(webhook.NewExchangeID(start), webhook.EntityKey{}, "a", "")} {
		r := altered(small(1, 1), func(c *store.Consequences) { c.Events[0].ID, c.Deliveries = id, nil })
		if _, err := record(s, r); err == nil {
			t.Error(id, "was recorded")
		}
	}
	if _, err := record(s, small(2, 1)); err != nil {
		t.Error("after it:", err)
	}
}
