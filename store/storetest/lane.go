package storetest

import (
	"errors"
	"time"

	"github.com/sidehook/sidehook/store"
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
	{"a held head holds its lane",
		"Nothing of the lane is given out, across restarts and boundaries, until it is released or retried; other lanes go on.",
		heldHead},
	{"a held head expires",
		"What was held for longer than hold_for is expired, and its lane goes on.",
		heldHeadExpires},
	{"a retry wants something to retry",
		"One that is pending already, or unknown, is an error; one that is final gets a fresh schedule.",
		retryOne},
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

func retryOne(e *exam) {
	e.lane("a", 2)
	head := e.claim("crm", 0, noon)[0]
	if _, err := e.Retry(bg, head.ID, noon); !errors.Is(err, store.ErrPending) {
		e.Errorf("a retry of one that is given out: %v, want ErrPending", err)
	}
	if _, err := e.Retry(bg, "dlv_none", noon); !errors.Is(err, store.ErrNotFound) {
		e.Errorf("a retry of one that is not there: %v, want ErrNotFound", err)
	}
	for _, final := range []bool{false, true} {
		head = e.hold(head)
		if final {
			head = head.Cancel("", noon)
			e.must(e.Settle(bg, webhook.Settlement{Delivery: head}))
		}
		got, err := e.Retry(bg, head.ID, noon)
		e.must(err)
		e.reopen()
		ds := e.claim("crm", 0, far)
		e.same("given out again", []webhook.Delivery{*got}, ds)
		e.same("pending", webhook.Pending, got.State)
		head = ds[0]
	}
}
