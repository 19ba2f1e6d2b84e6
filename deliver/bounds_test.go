package deliver_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// However many subscriptions hang, and whatever they are owed, so many attempts are
// made at once and not many more deliveries are claimed: a few for each slot, and one
// for each subscription.
func TestAttemptsAndClaimsHaveABound(t *testing.T) {
	const slots, many = 4, 20
	synctest.Test(t, func(t *testing.T) {
		hangs, subs := delivertest.NewReceiver(t, delivertest.Silent), []*webhook.Subscription(nil)
		for i := range many {
			subs = append(subs, subscribe(webhook.SubscriptionID(fmt.Sprint("hangs", i)), "https://hangs/"))
		}
		b := start(t, deliver.Options{InFlight: slots, Transport: hangs}, subs...)
		for i := range 40 * many {
			b.q.Owe(subs[i%many].ID, event(i), "")
		}
		for range 5 {
			synctest.Wait()
			if n := b.Load().InFlight; n != slots {
				t.Fatalf("%d attempts at once, want %d", n, slots)
			}
			if n := b.q.Claimed(); n > 8*slots+16+many {
				t.Fatalf("%d deliveries are claimed", n)
			}
			time.Sleep(10 * time.Second)
		}
	})
}

// A subscription may have its turn when nothing of it is ready any more: it was
// paused and resumed meanwhile, and the store gives out nothing.
func TestATurnWithNothingReadyIsPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs, crm := delivertest.NewReceiver(t, delivertest.Silent), delivertest.NewReceiver(t, 200)
		busy := subscribe("busy", "https://hangs/")
		busy.Retry = nil
		b := start(t, deliver.Options{InFlight: 1, Transport: delivertest.Net{"hangs": hangs, "crm": crm}}, busy, subscribe("crm", "https://crm/"))
		b.q.Owe("busy", event(1), "")
		synctest.Wait()
		id := b.q.Owe("crm", event(2), "")
		synctest.Wait() // it is claimed, and waits for a slot
		b.q.FailClaim(errors.New("the disk hangs"))
		b.Pause(t.Context(), "crm", webhook.ReasonOperator)
		b.Resume(t.Context(), "crm", webhook.ReasonOperator)
		time.Sleep(busy.Timeout + time.Second)
		b.q.FailClaim(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.state(t, id, webhook.Delivered)
	})
}

// What is deleted amid an attempt leaves no state, whatever that comes to.
func TestADeletedOneLeavesNoState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := delivertest.NewReceiver(t, delivertest.Silent)
		b := start(t, deliver.Options{Transport: hangs}, subscribe("crm", "https://crm/"))
		b.q.Owe("crm", event(1), "")
		synctest.Wait()
		b.Forget("crm")
		time.Sleep(time.Minute)
		synctest.Wait()
		if st := b.q.State("crm"); len(hangs.Requests()) != 1 || st.ID != "" {
			t.Errorf("its state is kept: %+v", st)
		}
	})
}

// Deliveries that are accepted change nothing of a subscription, so nothing of it is
// written.
func TestAcceptedDeliveriesWriteNoState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, deliver.Options{Transport: delivertest.NewReceiver(t, 200)}, subscribe("crm", "https://crm/"))
		for i := range 5 {
			id := b.q.Owe("crm", event(i), "lane")
			synctest.Wait()
			b.state(t, id, webhook.Delivered)
		}
		if st := b.q.State("crm"); st.ID != "" {
			t.Errorf("its state is written: %+v", st)
		}
	})
}
