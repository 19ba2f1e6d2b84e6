package storetest

import (
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func failedDerive(e *exam) {
	r := change{x: exchange(1), order: "7"}.record()
	r.Derive = func([]webhook.Snapshot) (store.Consequences, error) { return store.Consequences{}, errRule }
	if _, err := e.recordOne(r); !errors.Is(err, errRule) {
		e.Error("the error is", err)
	}
	e.untouched(r.Exchange)
	e.record(change{x: r.Exchange, order: "7"})
}

// untouched checks that nothing of exchange x on order 7 is there.
func (e *exam) untouched(x webhook.ExchangeID) {
	e.Helper()
	marks, err := e.Recorded(bg, []webhook.ExchangeID{x})
	e.must(err)
	snap, err := e.Snapshot(bg, order("7"))
	e.must(err)
	if len(marks) > 0 || snap.Sequence > 0 || len(e.events(store.EventQuery{Exchange: x})) > 0 {
		e.Errorf("something was written: mark %v, snapshot %+v", marks, snap)
	}
}

func failedMember(e *exam) {
	// A delivery of an event that is not there fails when positions are given:
	// after the committer has begun with it.
	e.together(60, func(i int) error {
		c := change{x: exchange(i), order: fmt.Sprint(i), subs: []webhook.SubscriptionID{"crm"}}
		r := c.record()
		if i%3 == 0 {
			r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
				out, err := c.derive(before)
				out.Deliveries[0].Event = "evt_none"
				return out, err
			}
		}
		_, err := e.recordOne(r)
		if (err != nil) != (i%3 == 0) {
			return fmt.Errorf("record %d: %w", i, err)
		}
		return nil
	})
	e.reopen()
	if n := len(e.events(store.EventQuery{})); n != 40 {
		e.Error("events:", n)
	}
	if n := len(e.claim("crm", 0, noon)); n != 40 {
		e.Error("deliveries:", n)
	}
}

func panickedMember(e *exam) {
	e.together(20, func(i int) (err error) {
		c := change{x: exchange(i), order: "7"}
		r := c.record()
		if i%2 == 0 {
			r.Derive = func([]webhook.Snapshot) (store.Consequences, error) { panic("a rule's") }
		}
		if _, err = e.recordOne(r); (err != nil) != (i%2 == 0) {
			return fmt.Errorf("record %d: %w", i, err)
		}
		return nil
	})
	if n := len(e.events(store.EventQuery{})); n != 10 {
		e.Error("events:", n)
	}
}
