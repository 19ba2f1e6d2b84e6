package deliver_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func fixed(n *uint64) func(context.Context) (uint64, error) {
	return func(context.Context) (uint64, error) { return *n, nil }
}

// A receiver that swallows everything holds at most its own slots: all others
// are served at once.
func TestPromise6OneBadSubscriberHurtsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, good := delivertest.NewReceiver(t, delivertest.Silent), delivertest.NewReceiver(t, 200)
		b := start(t, deliver.Options{Transport: delivertest.Net{"bad": bad, "good": good}, InFlight: 24},
			subscribe("bad", "https://bad/"), subscribe("good", "https://good/"))
		for i := range 1000 {
			b.q.Owe("bad", event(i), "")
		}
		began := time.Now()
		for i := range 200 {
			b.q.Owe("good", event(i), "")
		}
		synctest.Wait()
		if n := len(good.Requests()); n != 200 {
			t.Errorf("%d of 200 arrived at the good one at once", n)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the good one waited %v", waited)
		}
		if n := len(bad.Requests()); n != 8 {
			t.Errorf("%d in flight to the bad one, want its concurrency", n)
		}
	})
}

// Subscriptions with something due take turns, however much each is owed.
func TestSubscriptionsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 200)
		slow := delay{r, time.Second}
		a, z := subscribe("a", "https://a/"), subscribe("z", "https://z/")
		b := start(t, deliver.Options{Transport: slow, InFlight: 2}, a, z)
		for i := range 40 {
			b.q.Owe("a", event(i), "")
		}
		for i := range 5 {
			b.q.Owe("z", event(i), "")
		}
		time.Sleep(8 * time.Second)
		synctest.Wait()
		n := 0
		for _, got := range r.Requests() {
			if got.URL == "https://z/" {
				n++
			}
		}
		if n != 5 {
			t.Errorf("%d of 5 arrived within 8 s at 2 a second", n)
		}
	})
}

// delay is a receiver that takes its time.
type delay struct {
	*delivertest.Receiver
	wait time.Duration
}

func (d delay) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(d.wait)
	return d.Receiver.RoundTrip(req)
}

// Deliveries of one lane arrive one after the other, in order, also when one
// has to be tried again; another lane does not wait.
func TestLaneKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 500, 200)
		b := start(t, deliver.Options{Transport: delay{r, time.Millisecond}}, subscribe("crm", "https://crm/"))
		for i := range 20 {
			b.q.Owe("crm", event(i), "lane")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		var ids []string
		for _, got := range r.Requests() {
			ids = append(ids, got.Header.Get("Webhook-Id"))
		}
		if len(ids) != 21 || !slices.IsSorted(ids) {
			t.Errorf("arrived %v", ids)
		}
	})
}

// What is released goes in front of what is newer in its lane, also of what
// was claimed before.
func TestReleasedComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 200)
		s := subscribe("crm", "https://crm/")
		s.Concurrency = 1
		q := delivertest.NewQueue()
		q.Owe("crm", event(0), "lane")
		q.Owe("crm", event(1), "lane")
		q.Owe("crm", event(9), "another lane")
		time.Sleep(time.Second)
		q.Owe("crm", event(2), "lane")
		held := webhook.NewState("crm", 1, time.Now())
		held.HeldThrough = 2
		b := start(t, deliver.Options{Queue: q, Transport: delay{r, time.Second}})
		b.Configure([]*webhook.Subscription{s}, []webhook.SubscriptionState{held})
		time.Sleep(time.Second / 2) // event 9 is in flight, event 2 claimed
		b.Release(t.Context(), "crm", webhook.ReasonOperator)
		time.Sleep(time.Minute)
		synctest.Wait()
		var lane []string
		for _, got := range r.Requests() {
			lane = append(lane, got.Header.Get("Webhook-Id"))
		}
		if want := "[evt_0009 evt_0000 evt_0001 evt_0002]"; fmt.Sprint(lane) != want {
			t.Errorf("arrived %v, want %v", lane, want)
		}
	})
}

// A reload swaps what attempts have in common, and leaves those in flight
// alone.
func TestReloadWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 200)
		s := subscribe("crm", "https://old/")
		s.Concurrency = 1
		b := start(t, deliver.Options{Transport: delay{r, time.Second}}, s)
		first := b.q.Owe("crm", event(1), "")
		second := b.q.Owe("crm", event(2), "")
		time.Sleep(time.Second / 2)
		if err := b.Configure([]*webhook.Subscription{subscribe("crm", "https://new/")}, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		got := r.Requests()
		if len(got) != 2 || got[0].URL != "https://old/" || got[1].URL != "https://new/" {
			t.Errorf("arrived %+v", got)
		}
		b.state(t, first, webhook.Delivered)
		b.state(t, second, webhook.Delivered)
	})
}

// A name that is gone from the configuration is owed what it was owed; back, it
// is delivered.
func TestAbsentAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 200)
		crm := subscribe("crm", "https://crm/")
		b := start(t, deliver.Options{Transport: r}, crm)
		b.Configure(nil, nil, "crm")
		id := b.q.Owe("crm", event(1), "")
		time.Sleep(time.Hour)
		synctest.Wait()
		r.Received()
		if got := b.q.State("crm"); got.Status != webhook.Absent || got.Reason != webhook.ReasonAbsent {
			t.Errorf("kept state %+v", got)
		}
		b.Configure([]*webhook.Subscription{crm}, nil)
		synctest.Wait()
		b.state(t, id, webhook.Delivered)
		if got := b.q.State("crm"); got.Status != webhook.Active {
			t.Errorf("kept state %+v", got)
		}
	})
}

// What is in flight at the end may finish within the budget; the rest is cut,
// given back, and not counted.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := delay{delivertest.NewReceiver(t, 200), time.Second}
		b := start(t, deliver.Options{Transport: delivertest.Net{"slow": slow, "never": delivertest.NewReceiver(t, delivertest.Silent)}},
			subscribe("slow", "https://slow/"), subscribe("never", "https://never/"))
		finishes := b.q.Owe("slow", event(1), "")
		cut := b.q.Owe("never", event(1), "")
		for i := range 30 {
			b.q.Owe("never", event(i+2), "")
		}
		time.Sleep(time.Second / 2)
		began := time.Now()
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("the shutdown took %v, want the budget of 4s", took)
		}
		b.state(t, finishes, webhook.Delivered)
		if got := b.q.Delivery(cut); got.Attempts != 0 || got.Requests != 0 || len(b.q.Attempts(cut)) != 0 {
			t.Errorf("the cut attempt counts: %+v", got)
		}
		if n := b.q.Claimed(); n != 0 {
			t.Errorf("%d deliveries are not given back", n)
		}
	})
}

// With `order entity hold`, an exhausted delivery holds its lane and no other,
// for days, until it is released; then it has a fresh schedule.
func TestOrderHoldsBehindAnExhaustedHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := delivertest.NewReceiver(t, 200, 500, 500, 500, 200), &ear{}
		s := subscribe("crm", "https://crm/")
		s.Order, s.Retry, s.Concurrency = webhook.OrderEntityHold, webhook.Schedule{time.Hour, 24 * time.Hour}, 1
		b := start(t, deliver.Options{Transport: r, Observer: e}, s)
		free := b.q.Owe("crm", event(0), "")
		head := b.q.Owe("crm", event(1), "lane")
		next := b.q.Owe("crm", event(2), "lane")
		time.Sleep(30 * 24 * time.Hour)
		b.state(t, free, webhook.Delivered)
		b.state(t, head, webhook.Held)
		b.state(t, next, webhook.Pending)
		other := b.q.Owe("crm", event(3), "another lane")
		time.Sleep(time.Second)
		b.state(t, other, webhook.Delivered)
		if n := b.q.Delivery(next).Requests; n != 0 {
			t.Errorf("the next of the lane was attempted %d times", n)
		}
		if d := b.q.Delivery(head); d.Attempts != 3 || d.Settled.IsZero() {
			t.Errorf("the held one is %+v", d)
		}
		if got := b.States()[0]; got.Status != webhook.Active {
			t.Errorf("state %+v", got)
		}
		if _, err := b.Release(t.Context(), "crm", webhook.ReasonOperator); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.state(t, head, webhook.Delivered)
		b.state(t, next, webhook.Delivered)
		synctest.Wait() // the observer hears of it behind what the store shows
		if want := "[delivered held delivered delivered delivered]"; fmt.Sprint(e.settled) != want {
			t.Errorf("the observer heard %v, want %s", e.settled, want)
		}
	})
}

// What a replay sends is beside its lane: when its schedule runs out it is exhausted, and
// holds nothing.
func TestAReplayHoldsNoLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 200, 500, 200)
		s := subscribe("crm", "https://crm/")
		s.Order, s.Retry = webhook.OrderEntityHold, nil
		b := start(t, deliver.Options{Transport: r}, s)
		id := b.q.Owe("crm", event(0), "lane")
		time.Sleep(time.Second)
		b.state(t, id, webhook.Delivered)
		d := b.q.Delivery(id)
		if err := b.q.Settle(t.Context(), webhook.Settlement{Delivery: d.Replayed(time.Now())}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.state(t, id, webhook.Exhausted)
		next := b.q.Owe("crm", event(1), "lane")
		time.Sleep(time.Second)
		b.state(t, next, webhook.Delivered)
	})
}

// A subscription has no more than its concurrency in flight, however many are
// owed and however long they take, and leaves the others theirs. The twin in
// internal/e2e is TestConcurrencyIsACap.
func TestConcurrencyIsACap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := delivertest.NewReceiver(t, delivertest.Silent), delivertest.NewReceiver(t, 200)
		s := subscribe("slow", "https://slow/")
		s.Concurrency, s.Timeout, s.Retry = 3, time.Hour, nil
		b := start(t, deliver.Options{Transport: delivertest.Net{"slow": slow, "quick": quick}}, s, subscribe("quick", "https://quick/"))
		for i := range 9 {
			b.q.Owe("slow", event(i), "")
			b.q.Owe("quick", event(i), "")
		}
		for hour := 1; hour <= 3; hour++ {
			synctest.Wait()
			if n := len(slow.Requests()); n != 3*hour {
				t.Errorf("in hour %d there were %d requests, want %d", hour, n, 3*hour)
			}
			time.Sleep(time.Hour + time.Second)
		}
		if n := len(quick.Requests()); n != 9 {
			t.Errorf("the other got %d, want 9", n)
		}
	})
}
