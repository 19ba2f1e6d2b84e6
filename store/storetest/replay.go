package storetest

import (
	"fmt"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var replayCases = []storeCase{
	{"replays come back",
		"Oldest first, each as it was put last.",
		replaysComeBack},
	{"a replay makes pending what it selects, once",
		"In the commit that keeps it; what is owed, or in another state, stays as it is.",
		replaySelects},
	{"what a cancelled replay made due is what it was",
		"It goes to the next of its lane, is found by its state, and may be replayed anew; an attempt that was under way, and is accepted, counts.",
		replayUndone},
	{"what was retried while a cancelled replay's attempt was under way stays in its lane",
		"The attempt is kept; if it was accepted, nothing more is sent.",
		replayUndoneAndRetried},
	{"what is live does not wait for what is replayed",
		"Nor within a lane; of one lane, what is replayed keeps its order.",
		replayBeside},
	{"an event that was missed is owed once",
		"Not if it is forgotten, nor if the replay does not ask for it.",
		replayMissed},
	{"deliveries are listed from the oldest on",
		"Of a subscription, from a position on, below another.",
		listedUpwards},
}

// replay is one of crm's exhausted deliveries.
func replayOf(n int, states ...webhook.DeliveryState) webhook.Replay {
	return webhook.Replay{
		ID: webhook.NewReplayID(noon.Add(time.Duration(n) * time.Second)), Subscription: "crm",
		Low: 1, High: 100, Next: 1, Scopes: []webhook.Pattern{"order.*"}, States: states, Rate: 0.5,
		Status: webhook.ReplayRunning, Asked: "ann", Tenant: "acme", Repeat: "k b", Operator: n == 2, Created: noon,
	}
}

func replaysComeBack(e *exam) {
	a, b := replayOf(1, webhook.Exhausted, webhook.Dead), replayOf(2)
	b.Missed = true
	for _, r := range []webhook.Replay{b, a} {
		_, err := e.PutReplay(bg, r, noon)
		e.must(err)
	}
	a = a.End(webhook.ReplayCancelled, "by hand", noon.Add(time.Hour))
	_, err := e.PutReplay(bg, a, noon)
	e.must(err)
	e.reopen()
	all, err := e.AllReplays(bg)
	e.must(err)
	e.same("all", []webhook.Replay{a, b}, all)
	e.must(e.DropReplay(bg, a.ID))
	e.must(e.DropReplay(bg, a.ID))
	all, err = e.AllReplays(bg)
	e.must(err)
	e.same("one is dropped", []webhook.Replay{b}, all)
}

func replaySelects(e *exam) {
	for i := range 4 {
		e.record(change{x: exchange(i), order: fmt.Sprint(i), subs: subs("crm")})
	}
	ds := e.claim("crm", 0, noon)
	refused := e.settle(ds[0], webhook.Aborted, noon)
	e.deliver(ds[1])
	owed := e.settle(ds[2], webhook.Failed, noon)
	e.Unclaim(ds[3].ID)
	at := noon.Add(time.Hour)
	r, err := e.PutReplay(bg, replayOf(1, webhook.Refused), at, refused, ds[1], owed, ds[3])
	e.must(err)
	e.same("how many", uint64(1), r.Queued)
	e.reopen()
	all, err := e.AllReplays(bg)
	e.must(err)
	e.same("kept with it", []webhook.Replay{r}, all)
	again := e.claim("crm", 0, at)
	e.same("behind what is live and what is retried", []uint64{4, 3, 1}, positions(again))
	d := again[2]
	e.same("pending anew", refused.Replayed(at), d)
	r, err = e.PutReplay(bg, r, at, d)
	e.must(err)
	e.same("once", uint64(1), r.Queued)
	e.deliver(d)
	e.same("nothing more", 0, len(e.claim("crm", 0, at)))
	left, err := e.Deliveries(bg, store.DeliveryQuery{State: webhook.Refused})
	e.must(err)
	e.same("refused no more", 0, len(left))
}

func replayUndone(e *exam) {
	for i := range 3 {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm"), lane: "l"})
	}
	var was []webhook.Delivery
	for _, o := range []webhook.Outcome{webhook.Accepted, webhook.Aborted} {
		was = append(was, e.settle(e.claim("crm", 0, noon)[0], o, noon))
	}
	third := e.claim("crm", 0, noon)[0]
	was = append(was, e.settle(third, webhook.Broken, noon))
	all := []webhook.DeliveryState{webhook.Delivered, webhook.Refused, webhook.Dead}
	at := noon.Add(time.Hour)
	_, err := e.PutReplay(bg, replayOf(1, all...), at, was...)
	e.must(err)
	e.reopen()
	e.same("due", []uint64{1}, positions(e.claim("crm", 0, at)))
	for i := range was {
		d, err := e.Delivery(bg, was[i].ID)
		e.must(err)
		if i == 0 {
			e.must(e.Settle(bg, webhook.Settlement{Delivery: d.Expire(at)}))
		} else {
			e.must(e.Settle(bg, webhook.Settlement{Delivery: d.Cancel("no more", at)}))
		}
	}
	e.reopen()
	for i := range was {
		d, err := e.Delivery(bg, was[i].ID)
		e.must(err)
		d.Lane = was[i].Lane // that of its last sending
		e.same("as it was", was[i], *d)
		found, err := e.Deliveries(bg, store.DeliveryQuery{State: was[i].State})
		e.must(err)
		e.same("found by its state", 1, len(found))
	}
	e.same("nothing is due", 0, len(e.claim("crm", 0, far)))
	r, err := e.PutReplay(bg, replayOf(3, all...), at, was...)
	e.must(err)
	e.same("anew", uint64(3), r.Queued)
	d := e.claim("crm", 0, far)[0]
	e.deliver(d)
	d = e.claim("crm", 0, far)[0]
	e.must(e.Settle(bg, webhook.Settlement{Delivery: d.Cancel("no more", at)}))
	e.settle(d, webhook.Failed, at)
	e.same("a late failure", webhook.Refused, e.delivery(d.ID).State)
	d = e.claim("crm", 0, far)[0]
	e.must(e.Settle(bg, webhook.Settlement{Delivery: d.Cancel("no more", at)}))
	e.deliver(d)
	e.same("a late success", webhook.Delivered, e.delivery(d.ID).State)
	found, err := e.Deliveries(bg, store.DeliveryQuery{State: webhook.Dead})
	e.must(err)
	e.same("dead no more", 0, len(found))
	e.same("nothing is due", 0, len(e.claim("crm", 0, far)))
}

func replayUndoneAndRetried(e *exam) {
	for _, outcome := range []webhook.Outcome{webhook.Failed, webhook.Accepted} {
		e.record(change{order: "7", subs: subs("crm"), lane: "l"})
		d := e.settle(e.claim("crm", 0, noon)[0], webhook.Aborted, noon)
		_, err := e.PutReplay(bg, replayOf(1, webhook.Refused), noon, d)
		e.must(err)
		hangs := e.claim("crm", 0, noon)[0]
		e.must(e.Settle(bg, webhook.Settlement{Delivery: hangs.Cancel("no more", noon)}))
		_, err = e.Retry(bg, d.ID, noon)
		e.must(err)
		e.settle(hangs, outcome, noon)
		if outcome == webhook.Failed {
			retried := e.claim("crm", 0, noon)
			e.same("retried", positions([]webhook.Delivery{d}), positions(retried))
			e.deliver(retried[0])
		}
		e.same("delivered", webhook.Delivered, e.delivery(d.ID).State)
		next := e.record(change{order: "7", subs: subs("crm"), lane: "l"})
		e.reopen()
		e.same("its lane goes on, without it", []uint64{next.Position}, positions(e.claim("crm", 0, far)))
		e.deliver(next)
		e.same("nothing is owed", uint64(0), e.Pending("crm"))
	}
}

func replayBeside(e *exam) {
	var old []webhook.Delivery
	for i := range 3 {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm"), lane: "l"})
		old = append(old, e.settle(e.claim("crm", 0, noon)[0], webhook.Aborted, noon))
	}
	_, err := e.PutReplay(bg, replayOf(1, webhook.Refused), noon, old...)
	e.must(err)
	e.record(change{x: exchange(9), order: "7", subs: subs("crm"), lane: "l"})
	e.reopen()
	first := e.claim("crm", 0, far)
	e.same("one of each lane, the live one first", []uint64{4, 1}, positions(first))
	e.deliver(first[0])
	e.deliver(first[1])
	e.same("then the next", []uint64{2}, positions(e.claim("crm", 0, far)))
	_, err = e.Retry(bg, old[0].ID, noon)
	e.must(err)
	d, err := e.Delivery(bg, old[0].ID)
	e.must(err)
	e.same("a retry by hand goes back to its lane", "l", d.Lane)
}

func replayMissed(e *exam) {
	e.record(change{x: exchange(1), order: "7"})
	ev := e.events(store.EventQuery{})[0]
	missed := change{lane: "l"}.delivery(ev.ID, "crm")
	missed.Position = ev.Position
	r := replayOf(1, webhook.Exhausted)
	r, err := e.PutReplay(bg, r, noon, missed)
	e.must(err)
	e.same("not asked for", uint64(0), r.Queued)
	r.Missed = true
	gone := missed
	gone.Position = 99
	for range 2 {
		r, err = e.PutReplay(bg, r, noon, missed, gone)
		e.must(err)
	}
	e.same("once", uint64(1), r.Queued)
	e.reopen()
	ds := e.claim("crm", 0, noon)
	e.same("owed", []uint64{1}, positions(ds))
	e.same("its id", missed.ID, ds[0].ID)
	e.deliver(ds[0])
	listed, err := e.Deliveries(bg, store.DeliveryQuery{Subscription: "crm"})
	e.must(err)
	e.same("listed", []uint64{1}, positions(listed))
}

func listedUpwards(e *exam) {
	for i := range 600 {
		e.record(change{x: exchange(i), order: fmt.Sprint(i), subs: subs([]webhook.SubscriptionID{"crm", "other"}[i%2])})
	}
	for _, c := range []struct {
		from, below uint64
		max, first  int
		n           int
	}{{0, 0, 1000, 1, 300}, {300, 0, 1000, 301, 150}, {300, 311, 1000, 301, 5}, {2, 0, 3, 3, 3}} {
		ds, err := e.Deliveries(bg, store.DeliveryQuery{Subscription: "crm", Oldest: true, From: c.from, Below: c.below, Max: c.max})
		e.must(err)
		var want []uint64
		for i := range c.n {
			want = append(want, uint64(c.first+2*i))
		}
		e.same(fmt.Sprint(c), want, positions(ds))
	}
}
