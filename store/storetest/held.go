package storetest

import (
	"fmt"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

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
	for p := range uint64(10_000) {
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

// hold settles the head of a lane as one whose schedule ran out.
func (e *exam) hold(d webhook.Delivery) webhook.Delivery {
	e.Helper()
	a := webhook.Attempt{Delivery: d.ID, Number: d.Requests + 1, Started: noon, Outcome: webhook.Failed, Status: 500}
	d = d.After(a, nil).Hold()
	e.must(e.Settle(bg, webhook.Settlement{Delivery: d, Attempt: &a}))
	return d
}

func heldHead(e *exam) {
	e.lane("a", 3)
	e.lane("b", 2)
	heads := e.claim("crm", 0, noon)
	held := e.hold(heads[0])
	e.deliver(heads[1])
	e.same("the other lane goes on", []uint64{5}, positions(e.claim("crm", 0, far)))
	for _, through := range []uint64{0, 1, 2, 0} {
		e.reopen()
		_, next, err := e.Claim(bg, "crm", through, far, 0)
		e.must(err)
		e.same("never due by itself", time.Time{}, next)
		var lane []uint64
		for _, p := range positions(e.claim("crm", through, far)) {
			if p <= 3 && p > through {
				lane = append(lane, p)
			}
		}
		if through == 0 {
			e.same("its lane", []uint64(nil), lane)
		}
	}
	got, err := e.Delivery(bg, held.ID)
	e.must(err)
	e.same("as it is kept", held, *got)
	e.same("listed", []uint64{1}, e.states("crm", webhook.Held))
	n, err := e.Release(bg, "crm", noon.Add(time.Hour))
	e.must(err)
	e.same("released", 1, n)
	e.reopen()
	e.same("listed no more", 0, len(e.states("crm", webhook.Held)))
	e.same("not before its time", 1, len(e.claim("crm", 0, noon)))
	ds := e.claim("crm", 0, far)
	e.same("in front of its lane", []uint64{1}, positions(ds))
	e.same("with a fresh schedule", 0, ds[0].Attempts)
	e.deliver(ds[0])
	e.same("the lane goes on", []uint64{2}, positions(e.claim("crm", 0, far)))
	n, err = e.Release(bg, "crm", far)
	e.must(err)
	e.same("nothing more to release", 0, n)
}

func heldHeadExpires(e *exam) {
	e.lane("a", 2)
	e.hold(e.claim("crm", 0, noon)[0])
	keep := store.Keep{HoldFor: month, Holding: func(webhook.SubscriptionID, uint64) (time.Time, bool) { return time.Time{}, false }}
	keep.Now = noon.Add(month)
	e.housekeep(keep)
	e.same("not yet", []uint64{1}, e.states("crm", webhook.Held))
	keep.Now = noon.Add(month + time.Second)
	e.housekeep(keep)
	e.same("expired", []uint64{1}, e.states("crm", webhook.Expired))
	e.same("the lane goes on", []uint64{2}, positions(e.claim("crm", 0, far)))
}
