package storetest

import (
	"fmt"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var settleCases = []storeCase{
	{"a settlement that comes too late changes nothing",
		"Once cancelled, a delivery stays so.",
		tooLate},
	{"a final delivery can be retried by hand",
		"A settlement without an attempt makes it pending again.",
		retriedByHand},
	{"an older event can be delivered again",
		"A record may bring deliveries of events recorded before: they have the event's position, and bringing one twice changes nothing.",
		replayedEvent},
	{"attempts are kept in order",
		"Every attempt is kept.",
		attemptsKept},
	{"of very many attempts the first and the last are kept",
		"So that a receiver that throttles for ever fills no disk.",
		attemptsBounded},
	{"settling many at once",
		"Settlements of one call, and of many goroutines, are all kept.",
		settledTogether},
}

func retriedByHand(e *exam) {
	e.record(change{x: exchange(1), order: "7", subs: subs("crm"), lane: "l"})
	e.record(change{x: exchange(2), order: "7", subs: subs("crm"), lane: "l"})
	d := e.settle(e.claim("crm", 0, noon)[0], webhook.Aborted, noon)
	e.must(e.Settle(bg, webhook.Settlement{Delivery: d.Retry(noon)}))
	e.reopen()
	e.same("in front of its lane", []uint64{1}, positions(e.claim("crm", 0, far)))
	ds, err := e.Deliveries(bg, store.DeliveryQuery{State: webhook.Refused})
	e.must(err)
	e.same("refused", 0, len(ds))
}

func replayedEvent(e *exam) {
	old := e.record(change{x: exchange(1), order: "7", subs: subs("crm")})
	e.deliver(old)
	e.record(change{x: exchange(2), order: "7", subs: subs("crm")})
	again := change{rank: webhook.Replaying}.delivery(old.Event, "crm")
	again.ID = webhook.NewDeliveryID(old.Event, "crm", 1)
	for n := range 2 {
		_, err := e.recordOne(store.Record{Exchange: exchange(3 + n), Derive: func([]webhook.Snapshot) (store.Consequences, error) {
			return store.Consequences{Deliveries: []webhook.Delivery{again}}, nil
		}})
		e.must(err)
	}
	e.reopen()
	ds := e.claim("crm", 0, far)
	e.same("live before replay", []uint64{2, 1}, positions(ds))
	e.same("the replay", again.ID, ds[1].ID)
	e.deliver(ds[1])
	e.same("once", 0, len(e.claim("crm", 0, far)))
}

func attemptsKept(e *exam) {
	d := e.record(change{x: exchange(1), order: "7", subs: subs("crm")})
	for _, outcome := range []webhook.Outcome{webhook.Failed, webhook.Throttled, webhook.Accepted} {
		d = e.settle(d, outcome, noon)
	}
	e.reopen()
	all, err := e.Attempts(bg, d.ID)
	e.must(err)
	var got []webhook.Outcome
	for i, a := range all {
		got = append(got, a.Outcome)
		e.same("number", i+1, a.Number)
	}
	e.same("outcomes", []webhook.Outcome{webhook.Failed, webhook.Throttled, webhook.Accepted}, got)
}

func attemptsBounded(e *exam) {
	d := e.record(change{x: exchange(1), order: "7", subs: subs("crm")})
	const n = 250
	for range n {
		a := webhook.Attempt{Delivery: d.ID, Number: d.Requests + 1, Started: noon, Outcome: webhook.Throttled, Status: 429, Answer: make([]byte, 3000), RetryAt: noon}
		d = d.After(a, webhook.DefaultSchedule)
		e.must(e.Settle(bg, webhook.Settlement{Delivery: d, Attempt: &a}))
	}
	all, err := e.Attempts(bg, d.ID)
	e.must(err)
	var got []int
	for _, a := range all {
		got = append(got, a.Number)
	}
	var want []int
	for i := 1; i <= n; i++ {
		if i <= store.FirstAttempts || i > n-store.LastAttempts {
			want = append(want, i)
		}
	}
	e.same("attempts", want, got)
}

func settledTogether(e *exam) {
	const n = 300
	for i := range n {
		e.record(change{x: exchange(i), order: fmt.Sprint(i % 10), lane: fmt.Sprint(i % 10), subs: subs("crm")})
	}
	for done := 0; done < n; {
		ds := e.claim("crm", 0, noon)
		if len(ds) == 0 {
			e.Fatal("nothing is due after", done)
		}
		all := make([]webhook.Settlement, len(ds))
		for i := range ds {
			all[i].Delivery = ds[i].Cancel("", noon)
		}
		if done == 0 {
			e.must(e.Settle(bg, all...))
			for i := range ds {
				e.same("state", webhook.Cancelled, e.delivery(ds[i].ID).State)
			}
		} else {
			e.together(len(ds), func(i int) error { return e.Settle(bg, all[i]) })
		}
		done += len(ds)
	}
	e.reopen()
	e.same("nothing due", 0, len(e.claim("crm", 0, far)))
}

func tooLate(e *exam) {
	e.record(change{x: exchange(1), order: "7", subs: subs("crm")})
	d := e.claim("crm", 0, noon)[0]
	e.must(e.Settle(bg, webhook.Settlement{Delivery: d.Cancel("operator", noon)}))
	e.settle(d, webhook.Failed, noon)
	e.deliver(d)
	unknown := d
	unknown.ID = "dlv_none"
	e.deliver(unknown)
	e.same("nothing due", 0, len(e.claim("crm", 0, far)))
	e.reopen()
	got, err := e.Delivery(bg, d.ID)
	e.must(err)
	e.same("state", webhook.Cancelled, got.State)
	e.same("nothing due after a restart", 0, len(e.claim("crm", 0, far)))
	st, err := e.Stats(bg)
	e.must(err)
	e.same("pending", uint64(0), st.Pending)
}
