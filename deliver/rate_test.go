package deliver_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// most returns how many requests arrived at most within any time of a length.
func most(got []delivertest.Got, within time.Duration) (n int) {
	for i, j := 0, 0; j < len(got); j++ {
		for got[j].At.Sub(got[i].At) >= within {
			i++
		}
		n = max(n, j-i+1)
	}
	return n
}

// limited is a subscription with a rate, owed n deliveries before it begins.
func limited(t *testing.T, rate string, n int, replies ...delivertest.Reply) (*bench, *delivertest.Receiver, *webhook.Subscription) {
	t.Helper()
	r := delivertest.NewReceiver(t, replies...)
	s := subscribe("crm", "https://crm/")
	var err error
	if s.Rate, err = webhook.ParseRate(rate); err != nil {
		t.Fatal(err)
	}
	q := delivertest.NewQueue()
	for i := range n {
		q.Owe("crm", event(i), fmt.Sprint(i%7))
	}
	return start(t, deliver.Options{Queue: q, Transport: r}, s), r, s
}

// What waits goes out at the rate, evenly, and all of it.
func TestRateSpreadsWhatWaits(t *testing.T) {
	for _, c := range []struct {
		rate  string
		n     int
		takes time.Duration
		often time.Duration // how long nothing but the burst may go out
		burst int
	}{
		{"50/s", 1000, 20 * time.Second, time.Second, 55},
		{"3000/s", 3000, time.Second, 500 * time.Millisecond, 1800},
		{"60/m", 120, 2 * time.Minute, time.Second, 1},
		{"24/h", 72, 3 * time.Hour, 149 * time.Second, 1},
	} {
		t.Run(c.rate, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, r, _ := limited(t, c.rate, c.n)
				time.Sleep(c.takes + c.takes/20)
				synctest.Wait()
				got := r.Requests()
				if len(got) != c.n {
					t.Fatalf("%d of %d arrived within %v", len(got), c.n, c.takes)
				}
				if took := got[len(got)-1].At.Sub(got[0].At); took < c.takes*8/10 {
					t.Errorf("all were there after %v, want about %v", took, c.takes)
				}
				if n := most(got, c.often); n > c.burst {
					t.Errorf("%d arrived within %v, want at most %d", n, c.often, c.burst)
				}
				if n := b.q.Claimed(); n != 0 {
					t.Errorf("%d are claimed and not delivered", n)
				}
			})
		})
	}
}

// A rate delays; it spends no attempt, and counts retries as requests.
func TestRateSpendsNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r, _ := limited(t, "6/h", 4, 500, 500, 200)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := len(r.Requests()); n != 6 {
			t.Errorf("%d requests, want four deliveries and two retries", n)
		}
		if n := most(r.Requests(), 10*time.Minute); n != 1 {
			t.Errorf("%d within ten minutes", n)
		}
		if n := b.q.Pending(); n != 0 {
			t.Errorf("%d are not delivered", n)
		}
		spent := 0
		for i := range 4 {
			spent += b.q.Delivery(webhook.NewDeliveryID(event(i), "crm", 0)).Attempts
		}
		if spent != 6 {
			t.Errorf("%d attempts spent, want 6", spent)
		}
	})
}

// What waits for its rate waits for nobody else, and leaves others their slots.
func TestRateHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, r := subscribe("slow", "https://slow/"), delivertest.NewReceiver(t, 200)
		slow.Rate = webhook.Rate{Requests: 1, Per: time.Hour}
		b := start(t, deliver.Options{Transport: r, InFlight: 2}, slow, subscribe("crm", "https://crm/"))
		for i := range 100 {
			b.q.Owe("slow", event(i), "")
			b.q.Owe("crm", event(i), "")
		}
		synctest.Wait()
		if n := len(r.Requests()); n != 101 {
			t.Errorf("%d arrived at once, want all of one and one of the other", n)
		}
	})
}

// A reload does not refill: only another rate begins anew. Without one, all
// that waited goes.
func TestRateAcrossReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r, s := limited(t, "1/h", 20)
		for range 10 {
			time.Sleep(time.Minute)
			again := *s
			b.Configure([]*webhook.Subscription{&again}, nil)
		}
		synctest.Wait()
		if n := len(r.Requests()); n != 1 {
			t.Errorf("%d arrived within the hour, want one", n)
		}
		free := *s
		free.Rate = webhook.Rate{}
		b.Configure([]*webhook.Subscription{&free}, nil)
		synctest.Wait()
		if n := len(r.Requests()); n != 20 {
			t.Errorf("%d arrived when the rate was gone, want 20", n)
		}
	})
}

// hiding is an API that shows the subscriber nothing of most events.
type hiding struct{ delivertest.Renderer }

func (r hiding) Render(ctx context.Context, d *webhook.Delivery, s *webhook.Subscription) (webhook.Payload, error) {
	if d.Event != event(9) {
		return webhook.Payload{Withheld: &webhook.Withheld{Outcome: webhook.Hidden, Why: "the API answered 403"}}, nil
	}
	return r.Renderer.Render(ctx, d, s)
}

// What is withheld uses up nothing of a rate.
func TestWhatIsWithheldSpendsNoRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 200)
		s := subscribe("crm", "https://crm/")
		s.Rate = webhook.Rate{Requests: 1, Per: time.Hour}
		b := start(t, deliver.Options{Transport: r, Renderer: hiding{}}, s)
		for i := range 10 {
			b.q.Owe("crm", event(i), "")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.Requests()); n != 1 {
			t.Errorf("%d requests within a minute, want the one that is not withheld", n)
		}
	})
}
