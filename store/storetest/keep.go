package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var keepCases = []storeCase{
	{"an event nobody wanted goes after its retention",
		"Counted from its recording.",
		unwantedGoes},
	{"a settled event goes after its retention",
		"Counted from its last settlement; all that belongs to it goes with it.",
		settledGoes},
	{"what is owed stays",
		"However old it is.",
		owedStays},
	{"bodies go with what names them",
		"A store of which everything is forgotten does not grow.",
		bodiesGo},
	{"a tombstone goes after its time",
		"Until then it keeps the sequence; an entity that is back keeps it.",
		tombstonesGo},
	{"a snapshot goes when its time is over",
		"One that was put again with a later time stays until then.",
		passingGo},
	{"what is held for too long expires",
		"Counted from when it was held; what is not held stays.",
		heldExpires},
	{"an event that is dated ahead goes a retention after it was seen",
		"A clock that was ahead for a moment keeps nothing for years, nor what came after it.",
		datedAheadGoes},
	{"an event that is dated ahead of a clock that runs fast stays a retention of time",
		"A clock that catches up brings nothing to its end early, and what it caught up with goes in time.",
		datedAheadOfFast},
	{"what is dated ahead keeps nothing else from expiring",
		"It stays itself until its time comes.",
		heldAheadStays},
}

// eventually waits for a condition that the store reaches by itself.
func (e *exam) eventually(what string, ok func() bool) {
	e.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			e.Fatal("not reached:", what)
		}
		time.Sleep(time.Millisecond)
	}
}

const month = 30 * 24 * time.Hour

// maintain keeps house at now, as often as a bounded slice may need.
func (e *exam) maintain(now time.Time) {
	e.Helper()
	for range 5 {
		e.housekeep(store.Keep{Now: now, Retention: month, Tombstone: 3 * month})
	}
}

// housekeep does one slice of it.
func (e *exam) housekeep(k store.Keep) (more bool) {
	e.Helper()
	more, err := e.Maintain(bg, k)
	e.must(err)
	return more
}

// forgetAll forgets all events that are not owed.
func (e *exam) forgetAll() { e.maintain(time.Now().Add(2 * month)) }

func unwantedGoes(e *exam) {
	e.record(change{x: exchange(1), order: "7"})
	e.maintain(time.Now().Add(month - time.Hour))
	e.same("still there", 1, len(e.events(store.EventQuery{})))
	e.maintain(time.Now().Add(month + time.Hour))
	e.same("gone", 0, len(e.events(store.EventQuery{})))
	d := e.record(change{x: exchange(2), order: "7", subs: subs("crm")})
	e.same("the position goes on", uint64(2), d.Position)
	snap, err := e.Snapshot(bg, order("7"))
	e.must(err)
	e.same("the snapshot stays", uint64(2), snap.Sequence)
}

func settledGoes(e *exam) {
	d := e.record(change{order: "7", subs: subs("crm")})
	settled := time.Now().Add(month / 2)
	d = e.settle(d, webhook.Aborted, settled)
	e.maintain(settled.Add(month - time.Hour))
	e.same("still there", 1, len(e.events(store.EventQuery{})))
	e.maintain(settled.Add(month + time.Hour))
	e.reopen()
	if _, err := e.Event(bg, d.Event); !errors.Is(err, store.ErrNotFound) {
		e.Error("the event:", err)
	}
	if _, err := e.Delivery(bg, d.ID); !errors.Is(err, store.ErrNotFound) {
		e.Error("the delivery:", err)
	}
	as, err := e.Attempts(bg, d.ID)
	e.must(err)
	for _, q := range []store.DeliveryQuery{{}, {Subscription: "crm"}, {State: webhook.Refused}, {Event: d.Event}} {
		ds, err := e.Deliveries(bg, q)
		e.must(err)
		if len(ds)+len(as) > 0 {
			e.Errorf("%+v: %d deliveries, %d attempts", q, len(ds), len(as))
		}
	}
}

func owedStays(e *exam) {
	e.record(change{x: exchange(1), order: "7", subs: subs("crm", "erp")})
	d := e.claim("crm", 0, noon)[0]
	e.deliver(d)
	e.maintain(time.Now().Add(12 * month))
	e.reopen()
	ev, err := e.Event(bg, d.Event)
	e.must(err)
	e.same("body", `{"n":1}`, string(ev.After))
	owed := e.claim("erp", 0, far)[0]
	settled := time.Now().Add(12 * month)
	e.settle(owed, webhook.Accepted, settled)
	e.maintain(settled.Add(month - time.Hour))
	e.same("kept", 1, len(e.events(store.EventQuery{})))
	e.maintain(settled.Add(month + 2*time.Hour))
	e.same("gone", 0, len(e.events(store.EventQuery{})))
}

// bodiesGo looks at the bodies through what is there: a body that is named must
// come back, whichever events around it are gone.
func bodiesGo(e *exam) {
	body := func(i int) string { return fmt.Sprintf(`{"n":%d,"v":"%s"}`, i, strings.Repeat("x", 600<<10)) }
	var owed []webhook.Delivery
	for i := range 6 {
		c := change{x: exchange(i), order: "7", body: body(i)}
		if i == 2 || i == 3 {
			c.subs = subs("crm")
		}
		if d := e.record(c); d.ID != "" {
			owed = append(owed, d)
		}
	}
	e.forgetAll()
	e.reopen()
	for i, d := range owed {
		ev, err := e.Event(bg, d.Event)
		e.must(err)
		if string(ev.Before) != body(i+1) || string(ev.After) != body(i+2) {
			e.Errorf("event %d has lost a body", i)
		}
		e.settle(d, webhook.Accepted, time.Now())
	}
	e.maintain(time.Now().Add(5 * month))
	snap, err := e.Snapshot(bg, order("7"))
	e.must(err)
	if string(snap.Body) != body(5) {
		e.Error("the snapshot has lost its body")
	}
}

func tombstonesGo(e *exam) {
	e.record(change{x: exchange(1), order: "7"})
	e.record(change{x: exchange(2), order: "7", deleted: true})
	e.record(change{x: exchange(3), order: "8", deleted: true})
	e.record(change{x: exchange(4), order: "8"})
	sequence := func(id string) uint64 {
		snap, err := e.Snapshot(bg, order(id))
		e.must(err)
		return snap.Sequence
	}
	e.maintain(noon.Add(3*month - time.Hour))
	e.same("kept", uint64(2), sequence("7"))
	e.maintain(noon.Add(3*month + time.Hour))
	e.reopen()
	e.same("gone", uint64(0), sequence("7"))
	e.same("back again", uint64(2), sequence("8"))
	e.record(change{x: exchange(5), order: "7"})
	e.same("from the start", uint64(1), sequence("7"))
}

func passingGo(e *exam) {
	put := func(n int, id string, until time.Time) {
		_, err := e.recordOne(store.Record{
			Exchange: exchange(n), Entities: []webhook.EntityKey{order(id)},
			Derive: func([]webhook.Snapshot) (store.Consequences, error) {
				return store.Consequences{Snapshots: []webhook.Snapshot{{Key: order(id), Seen: noon, Exchange: exchange(n), Until: until}}}, nil
			},
		})
		e.must(err)
	}
	there := func(id string) bool {
		snap, err := e.Snapshot(bg, order(id))
		e.must(err)
		return !snap.Exchange.IsZero()
	}
	put(1, "7", noon.Add(time.Hour))
	put(2, "8", noon.Add(time.Hour))
	put(3, "8", noon.Add(3*time.Hour))
	put(4, "9", time.Time{})
	e.maintain(noon.Add(time.Minute))
	e.same("7 is kept", true, there("7"))
	e.maintain(noon.Add(2 * time.Hour))
	e.reopen()
	e.same("7, 8, 9 are there", [3]bool{false, true, true}, [3]bool{there("7"), there("8"), there("9")})
	e.maintain(noon.Add(4 * time.Hour))
	e.same("8, 9 are there", [2]bool{false, true}, [2]bool{there("8"), there("9")})
}

func heldExpires(e *exam) {
	for i := range 4 {
		e.record(change{x: exchange(i), order: "7", lane: "l", subs: subs("crm", "erp")})
	}
	keep := store.Keep{HoldFor: month, Holding: func(sub webhook.SubscriptionID, position uint64) (time.Time, bool) {
		return noon.Add(time.Hour), sub == "crm" && position <= 2
	}}
	keep.Now = noon.Add(month)
	e.housekeep(keep)
	e.same("not yet", 4, len(e.states("crm", webhook.Pending)))
	longer := keep
	longer.Holding = func(webhook.SubscriptionID, uint64) (time.Time, bool) { return noon.Add(-month), true }
	e.housekeep(longer)
	e.same("held for longer than it has been owed", 4, len(e.states("crm", webhook.Pending)))
	keep.Now = noon.Add(month + time.Hour)
	e.housekeep(keep)
	e.same("owed for longer than it has been held", 4, len(e.states("crm", webhook.Pending)))
	keep.Now = noon.Add(month + 2*time.Hour)
	e.housekeep(keep)
	e.reopen()
	e.housekeep(keep)
	e.same("expired", []uint64{2, 1}, e.states("crm", webhook.Expired))
	e.same("not held", []uint64{4, 3}, e.states("crm", webhook.Pending))
	e.same("another's", 4, len(e.states("erp", webhook.Pending)))
	e.same("the lane goes on", []uint64{3}, positions(e.claim("crm", 0, far)))
}

func (e *exam) states(sub webhook.SubscriptionID, state webhook.DeliveryState) []uint64 {
	e.Helper()
	ds, err := e.Deliveries(bg, store.DeliveryQuery{Subscription: sub, State: state})
	e.must(err)
	return positions(ds)
}

func datedAheadGoes(e *exam) {
	right := time.Now().Add(-12 * month) // the clock is a year ahead
	e.record(change{x: exchange(1), order: "7"})
	d := e.record(change{x: exchange(2), order: "7", subs: subs("crm")})
	e.maintain(right)
	e.settle(e.claim("crm", 0, noon)[0], webhook.Accepted, right.Add(month/2))
	e.maintain(right.Add(month - time.Hour))
	e.same("both are there", 2, len(e.events(store.EventQuery{})))
	e.reopen()
	e.maintain(right.Add(month + time.Hour))
	e.same("nobody wanted one", []uint64{d.Position}, eventPositions(e.events(store.EventQuery{})))
	e.maintain(right.Add(2*month + 2*time.Hour))
	e.same("all is gone", 0, len(e.events(store.EventQuery{})))
}

func datedAheadOfFast(e *exam) {
	for i, c := range []struct {
		behind, first time.Duration // and how far it has come when the event goes
	}{
		{12 * month, 4 * month},
		{time.Hour, month + time.Hour},
	} {
		e.record(change{x: exchange(i), order: "7"})
		now := time.Now().Add(-c.behind)
		for _, at := range []struct {
			passed time.Duration
			events int
		}{{0, 1}, {c.first - time.Minute, 1}, {c.first + time.Minute, 0}} {
			e.housekeep(store.Keep{Now: now.Add(at.passed), Pace: 4, Retention: month})
			e.same(fmt.Sprint("behind ", c.behind, ", after ", at.passed), at.events, len(e.events(store.EventQuery{})))
		}
	}
}

func eventPositions(events []webhook.Event) (all []uint64) {
	for i := range events {
		all = append(all, events[i].Position)
	}
	return all
}

func heldAheadStays(e *exam) {
	for i, ahead := range []time.Duration{0, 12 * month, 0} {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm"), ahead: ahead})
	}
	keep := store.Keep{HoldFor: month, Holding: func(webhook.SubscriptionID, uint64) (time.Time, bool) { return noon, true }}
	for _, c := range []struct {
		now     time.Duration
		expired []uint64
	}{{month - time.Hour, nil}, {month + time.Hour, []uint64{3, 1}}, {13*month - time.Hour, []uint64{3, 1}}, {13*month + time.Hour, []uint64{3, 2, 1}}} {
		keep.Now = noon.Add(c.now)
		e.housekeep(keep)
		e.same(fmt.Sprint("expired after ", c.now), c.expired, e.states("crm", webhook.Expired))
	}
}
