package deliver_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

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
