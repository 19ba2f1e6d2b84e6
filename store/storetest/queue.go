package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var queueCases = []storeCase{
	{"oldest due first",
		"Between lanes, the earliest due is given out first, and nothing before it is due.",
		oldestFirst},
	{"live before retry before replay",
		"Priority orders lanes, whatever they are due.",
		priorities},
	{"what is given out is not given out again",
		"Until it is settled or taken back; max bounds a claim.",
		givenOnce},
	{"claiming writes nothing",
		"After a restart all unsettled deliveries are due again, at their time.",
		dueAgain},
	{"Claim says when to ask again",
		"Zero if nothing waits.",
		askAgain},
	{"Waiting tells of whom there are new deliveries",
		"What nobody has received coalesces, and none is missed; of those who are owed nothing it says nothing.",
		waitingTells},
	{"backlogs count what is owed",
		"Per subscription, also after a restart.",
		backlogs},
	{"the oldest of a backlog is the earliest due of all that is owed",
		"Whatever its priority, held and given out too, also after a restart.",
		oldestOwed},
	{"a long queue is given out whole",
		"Whatever memory keeps of it, each delivery is given out once, in order.",
		longQueue},
}

func oldestFirst(e *exam) {
	for i, due := range []int{3, 1, 2, 60} {
		e.record(change{x: exchange(i), order: fmt.Sprint(i), subs: subs("crm"), due: noon.Add(time.Duration(due) * time.Second)})
	}
	e.same("order", []uint64{2, 3, 1}, positions(e.claim("crm", 0, noon.Add(10*time.Second))))
	e.same("not yet due", []uint64{4}, positions(e.claim("crm", 0, far)))
}

func subs(all ...webhook.SubscriptionID) []webhook.SubscriptionID { return all }

func priorities(e *exam) {
	for i, rank := range []webhook.Priority{webhook.Replaying, webhook.Retrying, webhook.Live} {
		e.record(change{x: exchange(i), order: fmt.Sprint(i), lane: fmt.Sprint(i), subs: subs("crm"), rank: rank, due: noon.Add(time.Duration(i))})
	}
	e.reopen()
	e.same("order", []uint64{3, 2, 1}, positions(e.claim("crm", 0, far)))
}

func givenOnce(e *exam) {
	for i := range 5 {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm", "other")})
	}
	some, _, err := e.Claim(bg, "crm", 0, noon, 2)
	e.must(err)
	e.same("first two", []uint64{1, 2}, positions(some))
	e.same("the rest", []uint64{3, 4, 5}, positions(e.claim("crm", 0, noon)))
	e.same("nothing more", []uint64{}, positions(e.claim("crm", 0, noon)))
	e.Unclaim(some[1].ID, "dlv_none")
	e.same("taken back", []uint64{2}, positions(e.claim("crm", 0, noon)))
	e.same("another's", 5, len(e.claim("other", 0, noon)))
}

func dueAgain(e *exam) {
	for i := range 3 {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm")})
	}
	ds := e.claim("crm", 0, noon)
	e.deliver(ds[0])
	later := e.settle(ds[1], webhook.Failed, noon)
	e.reopen()
	again := e.claim("crm", 0, noon)
	e.same("due again", []uint64{3}, positions(again))
	e.same("whole", ds[2], again[0])
	e.same("not early", 0, len(e.claim("crm", 0, later.Due.Add(-1))))
	e.same("retried", []uint64{2}, positions(e.claim("crm", 0, later.Due)))
}

func askAgain(e *exam) {
	next := func(now time.Time) time.Time {
		_, next, err := e.Claim(bg, "crm", 0, now, 1)
		e.must(err)
		return next
	}
	e.same("nothing waits", time.Time{}, next(noon))
	e.record(change{x: exchange(1), order: "7", subs: subs("crm"), due: noon.Add(time.Hour)})
	e.record(change{x: exchange(2), order: "7", subs: subs("crm"), due: noon.Add(time.Minute), rank: webhook.Retrying})
	e.record(change{x: exchange(3), order: "8", subs: subs("crm"), due: noon.Add(2 * time.Hour), rank: webhook.Replaying})
	e.same("the earliest", noon.Add(time.Minute), next(noon))
	e.reopen()
	e.same("the earliest after a restart", noon.Add(time.Minute), next(noon))
	if at := next(far); at.IsZero() || at.After(far) {
		e.Error("more is due, but not to be asked for before", at)
	}
}

func waitingTells(e *exam) {
	e.stirred()
	d := e.record(change{x: exchange(1), order: "7", subs: subs("crm"), lane: "l"})
	e.told("recorded", "crm")
	e.record(change{x: exchange(2), order: "7", subs: subs("crm"), lane: "l"})
	e.record(change{x: exchange(3), order: "8", subs: subs("erp", "shop")})
	e.told("recorded for several, and behind another", "erp", "shop")
	e.claim("crm", 0, noon)
	e.deliver(d)
	e.told("the lane is free", "crm")
	e.claim("crm", 0, noon)
	e.told("nothing")
	e.Unclaim(webhook.NewDeliveryID(e.events(store.EventQuery{After: 1})[0].ID, "crm", 0))
	e.told("taken back", "crm")
	e.reopen()
	e.told("opened", "crm", "erp", "shop")
}

// stirred returns of whom Waiting tells.
func (e *exam) stirred() map[webhook.SubscriptionID]bool {
	select {
	case stirred := <-e.Waiting():
		return stirred
	default:
		return nil
	}
}

// told is that Waiting tells of these, and of nobody who is owed nothing.
func (e *exam) told(what string, want ...webhook.SubscriptionID) {
	e.Helper()
	got := e.stirred()
	for _, sub := range want {
		if !got[sub] {
			e.Errorf("%s: nobody is told of %s, but of %v", what, sub, got)
		}
	}
	for sub := range got {
		if e.Pending(sub) == 0 {
			e.Errorf("%s: it tells of %s, which is owed nothing", what, sub)
		}
	}
}

func backlogs(e *exam) {
	for i := range 3 {
		e.record(change{x: exchange(i), order: "7", subs: subs("crm", "erp"), lane: "l", due: noon.Add(time.Duration(i) * time.Hour)})
	}
	d := e.claim("erp", 0, noon)[0]
	e.deliver(d)
	want := []webhook.Backlog{
		{Subscription: "crm", Pending: 3, Oldest: noon},
		{Subscription: "erp", Pending: 2, Oldest: noon.Add(time.Hour)},
	}
	for range 2 {
		got, err := e.Backlogs(bg)
		e.must(err)
		slices.SortFunc(got, func(a, b webhook.Backlog) int { return int(a.Subscription[0]) - int(b.Subscription[0]) })
		e.same("backlogs", want, got)
		e.same("pending by subscription", []uint64{3, 2, 0}, []uint64{e.Pending("crm"), e.Pending("erp"), e.Pending("unknown")})
		st, err := e.Stats(bg)
		e.must(err)
		e.same("pending", uint64(5), st.Pending)
		e.reopen()
	}
}

func oldestOwed(e *exam) {
	oldest := func(what string, want time.Duration) {
		e.Helper()
		all, err := e.Backlogs(bg)
		e.must(err)
		if len(all) != 1 || !all[0].Oldest.Equal(noon.Add(want)) {
			e.Errorf("%s: %+v, want one of crm since %s", what, all, noon.Add(want))
		}
	}
	for i, rank := range []webhook.Priority{webhook.Replaying, webhook.Live, webhook.Retrying} {
		e.record(change{x: exchange(i), order: fmt.Sprint(i), subs: subs("crm"), rank: rank, due: noon.Add(time.Duration(i+1) * time.Hour)})
	}
	oldest("a replay", time.Hour)
	e.reopen()
	oldest("a replay, after a restart", time.Hour)
	e.record(change{x: exchange(9), order: "9", subs: subs("crm"), due: noon})
	oldest("a live one", 0)
	d := e.claim("crm", 0, noon)[0]
	oldest("what is given out", 0)
	e.deliver(d)
	oldest("a replay again", time.Hour)
	for range 2 {
		_, _, err := e.Claim(bg, "crm", 3, noon, 1)
		e.must(err)
		oldest("what is held", time.Hour)
		e.reopen()
	}
}

func longQueue(e *exam) {
	const n = 6000
	e.together(60, func(w int) error {
		for i := range n / 60 {
			c := change{x: exchange(w*1000 + i), order: fmt.Sprint(w, i), subs: subs("crm"), due: noon.Add(time.Duration(i) * time.Second)}
			if _, err := e.recordOne(c.record()); err != nil {
				return err
			}
		}
		return nil
	})
	seen := map[webhook.DeliveryID]bool{}
	var last time.Time
	for len(seen) < n {
		ds, _, err := e.Claim(bg, "crm", 0, far, 700)
		e.must(err)
		for _, d := range ds {
			if seen[d.ID] || d.Due.Before(last) {
				e.Fatalf("%s is given out again, or late", d.ID)
			}
			seen[d.ID], last = true, d.Due
		}
		if len(ds) == 0 {
			e.Fatal("only", len(seen), "were given out")
		}
	}
}
