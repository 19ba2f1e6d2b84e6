package deliver_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// failing returns n replies of a status, and then 200.
func failing(status delivertest.Reply, n int) []delivertest.Reply {
	return append(slices.Repeat([]delivertest.Reply{status}, n), 200)
}

// A receiver that fails is soon tried with one request at a time, further and
// further apart; what waits spends no attempts, and all goes when it is well.
func TestCircuitOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tries = 10 + 150
		r, e := delivertest.NewReceiver(t, failing(500, tries)...), &ear{}
		s := subscribe("crm", "https://crm/")
		s.Concurrency = 1
		b := start(t, deliver.Options{Transport: r, Observer: e}, s)
		for i := range 1000 {
			b.q.Owe("crm", event(i), fmt.Sprint(i%97))
		}
		synctest.Wait()
		waits := slices.Repeat([]time.Duration{0}, 10)
		r.Received(waits...)
		for _, wait := range []time.Duration{30, 60, 120, 240, 480, 600, 600} {
			time.Sleep(wait * time.Second)
			synctest.Wait()
			waits = append(waits, wait*time.Second)
		}
		r.Received(waits...)
		if got := b.States()[0]; got.Status != webhook.Active || got.Opened != 8 || !got.OpenUntil.After(time.Now()) {
			t.Errorf("state %+v", got)
		}
		time.Sleep(36 * time.Hour)
		synctest.Wait()
		if n := b.q.Pending(); n != 0 {
			t.Errorf("%d are not delivered although the receiver is well", n)
		}
		if n := len(r.Requests()); n != 1000+tries {
			t.Errorf("%d requests, want %d", n, 1000+tries)
		}
		if got := b.q.State("crm"); got.Opened != 0 || !got.OpenUntil.IsZero() {
			t.Errorf("kept state %+v", got)
		}
		if fmt.Sprint(e.circuits) != "[1 0]" {
			t.Errorf("the observer heard %v, want one opening and one closing", e.circuits)
		}
	})
}

// However many receivers hang, they soon hold one slot each and now and then.
func TestCircuitsOfThoseThatHangLeaveTheOthersTheSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := delivertest.Net{"good": delivertest.NewReceiver(t, 200)}
		subs := []*webhook.Subscription{subscribe("good", "https://good/")}
		for i := range 8 {
			host := fmt.Sprint("bad", i)
			net[host] = delivertest.NewReceiver(t, delivertest.Silent)
			subs = append(subs, subscribe(webhook.SubscriptionID(host), "https://"+host+"/"))
		}
		b := start(t, deliver.Options{Transport: net, InFlight: 16}, subs...)
		for i := range 800 {
			b.q.Owe(subs[1+i%8].ID, event(i), "")
		}
		time.Sleep(2 * time.Minute)
		for i := range 600 {
			began, id := time.Now(), b.q.Owe("good", event(i), "")
			for b.q.Delivery(id).State != webhook.Delivered {
				time.Sleep(time.Millisecond)
			}
			if took := time.Since(began); took > 20*time.Millisecond {
				t.Fatalf("delivery %d to the good one took %v beside those that hang", i, took)
			}
			time.Sleep(time.Second)
		}
	})
}

// An open circuit survives a restart; only then is it tried again.
func TestCircuitSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, q, s := delivertest.NewReceiver(t, failing(500, 11)...), delivertest.NewQueue(), subscribe("crm", "https://crm/")
		s.Concurrency = 1
		for i := range 20 {
			q.Owe("crm", event(i), "")
		}
		first := start(t, deliver.Options{Queue: q, Transport: r}, s)
		time.Sleep(31 * time.Second) // it is open for a minute now
		first.stop()
		second := start(t, deliver.Options{Queue: q, Transport: r})
		second.Configure([]*webhook.Subscription{s}, []webhook.SubscriptionState{q.State("crm")})
		time.Sleep(55 * time.Second)
		synctest.Wait()
		if n := len(r.Requests()); n != 11 {
			t.Errorf("%d requests while it is open, want 11", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(r.Requests()); n < 20 {
			t.Errorf("%d requests when it closed, want the rest", n)
		}
	})
}

// What opens a circuit, and what does not.
func TestCircuitTips(t *testing.T) {
	pattern := func(replies ...delivertest.Reply) []delivertest.Reply {
		return slices.Concat(slices.Repeat(replies, 20), []delivertest.Reply{200})
	}
	for name, c := range map[string]struct {
		script []delivertest.Reply
		every  time.Duration // between events
		opens  bool
	}{
		"all fail":                           {pattern(500), time.Second, true},
		"all fail after a long good time":    {append(slices.Repeat([]delivertest.Reply{200}, 100), pattern(404)...), time.Second, true},
		"three of four fail":                 {pattern(500, 500, 500, 200), time.Second, true},
		"three of five fail":                 {pattern(500, 500, 200, 500, 200), time.Second, false},
		"seven of ten fail":                  {pattern(500, 200, 200, 200, 500, 500, 500, 500, 500, 500), time.Second, true},
		"ten fail within five minutes":       {pattern(500), 28 * time.Second, true},
		"nine fail within five minutes":      {pattern(500), 35 * time.Second, false},
		"nine fail, and all is well again":   {failing(500, 9), time.Second, false},
		"all fail, and there are few":        {pattern(500), time.Minute, false},
		"all fail that are not told to wait": {pattern(500, 429, 429), time.Second, true},
		"all are told to wait":               {pattern(429), time.Second, false},
		"all are refused":                    {pattern(400), time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, e := delivertest.NewReceiver(t, c.script...).Answering(400, "Webhook-Delivery", "abort-message").Answering(429, "Retry-After", "1"), &ear{}
				s := subscribe("crm", "https://crm/")
				s.Retry, s.Concurrency = nil, 1
				b := start(t, deliver.Options{Transport: r, Observer: e}, s)
				for i := range min(len(c.script), 110) {
					b.q.Owe("crm", event(i), "")
					time.Sleep(c.every)
				}
				synctest.Wait()
				if opened := slices.Contains(e.circuits, 1); opened != c.opens {
					t.Errorf("after %d requests: opened %v, want %v", len(r.Requests()), opened, c.opens)
				}
			})
		})
	}
}

// While the one is under way that is tried when the circuit is half open, no other is.
// The twin in internal/e2e is TestAHalfOpenCircuitIsTriedOnce.
func TestAHalfOpenCircuitIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := subscribe("crm", "https://crm/")
		r := delivertest.NewReceiver(t, append(slices.Repeat([]delivertest.Reply{500}, 10), delivertest.Silent)...)
		s.Concurrency = 8
		b := start(t, deliver.Options{Transport: r}, s)
		for i := range 10 {
			b.q.Owe("crm", event(i), "")
			synctest.Wait()
		}
		for i := range 20 {
			b.q.Owe("crm", event(100+i), "")
		}
		time.Sleep(39 * time.Second) // it is tried after 30, for 10
		synctest.Wait()
		if n := len(r.Requests()); n != 11 {
			t.Errorf("%d are under way while it is half open, want one", n-10)
		}
	})
}

// Who changes the URL, or resumes by hand, does not wait for the circuit.
func TestCircuitIsClosedByHand(t *testing.T) {
	for name, repair := range map[string]func(*testing.T, *bench, webhook.Subscription){
		"resumed": func(t *testing.T, b *bench, s webhook.Subscription) {
			if st, err := b.Resume(t.Context(), "crm", webhook.ReasonOperator); err != nil || st.Opened != 0 {
				t.Errorf("resumed: %+v (%v)", st, err)
			}
		},
		"moved": func(t *testing.T, b *bench, s webhook.Subscription) {
			s.URL = "https://new/"
			b.Configure([]*webhook.Subscription{&s}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, s := delivertest.NewReceiver(t, failing(500, 10)...), subscribe("crm", "https://crm/")
				s.Concurrency = 1
				b := start(t, deliver.Options{Transport: r}, s)
				for i := range 20 {
					b.q.Owe("crm", event(i), "")
				}
				synctest.Wait()
				repair(t, b, *s)
				synctest.Wait()
				if n := len(r.Requests()); n != 20 {
					t.Errorf("%d requests, want all at once", n)
				}
			})
		})
	}
}
