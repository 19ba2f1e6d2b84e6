package deliver_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// Whatever receivers, reloads and operators do at the same time: everything
// ends, everything was accepted, and no lane is out of order.
func TestEverythingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const subs, lanes, each = 12, 4, 8
		var all []*webhook.Subscription
		net := delivertest.Net{}
		receivers := map[webhook.SubscriptionID]*delivertest.Receiver{}
		for i := range subs {
			id := webhook.SubscriptionID(fmt.Sprintf("s%02d", i))
			script := make([]delivertest.Reply, 200)
			for j := range script {
				script[j] = []delivertest.Reply{200, 200, 200, 500, 429, delivertest.Silent, delivertest.Reset}[rand.IntN(7)]
			}
			receivers[id] = delivertest.NewReceiver(t, append(script, 200)...)
			net[string(id)] = delay{receivers[id], time.Duration(rand.IntN(50)) * time.Millisecond}
			s := subscribe(id, "https://"+string(id)+"/")
			s.Concurrency = 1 + i%4
			s.Retry = slices.Repeat(webhook.Schedule{time.Second}, 50)
			all = append(all, s)
		}
		b := start(t, deliver.Options{Transport: net, InFlight: 10}, all...)
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := range each * lanes {
				for _, s := range all {
					b.q.Owe(s.ID, event(n), fmt.Sprint(n%lanes))
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
		wg.Go(func() {
			for range 50 {
				s := all[rand.IntN(subs)]
				b.Pause(t.Context(), s.ID, webhook.ReasonOperator)
				time.Sleep(20 * time.Millisecond)
				b.Resume(t.Context(), s.ID, webhook.ReasonOperator)
			}
		})
		wg.Go(func() {
			for n := range 50 {
				if n%2 == 0 {
					b.Configure(all[1:], nil, all[0].ID)
				} else {
					b.Configure(all, nil)
				}
				time.Sleep(30 * time.Millisecond)
			}
		})
		wg.Wait()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := b.q.Pending(); n != 0 {
			t.Fatalf("%d deliveries never ended; load %+v, states %+v", n, b.Load(), b.States())
		}
		if load := b.Load(); load != (deliver.Load{}) {
			t.Errorf("still busy: %+v", load)
		}
		for id, r := range receivers {
			last := map[int]int{}
			for _, got := range r.Requests() {
				var n int
				fmt.Sscanf(got.Header.Get("Webhook-Id"), "evt_%d", &n)
				if n < last[n%lanes] {
					t.Errorf("%s: %d came after %d in its lane", id, n, last[n%lanes])
				}
				last[n%lanes] = n
			}
		}
	})
}

// One result that can never be recorded keeps no other from it.
func TestPoisonSettlement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 200)
		b := start(t, deliver.Options{Transport: crm}, subscribe("crm", "https://crm/"))
		b.q.Poison(webhook.NewDeliveryID(event(7), "crm", 0))
		for i := range 100 {
			b.q.Owe("crm", event(i), "")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := b.q.Pending(); n != 1 {
			t.Errorf("%d deliveries are not settled, want the one that cannot be", n)
		}
		if err := b.stop(); err == nil {
			t.Error("Run does not say that something is not recorded")
		}
		if b.q.Claimed() != 0 {
			t.Error("it is not given back")
		}
	})
}

// ear is an observer that counts.
type ear struct {
	mu       sync.Mutex
	outcomes []webhook.Outcome
	settled  []webhook.DeliveryState
	statuses []webhook.Status
	circuits []int
}

func (e *ear) CircuitChanged(_ *webhook.Subscription, st webhook.SubscriptionState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.circuits = append(e.circuits, st.Opened)
}

func (e *ear) Attempted(_ *webhook.Subscription, _ *webhook.Delivery, a *webhook.Attempt) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outcomes = append(e.outcomes, a.Outcome)
}

func (e *ear) Settled(_ *webhook.Subscription, d *webhook.Delivery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled = append(e.settled, d.State)
}

func (e *ear) StateChanged(_ *webhook.Subscription, st webhook.SubscriptionState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.statuses = append(e.statuses, st.Status)
}

func TestObserverHearsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{}
		crm := delivertest.NewReceiver(t, 500, 200, 410)
		b := start(t, deliver.Options{Transport: crm, Observer: e}, subscribe("crm", "https://crm/"))
		b.q.Owe("crm", event(1), "lane")
		b.q.Owe("crm", event(2), "lane")
		time.Sleep(time.Hour)
		synctest.Wait()
		b.Configure(nil, nil, "crm")
		if got, want := fmt.Sprint(e.outcomes, e.settled, e.statuses), "[failed accepted stopped] [delivered] [gone]"; got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	})
}

// A store that stalls while the payload is rendered costs an attempt, not the
// delivery.
func TestPayloadThatIsLateIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 200)
		for n, c := range []struct {
			err  error
			want string
		}{
			{nil, "the payload was not ready within 10s"},
			{fmt.Errorf("read the event: %w", deliver.ErrNotNow), "payload: read the event: not now"},
		} {
			b := start(t, deliver.Options{Transport: crm, Renderer: &lateOnce{err: c.err}}, subscribe("crm", "https://crm/"))
			id := b.q.Owe("crm", event(n), "lane")
			time.Sleep(time.Minute)
			synctest.Wait()
			b.state(t, id, webhook.Delivered)
			if as := b.q.Attempts(id); len(as) != 2 || as[0].Error != c.want {
				t.Errorf("recorded %+v", as)
			}
		}
	})
}
