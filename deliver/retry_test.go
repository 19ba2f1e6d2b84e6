package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// A delivery is attempted until it is accepted, and every attempt has the same
// webhook-id.
func TestPromise4AtLeastOnceSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 503, delivertest.Silent, 500, 200)
		s := subscribe("crm", "https://crm.example.com/hooks")
		s.Retry = webhook.Schedule{time.Minute, time.Hour, 24 * time.Hour}
		b := start(t, deliver.Options{Transport: crm}, s)
		id := b.q.Owe("crm", event(1), "lane")
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		crm.Received(0, time.Minute, time.Hour, 24*time.Hour)
		for i, got := range crm.Requests() {
			if got.Header.Get("Webhook-Id") != string(event(1)) {
				t.Errorf("attempt %d has webhook-id %q", i+1, got.Header.Get("Webhook-Id"))
			}
			if want := string(rune('1' + i)); got.Header.Get("Webhook-Attempt") != want {
				t.Errorf("webhook-attempt is %q, want %s", got.Header.Get("Webhook-Attempt"), want)
			}
		}
		b.state(t, id, webhook.Delivered)
		as := b.q.Attempts(id)
		if len(as) != 4 || as[1].Error != "no answer within 10s" || as[1].Latency != 10*time.Second {
			t.Errorf("recorded %+v", as)
		}
	})
}

func TestExhaustedWhenTheScheduleRanOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 500)
		b := start(t, deliver.Options{Transport: crm}, subscribe("crm", "https://crm.example.com/"))
		id := b.q.Owe("crm", event(1), "lane")
		next := b.q.Owe("crm", event(2), "lane")
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		b.state(t, id, webhook.Exhausted)
		if got := b.q.Delivery(id).Reason; got != "attempt 10, the last: the receiver answered 500" {
			t.Errorf("reason %q", got)
		}
		if b.q.Delivery(next).Attempts == 0 {
			t.Error("the next of the lane is not attempted behind an exhausted one")
		}
	})
}

func TestThrottledSubscriptionWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 429, 429, 503, 200).Answering(503, "Retry-After", "3600")
		s := subscribe("crm", "https://crm.example.com/")
		s.Concurrency = 1
		b := start(t, deliver.Options{Transport: crm}, s)
		first := b.q.Owe("crm", event(1), "a")
		b.q.Owe("crm", event(2), "b")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		crm.Received(0, time.Minute, time.Minute, time.Hour, 0)
		b.state(t, first, webhook.Delivered)
		if got := b.q.Delivery(first); got.Attempts > 1 {
			t.Errorf("throttling spent attempts: %d", got.Attempts)
		}
		numbers := []int{}
		for _, a := range b.q.Attempts(first) {
			numbers = append(numbers, a.Number)
		}
		for i, n := range numbers {
			if n != i+1 {
				t.Errorf("attempts are numbered %v", numbers)
			}
		}
		if got := b.q.State("crm"); got.Status != webhook.Active || got.WaitUntil.IsZero() {
			t.Errorf("the wait is not kept: %+v", got)
		}
	})
}

// Whoever waits longest keeps nobody: each wait ends when it ends.
func TestEachWaitEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := delivertest.NewReceiver(t, 429, 200).Answering(429, "Retry-After", "5")
		net := delivertest.Net{"short": short}
		subs := []*webhook.Subscription{subscribe("short", "https://short/")}
		for i := range 12 {
			name := fmt.Sprintf("long%d", i)
			net[name] = delivertest.NewReceiver(t, 429, 200).Answering(429, "Retry-After", "3600")
			subs = append(subs, subscribe(webhook.SubscriptionID(name), "https://"+name+"/"))
		}
		b := start(t, deliver.Options{Transport: net}, subs...)
		for _, s := range slices.Backward(subs) {
			b.q.Owe(s.ID, event(1), "")
			synctest.Wait()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		short.Received(0, 5*time.Second)
	})
}

// A receiver that says "Retry-After: 0" for ever is asked once a second.
func TestThrottledWithoutWaitDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 429).Answering(429, "Retry-After", "0")
		b := start(t, deliver.Options{Transport: crm}, subscribe("crm", "https://crm.example.com/"))
		b.q.Owe("crm", event(1), "a")
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(crm.Requests()); n < 55 || n > 61 {
			t.Errorf("%d requests in a minute, want about 60", n)
		}
	})
}

// The state that an attempt leads to is recorded together with it.
func TestStateIsRecordedWithItsAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 410)
		b := start(t, deliver.Options{States: noStates{}, Transport: crm}, subscribe("crm", "https://crm/"))
		b.q.Owe("crm", event(1), "lane")
		synctest.Wait()
		if got := b.q.State("crm"); got.Status != webhook.Gone {
			t.Errorf("kept %+v", got)
		}
	})
}

// slowly is a queue whose first recording takes its time.
type slowly struct {
	*delivertest.Queue
	once sync.Once
}

func (q *slowly) Settle(ctx context.Context, ss ...webhook.Settlement) error {
	q.once.Do(func() { time.Sleep(5 * time.Second) })
	return q.Queue.Settle(ctx, ss...)
}

// A state that changes while an earlier one is being recorded is recorded too.
func TestStateThatChangesMeanwhileIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := delivertest.NewQueue()
		s := subscribe("crm", "https://crm/")
		s.Retry, s.Concurrency = webhook.Schedule{}, 1
		b := start(t, deliver.Options{Queue: &slowly{Queue: q}, States: q, Transport: delay{delivertest.NewReceiver(t, 500), time.Second}}, s)
		q.Owe("crm", event(1), "a")
		q.Owe("crm", event(2), "b")
		q.Owe("crm", event(3), "c")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, _ := b.State("crm"); got.Failures != 3 || q.State("crm").Failures != 3 {
			t.Errorf("%d failures in a row, kept as %d, want 3", got.Failures, q.State("crm").Failures)
		}
	})
}

// Each preset makes its attempts when it says, up to a tenth later, and none after.
func TestPresetsOfRetryTakeTheirTime(t *testing.T) {
	for name, c := range map[string]struct {
		schedule webhook.Schedule
		attempts int
		total    time.Duration
	}{
		"none":     {webhook.Schedule{}, 1, 0},
		"short":    {webhook.ShortSchedule, 6, 42*time.Minute + 35*time.Second},
		"standard": {webhook.DefaultSchedule, 10, 75*time.Hour + 35*time.Minute + 5*time.Second},
		"long":     {webhook.LongSchedule, 14, 171*time.Hour + 35*time.Minute + 5*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := subscribe("crm", "https://crm.example.com/")
				s.Retry = c.schedule
				b := start(t, deliver.Options{Transport: delivertest.NewReceiver(t, 500)}, s)
				id := b.q.Owe("crm", event(1), "")
				time.Sleep(30 * 24 * time.Hour)
				synctest.Wait()
				b.state(t, id, webhook.Exhausted)
				made := b.q.Attempts(id)
				if len(made) != c.attempts {
					t.Fatalf("%d attempts, want %d", len(made), c.attempts)
				}
				for i, wait := range c.schedule {
					if got := made[i+1].Started.Sub(made[i].Started); got < wait || got > wait+wait/10+time.Second {
						t.Errorf("attempt %d came after %v, want %v and a tenth at most", i+2, got, wait)
					}
				}
				if got := made[len(made)-1].Started.Sub(made[0].Started); got < c.total || got > c.total+c.total/10+time.Minute {
					t.Errorf("all took %v, want %v", got, c.total)
				}
			})
		})
	}
}
