package storetest

import (
	"fmt"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

var laneCases = []storeCase{
	{"a lane is given out one at a time",
		"Only the head of a lane is given out, and the next when it is settled.",
		oneAtATime},
	{"a lane waits for the retry of its head",
		"Order within a lane holds under retries, across restarts.",
		laneWaits},
	{"who waits in a lane is told of",
		"A delivery that has others of its lane behind it is awaited; alone in its lane, or without one, it need not be.",
		laneAwaited},
	{"a lane does not hold up another",
		"A head that waits concerns its own lane only.",
		lanesApart},
	{"cancelling in the middle of a lane",
		"What is settled out of order leaves no hole to stumble over.",
		middleGone},
	{"what is held is left alone",
		"Positions up to through are not given out; newer ones of the same lane are.",
		heldAlone},
	{"release puts what was held in front",
		"Held deliveries come back in their old order, before newer ones of their lane.",
		released},
	{"holding again",
		"The boundary may move up and down, with what is given out in between.",
		heldAgain},
	{"what is given out while the boundary moves is not given out twice",
		"Given out is given out.",
		heldWhileOut},
}

// lane records n deliveries of one lane and returns nothing: they have
// consecutive positions.
func (e *exam) lane(lane string, n int) {
	e.Helper()
	for range n {
		e.record(change{order: lane, lane: lane, subs: subs("crm")})
	}
}

func oneAtATime(e *exam) {
	e.lane("a", 3)
	for want := range uint64(3) {
		ds := e.claim("crm", 0, noon)
		e.same("head", []uint64{want + 1}, positions(ds))
		e.same("one at a time", 0, len(e.claim("crm", 0, noon)))
		e.deliver(ds[0])
	}
	e.same("all delivered", 0, len(e.claim("crm", 0, far)))
	e.lane("a", 1)
	e.same("the lane goes on", []uint64{4}, positions(e.claim("crm", 0, noon)))
}

func laneAwaited(e *exam) {
	e.lane("a", 2)
	e.record(change{order: "free", subs: subs("crm")})
	ds := e.claim("crm", 0, noon)
	e.same("given out", []uint64{1, 3}, positions(ds))
	e.same("the head is awaited", true, e.Awaited(ds[0].ID))
	e.same("what has no lane is awaited", false, e.Awaited(ds[1].ID))
	e.deliver(ds[0])
	last := e.claim("crm", 0, noon)
	e.same("the next", []uint64{2}, positions(last))
	e.same("what is settled is awaited", false, e.Awaited(ds[0].ID))
	e.lane("a", 1)
	e.same("it is awaited when another came", true, e.Awaited(last[0].ID))
}

func laneWaits(e *exam) {
	e.lane("a", 3)
	later := e.settle(e.claim("crm", 0, noon)[0], webhook.Failed, noon)
	for range 2 {
		e.same("the lane waits", 0, len(e.claim("crm", 0, later.Due.Add(-time.Millisecond))))
		e.reopen()
	}
	head := e.claim("crm", 0, later.Due)
	e.same("the head again", []uint64{1}, positions(head))
	e.deliver(head[0])
	e.same("its successor", []uint64{2}, positions(e.claim("crm", 0, later.Due)))
}

func lanesApart(e *exam) {
	for range 2 {
		e.lane("a", 1)
		e.lane("b", 1)
	}
	ds := e.claim("crm", 0, noon)
	e.same("both heads", []uint64{1, 2}, positions(ds))
	e.settle(ds[0], webhook.Failed, noon)
	e.deliver(ds[1])
	e.same("the other lane", []uint64{4}, positions(e.claim("crm", 0, noon)))
}

func middleGone(e *exam) {
	var all []webhook.Delivery
	for range 5 {
		all = append(all, e.record(change{order: "a", lane: "a", subs: subs("crm")}))
	}
	for _, i := range []int{1, 4} {
		e.must(e.Settle(bg, webhook.Settlement{Delivery: all[i].Cancel("", noon)}))
	}
	for _, want := range []uint64{1, 3, 4} {
		ds := e.claim("crm", 0, noon)
		e.same("head", []uint64{want}, positions(ds))
		e.deliver(ds[0])
		e.reopen()
	}
	e.same("all done", 0, len(e.claim("crm", 0, far)))
	e.lane("a", 1)
	e.same("the lane goes on", []uint64{6}, positions(e.claim("crm", 0, far)))
}

func heldAlone(e *exam) {
	e.lane("a", 3)
	e.lane("b", 1)
	e.record(change{order: "c", subs: subs("crm")})
	e.record(change{order: "c", subs: subs("crm")})
	e.same("above the boundary", []uint64{3, 4, 6}, sorted(e.claim("crm", 2, far), 5))
	e.reopen()
	ds := e.claim("crm", 5, far)
	e.same("higher", []uint64{6}, positions(ds))
	e.lane("a", 2)
	next := e.claim("crm", 5, far)
	e.same("new ones of a held lane", []uint64{7}, positions(next))
	e.deliver(next[0])
	e.reopen()
	e.same("and the next, after a restart", []uint64{6, 8}, sorted(e.claim("crm", 5, far)))
}

// sorted returns the positions in order, without those given.
func sorted(ds []webhook.Delivery, without ...uint64) []uint64 {
	var out []uint64
	seen := map[uint64]bool{}
	for _, w := range without {
		seen[w] = true
	}
	for p := uint64(0); p < 10_000; p++ {
		for _, d := range ds {
			if d.Position == p && !seen[p] {
				out = append(out, p)
			}
		}
	}
	return out
}

func released(e *exam) {
	e.lane("a", 2)
	e.same("held", 0, len(e.claim("crm", 2, far)))
	e.lane("a", 2)
	e.lane("b", 1)
	e.reopen()
	for _, want := range []uint64{1, 2, 3, 4} {
		ds := e.claim("crm", 0, far)
		if want == 1 {
			e.same("heads", []uint64{1, 5}, sorted(ds))
		} else {
			e.same("head", []uint64{want}, positions(ds))
		}
		e.deliver(ds[0])
	}
	e.same("all done", 0, len(e.claim("crm", 0, far)))
}

func heldAgain(e *exam) {
	for i := range 12 {
		e.lane(fmt.Sprint("lane", i%3), 1)
	}
	for _, through := range []uint64{4, 9, 2, 12, 0, 7} {
		ds := e.claim("crm", through, far)
		want := 3
		if through == 12 {
			want = 0
		}
		e.same(fmt.Sprint("heads above ", through), want, len(ds))
		for _, d := range ds {
			if d.Position <= through || d.Position > through+3 {
				e.Errorf("through %d gave out %d", through, d.Position)
			}
			e.Unclaim(d.ID)
		}
		e.reopen()
	}
}

func heldWhileOut(e *exam) {
	e.record(change{order: "c", subs: subs("crm")})
	e.lane("a", 2)
	out := e.claim("crm", 0, far)
	e.same("given out", []uint64{1, 2}, sorted(out))
	e.same("through 1", 0, len(e.claim("crm", 1, far)))
	e.same("through 0", 0, len(e.claim("crm", 0, far)))
	for _, d := range out {
		e.deliver(d)
	}
	e.same("the rest", []uint64{3}, positions(e.claim("crm", 0, far)))
}
