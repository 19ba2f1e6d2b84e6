package deliver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// keptClock is how far a clock has come, durably.
type keptClock struct{ at time.Time }

func (k *keptClock) keep(_ context.Context, at time.Time) error { k.at = at; return nil }

// A clock that was years ahead, and is right at the next start: what was dated meanwhile
// waits as long as it had to, not for years, and not a moment less. That is so for
// the next attempts, for what a receiver has asked to wait, and for circuits.
func TestAStartAfterTheClockWasAhead(t *testing.T) {
	for name, c := range map[string]struct {
		script []delivertest.Reply
		n      int
		wait   time.Duration
	}{
		"retries":     {[]delivertest.Reply{500, 500, 200}, 1, 5 * time.Minute},
		"retry-after": {[]delivertest.Reply{429, 429, 200}, 1, 10 * time.Minute},
		"circuit":     {failing(500, 12), 20, time.Minute},
	} {
		for was, atStart := range map[string]time.Duration{"set back while it runs": 0, "set back while it is down": 3 * 365 * 24 * time.Hour} {
			t.Run(name+", "+was, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := delivertest.NewReceiver(t, c.script...).Answering(429, "Retry-After", "600")
					var kept keptClock
					q, crm := delivertest.NewQueue(), subscribe("crm", "https://crm/")
					crm.Concurrency = 1
					opts := deliver.Options{Transport: r, Queue: q, KeepClock: kept.keep}
					b := start(t, opts, crm)
					b.SetClock(3 * 365 * 24 * time.Hour)
					for i := range c.n {
						q.Owe("crm", event(i), "")
					}
					synctest.Wait()
					b.SetClock(atStart)
					for len(r.Requests()) < len(c.script)-1 {
						time.Sleep(time.Second)
						synctest.Wait()
					}
					b.stop()
					last, began := len(r.Requests()), time.Now()
					opts.Reached = kept.at
					again := start(t, opts)
					if err := again.Configure([]*webhook.Subscription{crm}, []webhook.SubscriptionState{q.State("crm")}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(c.wait - 2*time.Second)
					synctest.Wait()
					if n := len(r.Requests()); n != last {
						t.Errorf("%d attempts before the wait is over", n-last)
					}
					time.Sleep(c.wait/5 + 2*time.Minute) // the jitter, the pace, and what is not kept
					synctest.Wait()
					if n := len(r.Requests()); n == last {
						t.Errorf("nothing in %v, of a wait of %v", time.Since(began), c.wait)
					}
				})
			})
		}
	}
}

// How far the clock has come is durable before what was dated by it, and is written at
// most once in a minute.
func TestTheClockIsKeptBeforeWhatItDates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept []time.Time
		r, q := delivertest.NewReceiver(t, 500), delivertest.NewQueue()
		b := start(t, deliver.Options{Transport: r, Queue: q, KeepClock: func(_ context.Context, at time.Time) error {
			kept = append(kept, at)
			if _, settles := q.Calls(); len(kept) == 2 && settles != 1 {
				t.Errorf("kept after %d recordings, want before the second", settles)
			}
			return nil
		}}, subscribe("crm", "https://crm/"))
		q.Owe("crm", event(0), "")
		time.Sleep(time.Second)
		b.SetClock(3 * time.Hour)
		q.Owe("crm", event(1), "")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if len(kept) != 2 || time.Until(kept[1]) < 2*time.Hour {
			t.Errorf("kept %v, want now and in three hours", kept)
		}
	})
}

// A circuit whose probe hangs stays open for as long as it would if the clock had not been
// set back: what the probe took is measured by the clock by which it began.
func TestAHangingProbeOpensTheCircuitAgain(t *testing.T) {
	tries := map[bool]int{}
	for _, back := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := delivertest.NewReceiver(t, delivertest.Silent)
			crm := subscribe("crm", "https://crm/")
			crm.Concurrency = 1
			b := start(t, deliver.Options{Transport: r}, crm)
			if back {
				b.SetClock(30 * time.Hour)
				b.q.Owe("nobody", event(99), "")
				synctest.Wait()
				b.SetClock(0)
			}
			for i := range 40 {
				b.q.Owe("crm", event(i), "")
			}
			time.Sleep(time.Hour)
			tries[back] = len(r.Requests())
		})
	}
	if tries[true] > tries[false] {
		t.Errorf("%d attempts in an hour, and %d where the clock was set back", tries[false], tries[true])
	}
}
