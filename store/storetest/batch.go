package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var batchCases = []storeCase{
	{"records of one call follow each other",
		"Derive sees what the records before it in the same call lead to, and positions grow in their order.",
		callInOrder},
	{"a record that fails does not sink its call",
		"Its Err says why, nothing of it is written, and those behind it do not see it.",
		failedInCall},
	{"a call may be larger than a transaction",
		"Size never stops a record, nor many of them.",
		largeCall},
	{"a call may be made again",
		"What of it was recorded is a duplicate, and the rest follows it.",
		callAgain},
	{"an exchange that is twice in a call is recorded once",
		"What is derived from the second is derived from the first.",
		twiceInCall},
	{"concurrent calls on the same entities make chains",
		"Whatever other callers commit between deriving and committing.",
		callsTogether},
}

// changes returns n changes of the orders, one after the other.
func changes(first, n int, orders ...string) (rs []store.Record) {
	for i := range n {
		c := change{x: exchange(first + i), order: orders[i%len(orders)], subs: subs("crm"), lane: orders[i%len(orders)]}
		rs = append(rs, c.record())
	}
	return rs
}

// call records rs, none of which fails.
func (e *exam) call(rs []store.Record) []store.Recorded {
	e.Helper()
	got, err := e.Record(bg, rs)
	e.must(err)
	e.same("results", len(rs), len(got))
	for i := range got {
		e.must(got[i].Err)
	}
	return got
}

// chain checks that the events of an order are n without holes.
func (e *exam) chain(id string, n int) {
	e.Helper()
	events := e.events(store.EventQuery{Resource: "order", ID: id})
	var before json.RawMessage
	for i, ev := range events {
		if ev.Sequence != uint64(i+1) || string(ev.Before) != string(before) {
			e.Fatalf("event %d of order %s: sequence %d, before %.40s after %.40s", i, id, ev.Sequence, ev.Before, before)
		}
		before = ev.After
	}
	snap, err := e.Snapshot(bg, order(id))
	e.must(err)
	if len(events) != n || snap.Sequence != uint64(n) || string(snap.Body) != string(before) {
		e.Fatalf("order %s has %d events and sequence %d, want %d", id, len(events), snap.Sequence, n)
	}
}

func callInOrder(e *exam) {
	last := uint64(0)
	for round := range 3 {
		for i, r := range e.call(changes(50*round, 50, "1", "2", "3")) {
			if p := r.Events[0].Position; p != last+1 || r.Deliveries[0].Position != p {
				e.Fatalf("record %d has position %d after %d", i, p, last)
			}
			last++
		}
	}
	for range 2 {
		for i, n := range []int{51, 51, 48} {
			e.chain(fmt.Sprint(i+1), n)
		}
		e.reopen()
	}
	e.same("none", 0, len(e.call(nil)))
}

func failedInCall(e *exam) {
	rs := changes(0, 9, "7")
	rs[2].Derive = func([]webhook.Snapshot) (store.Consequences, error) { return store.Consequences{}, errRule }
	rs[4].Derive = func([]webhook.Snapshot) (store.Consequences, error) { panic("a rule's") }
	plain := rs[6].Derive
	rs[6].Derive = func(before []webhook.Snapshot) (store.Consequences, error) { // found out by the committer
		out, err := plain(before)
		out.Deliveries[0].Event = "evt_none"
		return out, err
	}
	got, err := e.Record(bg, rs)
	e.must(err)
	failed := map[int]bool{2: true, 4: true, 6: true}
	for i := range got {
		if (got[i].Err != nil) != failed[i] || got[i].Duplicate || (len(got[i].Events) > 0) == failed[i] {
			e.Errorf("record %d: %+v", i, got[i])
		}
	}
	if !errors.Is(got[2].Err, errRule) {
		e.Error("the error is", got[2].Err)
	}
	e.chain("7", 6)
	e.reopen()
	marks, err := e.Recorded(bg, []webhook.ExchangeID{rs[1].Exchange, rs[2].Exchange, rs[4].Exchange, rs[6].Exchange})
	e.must(err)
	e.same("marks", map[webhook.ExchangeID]bool{rs[1].Exchange: true}, marks)
	e.chain("7", 6)
	e.same("deliveries", 1, len(e.claim("crm", 0, far))) // the lane's first
}

func largeCall(e *exam) {
	var rs []store.Record
	for i := range 40 {
		size := 700 << 10
		if i == 20 {
			size = 9 << 20 // fits no transaction
		}
		body := fmt.Sprintf(`{"n":%d,"v":"%s"}`, i, strings.Repeat("x", size))
		rs = append(rs, change{x: exchange(i), order: fmt.Sprint(i % 2), body: body, subs: subs("crm")}.record())
	}
	e.call(rs)
	for range 2 {
		e.chain("0", 20)
		e.chain("1", 20)
		for i, ev := range e.events(store.EventQuery{}) {
			e.same("in order", rs[i].Exchange, ev.Exchange)
		}
		e.same("deliveries", 40, len(e.claim("crm", 0, far)))
		e.reopen()
	}
}

func callAgain(e *exam) {
	rs := changes(0, 20, "1", "2")
	e.call(rs[:7])
	for i, r := range e.call(rs) {
		e.same(fmt.Sprint("duplicate ", i), i < 7, r.Duplicate)
	}
	for _, r := range e.call(rs) {
		e.same("duplicate", true, r.Duplicate)
	}
	e.chain("1", 10)
	e.chain("2", 10)
}

func twiceInCall(e *exam) {
	rs := changes(0, 3, "7")
	other := change{x: rs[0].Exchange, order: "7", body: `{"another":"answer"}`}.record()
	got := e.call([]store.Record{rs[0], other, rs[1], rs[2]})
	for i, want := range []bool{false, true, false, false} {
		e.same(fmt.Sprint("duplicate ", i), want, got[i].Duplicate)
	}
	e.chain("7", 3)
}

func callsTogether(e *exam) {
	const callers, each = 12, 25
	e.together(callers, func(i int) error {
		got, err := e.Record(bg, changes(i*each, each, "1", "2", "3", "4", "5"))
		for j := range got {
			err = errors.Join(err, got[j].Err)
		}
		return err
	})
	for i := range 5 {
		e.chain(fmt.Sprint(i+1), callers*each/5)
	}
}
