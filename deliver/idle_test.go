package deliver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// What is owed to one is nobody else's affair: the others are not asked for.
func TestOnlyThoseAskWhoAreOwedSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		subs := []*webhook.Subscription{subscribe("busy", "https://busy/")}
		for i := range 100 {
			subs = append(subs, subscribe(webhook.SubscriptionID(fmt.Sprint("idle", i)), "https://idle/"))
		}
		b := start(t, deliver.Options{Transport: delivertest.NewReceiver(t, 500, 200)}, subs...)
		synctest.Wait()
		before, _ := b.q.Calls()
		id := b.q.Owe("busy", event(0), "")
		time.Sleep(time.Minute) // the second attempt too
		b.state(t, id, webhook.Delivered)
		if after, _ := b.q.Calls(); after-before > 10 {
			t.Errorf("%d claims for one delivery of one of 101", after-before)
		}
	})
}

// Waits end by themselves each at its time, in whatever order they began, and
// whoever is deleted or paused meanwhile.
func TestEachWaitEndsAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 60
		net := delivertest.Net{}
		var subs []*webhook.Subscription
		wait := func(i int) time.Duration { return time.Duration(1+i*37%n) * time.Minute }
		for i := range n {
			name := fmt.Sprint("s", i)
			net[name] = delivertest.NewReceiver(t, 429, 200).Answering(429, "Retry-After", fmt.Sprint(wait(i).Seconds()))
			subs = append(subs, subscribe(webhook.SubscriptionID(name), "https://"+name+"/"))
		}
		b := start(t, deliver.Options{Transport: net}, subs...)
		for i, s := range subs {
			b.q.Owe(s.ID, event(i), "")
		}
		synctest.Wait()
		for i := 0; i < n; i += 3 {
			b.Forget(subs[i].ID)
			if _, err := b.Pause(t.Context(), subs[i+1].ID, "test"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * n * time.Minute)
		for i, s := range subs {
			want := []time.Duration{0}
			if i%3 == 2 {
				want = append(want, wait(i))
			}
			net[string(s.ID)].(*delivertest.Receiver).Received(want...)
		}
	})
}

// oneByOne is a queue that owes one delivery at a time, to "busy".
type oneByOne struct {
	*endless
	waiting chan map[webhook.SubscriptionID]bool
	settled chan struct{}
}

func (q *oneByOne) Waiting() <-chan map[webhook.SubscriptionID]bool { return q.waiting }
func (q *oneByOne) Awaited(webhook.DeliveryID) bool                 { return true }

func (q *oneByOne) Claim(ctx context.Context, sub webhook.SubscriptionID, through uint64, now time.Time, max int) ([]webhook.Delivery, time.Time, error) {
	ds, next, err := q.endless.Claim(ctx, sub, through, now, max)
	for i := range ds {
		ds[i].Lane = "lane"
	}
	return ds, next, err
}

func (q *oneByOne) Settle(context.Context, ...webhook.Settlement) error {
	q.settled <- struct{}{}
	return nil
}

// owe owes one more.
func (q *oneByOne) owe() {
	q.mu.Lock()
	q.left["busy"]++
	q.mu.Unlock()
	q.waiting <- map[webhook.SubscriptionID]bool{"busy": true}
}

// yes accepts everything.
type yes struct{}

func (yes) RoundTrip(r *http.Request) (*http.Response, error) {
	io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// BenchmarkAmongIdle delivers one after the other to one subscription, beside
// others that are owed nothing. With a rate, each waits for its time. cpu-µs/op is
// what it costs.
func BenchmarkAmongIdle(b *testing.B) {
	for _, idle := range []int{0, 1000, 10000} {
		for _, rate := range []webhook.Rate{{}, {Requests: 1000, Per: time.Second}} {
			b.Run(fmt.Sprintf("idle=%d,rate=%d", idle, rate.Requests), func(b *testing.B) {
				q := &oneByOne{&endless{left: map[webhook.SubscriptionID]int{}}, make(chan map[webhook.SubscriptionID]bool, 1), make(chan struct{}, 1)}
				d := deliver.New(deliver.Options{Queue: q, States: q, Renderer: constant{[]byte("{}")}, Transport: yes{}})
				busy := subscribe("busy", "https://busy/")
				busy.Rate = rate
				all := []*webhook.Subscription{busy}
				for i := range idle {
					all = append(all, subscribe(webhook.SubscriptionID(fmt.Sprint("idle", i)), "https://idle/"))
				}
				if err := d.Configure(all, nil); err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(context.Background())
				ran := make(chan error, 1)
				go func() { ran <- d.Run(ctx) }()
				before := cpu()
				for b.Loop() {
					q.owe()
					<-q.settled
				}
				b.ReportMetric(float64((cpu()-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
				cancel()
				if err := <-ran; err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
