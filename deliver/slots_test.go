package deliver_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// However many slots one subscription may have, and however many of them hang, who
// has nothing under way finds a slot at once. The twin in internal/e2e is
// TestAGreedySubscriberHurtsNobodyElse.
func TestThereIsASlotForWhoHasNone(t *testing.T) {
	for name, c := range map[string]struct{ hang, concurrency, fewest int }{
		"one that may have all":         {1, 1000, 90},
		"more than there are slots for": {60, 8, 180},
		"and each of them greedy":       {60, 1000, 180},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad, good := delivertest.NewReceiver(t, delivertest.Silent), delivertest.NewReceiver(t, 200)
				subs := []*webhook.Subscription{subscribe("good", "https://good/")}
				for i := range c.hang {
					s := subscribe(webhook.SubscriptionID(fmt.Sprint("bad", i)), "https://bad/")
					s.Concurrency = c.concurrency
					subs = append(subs, s)
				}
				b := start(t, deliver.Options{Transport: delivertest.Net{"bad": bad, "good": good}}, subs...)
				for _, s := range subs[1:] {
					for i := range min(c.concurrency, 300) {
						b.q.Owe(s.ID, event(i), "")
					}
				}
				synctest.Wait()
				if n := len(bad.Requests()); n < c.fewest || n >= 256 {
					t.Errorf("%d slots hang, want %d at least, and not all", n, c.fewest)
				}
				began := time.Now()
				for i := range 200 {
					b.q.Owe("good", event(i), "")
				}
				synctest.Wait()
				if n, waited := len(good.Requests()), time.Since(began); n != 200 || waited != 0 {
					t.Errorf("after %v %d of 200 arrived at the good one", waited, n)
				}
			})
		})
	}
}

// Slots that were left for others are used once they are enough for all: each of
// what waits goes as soon as something ends.
func TestSlotsThatAreFreeAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 400
		r := delay{delivertest.NewReceiver(t, 200), time.Second}
		subs := []*webhook.Subscription{subscribe("a", "https://a/"), subscribe("b", "https://b/"), subscribe("c", "https://c/")}
		b := start(t, deliver.Options{Transport: r, InFlight: 16}, subs...)
		for _, s := range subs {
			for i := range each {
				b.q.Owe(s.ID, event(i), "")
			}
		}
		began := time.Now()
		for b.q.Pending() > 0 && time.Since(began) < 10*time.Minute {
			time.Sleep(time.Second)
		}
		// Four of the sixteen are reserved, and each of the three has as many as stay free.
		if took, most := time.Since(began), 3*each/9*time.Second+2*time.Second; took > most {
			t.Errorf("it took %v, want %v at most", took, most)
		}
	})
}

// Who has something ready does not wait until another's attempt ends when a slot is
// free that it may have: not even if who is before it took the one that it left.
func TestAFreeSlotIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 12
		bad, good := delivertest.NewReceiver(t, delivertest.Silent), delivertest.NewReceiver(t, 200)
		h1, h2 := subscribe("h1", "https://bad/"), subscribe("h2", "https://bad/")
		h1.Timeout, h2.Timeout = time.Hour, time.Hour
		b := start(t, deliver.Options{Transport: delivertest.Net{"bad": bad, "good": delay{good, time.Second}}, InFlight: 8}, h1, h2, subscribe("good", "https://good/"))
		for i := range n {
			b.q.Owe("h1", event(i), "")
		}
		synctest.Wait()
		for i := range n {
			b.q.Owe("good", event(i), "")
		}
		for i := range n {
			b.q.Owe("h2", event(i), "")
		}
		time.Sleep((n + 1) * time.Second)
		synctest.Wait()
		if got := len(good.Requests()); got != n {
			t.Errorf("%d of %d arrived, one a second and more", got, n)
		}
	})
}
