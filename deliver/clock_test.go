package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// A clock that is set back by hours holds up nothing: what is new goes at once, what
// failed is tried again by its schedule, and each wait ends; a tenth later at most.
func TestAClockSetBackHoldsUpNothing(t *testing.T) {
	const back = 3 * time.Hour
	within := func(t *testing.T, what string, waited, want time.Duration) {
		t.Helper()
		if most := want + want/5 + want/50; waited < want || waited > most { // its jitter, and the pace
			t.Errorf("%s: after %v, want %v to %v", what, waited, want, most)
		}
	}
	for name, c := range map[string]struct {
		script []delivertest.Reply
		waits  []time.Duration
	}{
		"retries":     {[]delivertest.Reply{500, 500, 500, 200}, []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute}},
		"retry-after": {[]delivertest.Reply{429, 429, 200}, []time.Duration{10 * time.Minute, 10 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := delivertest.NewReceiver(t, c.script...).Answering(429, "Retry-After", "600")
				good := delivertest.NewReceiver(t, 200)
				paced := subscribe("good", "https://good/")
				paced.Rate = webhook.Rate{Requests: 1, Per: time.Minute}
				b := start(t, deliver.Options{Transport: delivertest.Net{"bad": bad, "good": good}}, subscribe("bad", "https://bad/"), paced)
				b.SetClock(back)
				b.q.Owe("bad", event(0), "lane")
				for i := range 3 {
					b.q.Owe("good", event(i), "")
				}
				synctest.Wait()
				b.SetClock(0)
				time.Sleep(30 * time.Second)
				last := b.q.Owe("good", event(3), "")
				time.Sleep(4 * time.Minute)
				b.state(t, last, webhook.Delivered)
				for i, got := range good.Requests()[1:] {
					if waited := got.At.Sub(good.Requests()[i].At); waited < time.Minute || waited > 67*time.Second {
						t.Errorf("with a rate, the next came after %v", waited)
					}
				}
				time.Sleep(time.Hour)
				got := bad.Requests()
				if len(got) != len(c.script) {
					t.Fatalf("%d attempts, want %d", len(got), len(c.script))
				}
				for i, want := range c.waits {
					within(t, "attempt", got[i+1].At.Sub(got[i].At), want)
				}
			})
		})
	}
}

// When the machine's clock has caught up, what is due goes by that again; and what was
// recorded before a start on a clock that was set back is due.
func TestTheClockCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 200, 500, 200)
		q := delivertest.NewQueue()
		b := start(t, deliver.Options{Transport: r, Queue: q, Reached: time.Now().Add(time.Hour)}, subscribe("crm", "https://crm/"))
		early := q.OweAt("crm", event(0), time.Now().Add(time.Hour))
		synctest.Wait()
		b.state(t, early, webhook.Delivered)
		time.Sleep(12 * time.Hour)
		id := b.q.Owe("crm", event(1), "")
		synctest.Wait()
		time.Sleep(10 * time.Millisecond) // it is recorded
		if wait := time.Until(b.q.Delivery(id).Due); wait < 4*time.Second || wait > 6*time.Second {
			t.Errorf("the next attempt is due in %v, want 5 s or a little more", wait)
		}
	})
}

// A machine that slept, or whose clock is set forward, is not behind for as long: timers go
// by what it was awake for.
func TestAClockSetForwardEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 429, 200).Answering(429, "Retry-After", "36000")
		b := start(t, deliver.Options{Transport: r}, subscribe("crm", "https://crm/"))
		id := b.q.Owe("crm", event(0), "")
		time.Sleep(time.Second)
		b.SetClock(11 * time.Hour)
		time.Sleep(2 * time.Minute)
		b.state(t, id, webhook.Delivered)
	})
}
