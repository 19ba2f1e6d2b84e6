package deliver_test

import (
	"errors"
	"slices"
	"strings"
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

func TestGoneHoldsWhatIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 410, 200)
		s := subscribe("crm", "https://crm.example.com/")
		newest := uint64(2)
		opts := deliver.Options{Transport: crm, Newest: fixed(&newest)}
		b := start(t, opts, s)
		first := b.q.Owe("crm", event(1), "lane")
		second := b.q.Owe("crm", event(2), "lane")
		time.Sleep(time.Hour)
		synctest.Wait()
		crm.Received(0)
		if got := b.q.State("crm"); got.Status != webhook.Gone || got.Reason != webhook.ReasonGone {
			t.Fatalf("state %+v", got)
		}
		b.state(t, first, webhook.Pending)
		if b.q.Claimed() != 0 {
			t.Error("held deliveries are still given out")
		}

		if _, err := b.Resume(t.Context(), "crm", webhook.ReasonOperator); err != nil {
			t.Fatal(err)
		}
		third := b.q.Owe("crm", event(3), "lane")
		synctest.Wait()
		b.state(t, third, webhook.Delivered)
		b.state(t, second, webhook.Pending)

		st, err := b.Release(t.Context(), "crm", webhook.ReasonOperator)
		if err != nil || st.HeldThrough != 0 {
			t.Fatal(st, err)
		}
		synctest.Wait()
		b.state(t, first, webhook.Delivered)
		b.state(t, second, webhook.Delivered)
		if got := b.q.State("crm"); got != st {
			t.Errorf("kept %+v, want %+v", got, st)
		}
	})
}

func TestPausedAfterFailuresInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 500, 500, 200, 500, 500, 500, 200)
		s := subscribe("crm", "https://crm.example.com/")
		s.PauseAfter = 3
		s.Retry = webhook.Schedule{time.Second, time.Second, time.Second, time.Second}
		b := start(t, deliver.Options{Transport: crm}, s)
		b.q.Owe("crm", event(1), "lane")
		second := b.q.Owe("crm", event(2), "lane")
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(crm.Requests()); n != 6 {
			t.Errorf("%d requests, want 6: the accepted one ends the row", n)
		}
		if got := b.q.State("crm"); got.Status != webhook.Paused || got.Reason != webhook.ReasonPauseAfter || got.Failures != 3 {
			t.Errorf("state %+v", got)
		}
		b.state(t, second, webhook.Pending)
		b.Resume(t.Context(), "crm", webhook.ReasonOperator)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.state(t, second, webhook.Delivered)
	})
}

// What is claimed while a pause comes is given back.
func TestPausedDuringAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 200)
		var pause func()
		q := &meddling{Queue: delivertest.NewQueue(), meddle: func() { pause() }}
		b := start(t, deliver.Options{Queue: q, Transport: crm})
		pause = func() { b.Pause(t.Context(), "crm", webhook.ReasonOperator) }
		b.q.Owe("crm", event(1), "lane")
		b.Configure([]*webhook.Subscription{subscribe("crm", "https://crm/")}, nil)
		synctest.Wait()
		crm.Received()
		if b.q.Claimed() != 0 {
			t.Error("it is not given back")
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

func TestPausedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 200)
		b := start(t, deliver.Options{Transport: crm}, subscribe("crm", "https://crm.example.com/"))
		if _, err := b.Pause(t.Context(), "crm", webhook.ReasonOperator); err != nil {
			t.Fatal(err)
		}
		id := b.q.Owe("crm", event(1), "lane")
		time.Sleep(time.Hour)
		crm.Received()
		if got := b.States()[0]; got.Status != webhook.Paused {
			t.Errorf("state %+v", got)
		}
		b.Resume(t.Context(), "crm", webhook.ReasonOperator)
		synctest.Wait()
		b.state(t, id, webhook.Delivered)
		if _, err := b.Pause(t.Context(), "erp", "x"); !errors.Is(err, deliver.ErrUnknownSubscription) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDirectivesOfTheReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 400, 200).Answering(400, "Webhook-Delivery", "abort-message")
		erp := delivertest.NewReceiver(t, 200).Answering(200, "Webhook-Delivery", "disable")
		b := start(t, deliver.Options{Transport: delivertest.Net{"crm": crm, "erp": erp}},
			subscribe("crm", "https://crm/"), subscribe("erp", "https://erp/"))
		aborted := b.q.Owe("crm", event(1), "lane")
		next := b.q.Owe("crm", event(2), "lane")
		b.q.Owe("erp", event(1), "lane")
		synctest.Wait()
		b.state(t, aborted, webhook.Refused)
		b.state(t, next, webhook.Delivered)
		if got := b.q.State("erp"); got.Status != webhook.Gone || got.Reason != webhook.ReasonDisable {
			t.Errorf("state %+v", got)
		}
	})
}

func TestDeadWhenItCannotBeMade(t *testing.T) {
	for name, change := range map[string]func(*webhook.Subscription, *delivertest.Renderer){
		"payload fails":        func(s *webhook.Subscription, r *delivertest.Renderer) { r.Err = errors.New("no field x") },
		"header has no value":  func(s *webhook.Subscription, r *delivertest.Renderer) { s.Headers[0].Value = "{nothing}" },
		"header breaks a line": func(s *webhook.Subscription, r *delivertest.Renderer) { s.Headers[0].Value = "{evil}" },
		"header is too long":   func(s *webhook.Subscription, r *delivertest.Renderer) { s.Headers[0].Value = "{large}{large}" },
		"too much is signed": func(s *webhook.Subscription, r *delivertest.Renderer) {
			s.Sign = webhook.Signing{Scheme: webhook.SignHMAC, Header: "X-Sig", Encoding: "hex", Over: strings.Repeat("{large}", 9)}
		},
		"signature is too long": func(s *webhook.Subscription, r *delivertest.Renderer) {
			s.Sign = webhook.Signing{Scheme: webhook.SignHMAC, Header: "X-Sig", Encoding: "hex", As: "{signature}{large}{large}"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				crm := delivertest.NewReceiver(t, 200)
				s := subscribe("crm", "https://crm.example.com/")
				s.Headers = []webhook.HeaderTemplate{{Name: "X-Topic", Value: "{scope}"}}
				r := delivertest.Renderer{Values: map[string]string{"evil": "a\r\nX-Admin: 1", "large": strings.Repeat("x", 9000)}}
				change(s, &r)
				b := start(t, deliver.Options{Transport: crm, Renderer: r}, s)
				id := b.q.Owe("crm", event(1), "lane")
				synctest.Wait()
				crm.Received()
				b.state(t, id, webhook.Dead)
				if b.q.Delivery(id).Reason == "" || b.q.State("crm").Status == webhook.Paused {
					t.Errorf("delivery %+v", b.q.Delivery(id))
				}
			})
		})
	}
}

// While the store cannot take results, what was sent waits for it; nothing is
// lost, nobody spins, and attempts stop when too many wait.
func TestStoreThatCannotSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 200)
		b := start(t, deliver.Options{Transport: crm, InFlight: 4}, subscribe("crm", "https://crm.example.com/"))
		b.q.FailSettle(errors.New("the store is full"))
		for i := range 100 {
			b.q.Owe("crm", event(i), "")
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(crm.Requests()); n > 12 {
			t.Errorf("%d attempts while none could be recorded", n)
		}
		if _, settles := b.q.Calls(); settles > 200 {
			t.Errorf("%d calls of Settle in ten minutes", settles)
		}
		b.q.FailSettle(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := b.q.Pending(); n != 0 {
			t.Errorf("%d deliveries are left", n)
		}
		if n := len(crm.Requests()); n != 100 {
			t.Errorf("%d requests for 100 deliveries", n)
		}
	})
}

func TestStoreThatCannotClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := delivertest.NewReceiver(t, 200)
		var log strings.Builder
		b := start(t, deliver.Options{Transport: crm, Log: logTo(&log)}, subscribe("crm", "https://crm.example.com/"))
		b.q.FailClaim(errors.New("disk gone"))
		id := b.q.Owe("crm", event(1), "lane")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if claims, _ := b.q.Calls(); claims > 200 {
			t.Errorf("%d calls of Claim in ten minutes", claims)
		}
		if n := strings.Count(log.String(), "disk gone"); n < 8 || n > 11 {
			t.Errorf("logged %d times in ten minutes, want once a minute", n)
		}
		b.q.FailClaim(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.state(t, id, webhook.Delivered)
	})
}

// A receiver that never answers: the circuit opens, and after the last timeout
// that delete_after allows nothing is sent for ever. What it is owed is held.
func TestDeleteAfterTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := append(slices.Repeat([]delivertest.Reply{delivertest.Silent}, 12), 500, delivertest.Silent)
		r, s := delivertest.NewReceiver(t, script...), subscribe("crm", "https://crm/")
		s.DeleteAfter, s.Concurrency = 50, 1
		b := start(t, deliver.Options{Transport: r, Newest: fixed(new(uint64))}, s)
		for i := range 100 {
			b.q.Owe("crm", event(i), "")
		}
		time.Sleep(60 * 24 * time.Hour)
		synctest.Wait()
		if n := len(r.Requests()); n != 12+1+50 {
			t.Errorf("%d requests, want 12, the answer, and 50 more", n)
		}
		if got := b.q.State("crm"); got.Status != webhook.Disabled || got.Reason != webhook.ReasonDeleteAfter {
			t.Errorf("state %+v", got)
		}
		if n := b.q.Pending(); n != 100 {
			t.Errorf("%d are owed, want all", n)
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
