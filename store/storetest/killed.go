package storetest

import (
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var killedCases = []storeCase{
	{"what was acknowledged survives a kill",
		"A call that returned nil is durable, all of it: no Close is needed.",
		acknowledgedSurvives},
	{"a claim dies with its process",
		"What was given out and not settled is given out again, what was settled never.",
		claimDies},
	{"numbers go on after a kill",
		"No position and no sequence is given twice.",
		numbersGoOn},
	{"an exchange is recorded once, whoever was killed",
		"The mark is in the commit of what it marks.",
		onceThroughKills},
}

// killed goes on as a process does whose predecessor was killed: without Close.
func (e *exam) killed() {
	e.Helper()
	e.Store = e.open()
}

func acknowledgedSurvives(e *exam) {
	for i := range 20 {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm", "mail"), lane: "l"})
	}
	before, owed := e.events(store.EventQuery{}), positions(e.claim("mail", 0, noon))
	snap, err := e.Snapshot(bg, order("7"))
	e.must(err)
	for range 2 {
		e.killed()
		e.same("events", before, e.events(store.EventQuery{}))
		again, err := e.Snapshot(bg, order("7"))
		e.must(err)
		e.same("snapshot", snap, again)
	}
	e.same("what is owed", owed, positions(e.claim("mail", 0, noon)))
}

func claimDies(e *exam) {
	for i := range 6 {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm")})
	}
	given := e.claim("crm", 0, noon)
	e.same("given out", 6, len(given))
	for _, d := range given[:3] {
		e.deliver(d)
	}
	for range 2 {
		e.killed()
		e.same("given out again", positions(given[3:]), positions(e.claim("crm", 0, noon)))
		for _, d := range given[:3] {
			got, err := e.Delivery(bg, d.ID)
			e.must(err)
			e.same("settled", webhook.Delivered, got.State)
		}
	}
}

func numbersGoOn(e *exam) {
	for n := range uint64(5) {
		e.record(change{x: exchange(int(n)), order: "7"})
		e.killed()
		all := e.events(store.EventQuery{})
		last := all[len(all)-1]
		e.same("events", n+1, uint64(len(all)))
		e.same("sequence", n+1, last.Sequence)
		if n > 0 && last.Position <= all[n-1].Position {
			e.Errorf("position %d follows %d", last.Position, all[n-1].Position)
		}
	}
}

func onceThroughKills(e *exam) {
	c := change{x: exchange(1), order: "7", subs: subs("crm")}
	e.record(c)
	for range 2 {
		e.killed()
		got, err := e.recordOne(c.record())
		e.must(err)
		if !got.Duplicate {
			e.Error("it was recorded again")
		}
		e.same("events", 1, len(e.events(store.EventQuery{})))
	}
}
