package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var recordCases = []storeCase{
	{"what is recorded can be read",
		"Record commits snapshots, events and deliveries together, and returns them with their positions.",
		recordedComesBack},
	{"an exchange is recorded once",
		"If the mark is there nothing happens, also after a restart.",
		onceEver},
	{"concurrent records of one exchange record it once",
		"However many try, one is not a duplicate.",
		onceAmongMany},
	{"an error of Derive leaves nothing",
		"An error of Derive is returned as it is, and nothing is written.",
		failedDerive},
	{"one that fails does not sink its group",
		"Records that are committed together do not share a fate.",
		failedMember},
	{"a panic of Derive harms nobody else",
		"What a rule does is not the store's end.",
		panickedMember},
	{"concurrent records of one entity make one chain",
		"Derive sees the snapshot that it replaces: sequences have no holes, and each before is the after in front of it.",
		oneChain},
	{"positions grow in commit order",
		"No position is used twice, also not after a restart.",
		positionsOfEvents},
	{"marks go with their segment",
		"DropMarks forgets one segment's marks and no other's.",
		marksDropped},
	{"marks of lower segments go",
		"DropMarksBelow forgets the marks below a segment, and those of segment 0 never.",
		lowerMarksDropped},
	{"an alias leads to its entity",
		"Derive is given the snapshot of the entity that an alias leads to, whose key tells; no alias leads to another.",
		aliasLeads},
	{"what is owed of an earlier event is owed once",
		"A record may owe it to others; what somebody is owed already stays as it is.",
		owedLater},
	{"an exchange without consequences is recorded",
		"Nothing changed is a result too.",
		nothingChanged},
}

func owedLater(e *exam) {
	d := e.record(change{x: exchange(1), order: "7", subs: subs("crm")})
	e.deliver(e.claim("crm", 0, noon)[0])
	for n := range 2 {
		_, err := e.recordOne(store.Record{Exchange: exchange(n + 2), Derive: func([]webhook.Snapshot) (store.Consequences, error) {
			return store.Consequences{Deliveries: []webhook.Delivery{change{}.delivery(d.Event, "crm"), change{}.delivery(d.Event, "erp")}}, nil
		}})
		e.must(err)
		e.same("owed to others", []uint64{1}, positions(e.claim("erp", 0, far)))
		e.same("owed anew", 0, len(e.claim("crm", 0, far)))
		e.same("as it was", webhook.Delivered, e.delivery(d.ID).State)
		e.same("how many", []uint64{0, 1}, []uint64{e.Pending("crm"), e.Pending("erp")})
		e.reopen()
	}
}

func aliasLeads(e *exam) {
	entity := webhook.Snapshot{Key: order("a"), Sequence: 4, Body: []byte(`{"slug":"b"}`), Name: "b", Alias: "c", Exchange: exchange(1)}
	alias := webhook.Snapshot{Key: order("b"), Alias: "a", Exchange: exchange(1)}
	_, err := e.recordOne(store.Record{Exchange: exchange(1), Entities: []webhook.EntityKey{order("a"), order("b")},
		Derive: func([]webhook.Snapshot) (store.Consequences, error) {
			return store.Consequences{Snapshots: []webhook.Snapshot{entity, alias}}, nil
		}})
	e.must(err)
	for n := range 2 {
		got, err := e.Snapshot(bg, order("b"))
		e.must(err)
		e.same("where b leads", entity, got)
		_, err = e.recordOne(store.Record{Exchange: exchange(n + 2), Entities: []webhook.EntityKey{order("b"), order("a"), order("d")},
			Derive: func(before []webhook.Snapshot) (store.Consequences, error) {
				e.same("what Derive is given", []webhook.Snapshot{entity, {Key: order("c")}, {Key: order("d")}}, before)
				return store.Consequences{}, nil
			}})
		e.must(err)
		e.reopen()
	}
}

func recordedComesBack(e *exam) {
	c := change{x: exchange(1), order: "7", subs: []webhook.SubscriptionID{"crm"}, lane: "l"}
	got, err := e.recordOne(c.record())
	e.must(err)
	for _, when := range []string{"at once", "after a restart"} {
		snap, err := e.Snapshot(bg, order("7"))
		e.must(err)
		e.same("snapshot "+when, got.Snapshots[0], snap)
		ev, err := e.Event(bg, got.Events[0].ID)
		e.must(err)
		e.same("event "+when, got.Events[0], *ev)
		d, err := e.Delivery(bg, got.Deliveries[0].ID)
		e.must(err)
		e.same("delivery "+when, got.Deliveries[0], *d)
		e.reopen()
	}
	if p := got.Deliveries[0].Position; p != got.Events[0].Position || p == 0 {
		e.Error("the delivery has position", p)
	}
	if got.Events[0].Recorded.IsZero() {
		e.Error("the event does not say when it was recorded")
	}
	never, err := e.Snapshot(bg, order("8"))
	e.must(err)
	e.same("never seen", webhook.Snapshot{Key: order("8")}, never)
	if _, err := e.Event(bg, "evt_none"); !errors.Is(err, store.ErrNotFound) {
		e.Error("an event that is not there:", err)
	}
	if _, err := e.Delivery(bg, "dlv_none"); !errors.Is(err, store.ErrNotFound) {
		e.Error("a delivery that is not there:", err)
	}
}

func onceEver(e *exam) {
	c := change{x: exchange(1), order: "7", subs: []webhook.SubscriptionID{"crm"}}
	e.record(c)
	for range 2 {
		again, err := e.recordOne(c.record())
		e.must(err)
		if !again.Duplicate {
			e.Error("the second record is no duplicate")
		}
		e.reopen()
	}
	marks, err := e.Recorded(bg, []webhook.ExchangeID{c.x, exchange(2)})
	e.must(err)
	e.same("marks", map[webhook.ExchangeID]bool{c.x: true}, marks)
	if n := len(e.events(store.EventQuery{})); n != 1 {
		e.Error("events:", n)
	}
}

func onceAmongMany(e *exam) {
	c := change{x: exchange(1), order: "7"}
	first := 0
	var mu sync.Mutex
	e.together(20, func(int) error {
		got, err := e.recordOne(c.record())
		mu.Lock()
		defer mu.Unlock()
		if !got.Duplicate {
			first++
		}
		return err
	})
	if n := len(e.events(store.EventQuery{})); first != 1 || n != 1 {
		e.Errorf("%d were not duplicates, %d events", first, n)
	}
}

// together calls f n times at once and fails on the first error.
func (e *exam) together(n int, f func(i int) error) {
	e.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	e.must(errors.Join(errs...))
}

var errRule = errors.New("a rule failed")

func oneChain(e *exam) {
	const n = 200
	e.together(n, func(i int) error {
		_, err := e.recordOne(change{x: exchange(i), order: "7"}.record())
		return err
	})
	e.reopen()
	var before, last = "", uint64(0)
	for i, ev := range e.events(store.EventQuery{Resource: "order", ID: "7"}) {
		if ev.Sequence != uint64(i+1) || ev.Position <= last || string(ev.Before) != before {
			e.Fatalf("event %d: sequence %d, position %d after %d, before %s after %s", i, ev.Sequence, ev.Position, last, ev.Before, before)
		}
		before, last = string(ev.After), ev.Position
	}
	if snap, err := e.Snapshot(bg, order("7")); err != nil || snap.Sequence != n || string(snap.Body) != before {
		e.Errorf("snapshot %+v, %v", snap, err)
	}
}

func positionsOfEvents(e *exam) {
	var last uint64
	for i := range 30 {
		d := e.record(change{x: exchange(i), order: fmt.Sprint(i % 3), subs: []webhook.SubscriptionID{"crm"}})
		if d.Position <= last {
			e.Fatalf("position %d after %d", d.Position, last)
		}
		last = d.Position
		if i%10 == 9 {
			e.reopen()
		}
	}
	st, err := e.Stats(bg)
	e.must(err)
	e.same("newest position", last, st.Position)
}

func marksDropped(e *exam) {
	var ids []webhook.ExchangeID
	want := map[webhook.ExchangeID]bool{}
	for i := range 18 { // most are dropped, and the others' place in memory is another then
		c := change{x: exchange(i), order: "7", segment: 1}
		if i%6 == 0 {
			c.segment, want[c.x] = 0, true
		}
		ids = append(ids, c.x)
		e.record(c)
	}
	e.must(e.DropMarks(bg, 1))
	e.must(e.DropMarks(bg, 9))
	for range 2 {
		marks, err := e.Recorded(bg, ids)
		e.must(err)
		e.same("marks", want, marks)
		e.reopen()
	}
}

func lowerMarksDropped(e *exam) {
	ids := make([]webhook.ExchangeID, 12)
	e.together(len(ids), func(i int) error {
		ids[i] = exchange(i)
		_, err := e.recordOne(change{x: ids[i], order: fmt.Sprint(i), segment: uint64(i % 6)}.record())
		return err
	})
	e.must(e.DropMarksBelow(bg, 0))
	e.must(e.DropMarksBelow(bg, 4))
	for range 2 {
		marks, err := e.Recorded(bg, ids)
		e.must(err)
		want := map[webhook.ExchangeID]bool{}
		for _, i := range []int{0, 4, 5} {
			want[ids[i]], want[ids[i+6]] = true, true
		}
		e.same("marks", want, marks)
		e.reopen()
	}
	again, err := e.recordOne(change{x: ids[0], order: "0"}.record())
	if err != nil || !again.Duplicate {
		e.Errorf("recorded before without a segment: duplicate %v, %v", again.Duplicate, err)
	}
}

func nothingChanged(e *exam) {
	r := store.Record{Exchange: exchange(1), Derive: func(before []webhook.Snapshot) (store.Consequences, error) {
		return store.Consequences{}, nil
	}}
	for want := range slices.Values([]bool{false, true}) {
		got, err := e.recordOne(r)
		e.must(err)
		if diff := cmp.Diff(store.Recorded{Duplicate: want}, got, cmpopts.EquateEmpty()); diff != "" {
			e.Error(diff)
		}
	}
}
