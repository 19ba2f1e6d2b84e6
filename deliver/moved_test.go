package deliver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// What the receiver that a subscription had before still answers says nothing of the
// one that it has now; what it was sent goes there.
func TestWhatTheOldReceiverAnswersCountsNoMore(t *testing.T) {
	for name, old := range map[string]*delivertest.Receiver{
		"410":          delivertest.NewReceiver(t, 410),
		"429":          delivertest.NewReceiver(t, 429).Answering(429, "Retry-After", "3600"),
		"a wish":       delivertest.NewReceiver(t, 500).Answering(500, "Webhook-Delivery", "disable"),
		"500":          delivertest.NewReceiver(t, 500),
		"a connection": delivertest.NewReceiver(t, delivertest.Reset),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fresh := delivertest.NewReceiver(t, 200)
				before, after := subscribe("crm", "https://old/"), subscribe("crm", "https://new/")
				before.PauseAfter, after.PauseAfter = 1, 1
				b := start(t, deliver.Options{Transport: delivertest.Net{"old": delay{old, time.Second}, "new": fresh}}, before)
				id := b.q.Owe("crm", event(1), "")
				time.Sleep(time.Second / 2)
				if err := b.Update(after, b.States()[0]); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if st := b.States()[0]; st.Status != webhook.Active || !st.WaitUntil.IsZero() || st.Failures > 0 {
					t.Errorf("it is %s (%s), waits until %v, and has failed %d times", st.Status, st.Reason, st.WaitUntil, st.Failures)
				}
				time.Sleep(2 * time.Hour)
				b.state(t, id, webhook.Delivered)
				if got := fresh.Requests(); len(got) != 1 || got[0].Header.Get("Webhook-Id") != string(event(1)) {
					t.Errorf("the new receiver got %+v", got)
				}
			})
		})
	}
}

// What failed at the old receiver does not open the circuit of the new one.
func TestTheNewReceiverBeginsWithACleanCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, failing(500, 10)...)
		s := subscribe("crm", "https://old/")
		s.Retry, s.Concurrency = nil, 1
		b := start(t, deliver.Options{Transport: r}, s)
		for i := range 9 {
			b.q.Owe("crm", event(i), "")
		}
		synctest.Wait()
		moved := *s
		moved.URL = "https://new/"
		if err := b.Update(&moved, b.States()[0]); err != nil {
			t.Fatal(err)
		}
		b.q.Owe("crm", event(9), "")
		b.q.Owe("crm", event(10), "")
		synctest.Wait()
		if st := b.States()[0]; st.Opened > 0 || len(r.Requests()) != 11 {
			t.Errorf("its circuit has opened %d times, after %d requests", st.Opened, len(r.Requests()))
		}
	})
}

// Nor does the new receiver wait for as long as the old one has asked.
func TestTheNewReceiverIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 429, 200).Answering(429, "Retry-After", "3600")
		s := subscribe("crm", "https://old/")
		b := start(t, deliver.Options{Transport: r}, s)
		b.q.Owe("crm", event(0), "")
		synctest.Wait()
		moved := *s
		moved.URL = "https://new/"
		if err := b.Update(&moved, b.States()[0]); err != nil {
			t.Fatal(err)
		}
		id := b.q.Owe("crm", event(1), "")
		synctest.Wait()
		b.state(t, id, webhook.Delivered)
	})
}

// denying is an API that does not take the credential old, and says so late.
type denying struct{ delivertest.Renderer }

func (r denying) Render(ctx context.Context, d *webhook.Delivery, s *webhook.Subscription) (webhook.Payload, error) {
	time.Sleep(time.Second)
	if s.Credential.Value == webhook.NewSecret("old") {
		return webhook.Payload{Withheld: &webhook.Withheld{Outcome: webhook.Denied, Why: "the API answered 401"}}, nil
	}
	return r.Renderer.Render(ctx, d, s)
}

// A credential that was replaced while the API was asked with it pauses nothing.
func TestACredentialThatWasReplacedPausesNothing(t *testing.T) {
	for fresh, want := range map[string]webhook.Status{"fresh": webhook.Active, "old": webhook.Paused} {
		synctest.Test(t, func(t *testing.T) {
			with := func(credential string) *webhook.Subscription {
				s := subscribe("crm", "https://crm/")
				s.ViewCheck, s.Credential = true, webhook.Credential{Header: "Authorization", Value: webhook.NewSecret(credential)}
				return s
			}
			b := start(t, deliver.Options{Transport: delivertest.NewReceiver(t, 200), Renderer: denying{}}, with("old"))
			id := b.q.Owe("crm", event(1), "")
			time.Sleep(time.Second / 2)
			if err := b.Update(with(fresh), b.States()[0]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if st := b.States()[0]; st.Status != want {
				t.Errorf("with the credential %s it is %s (%s)", fresh, st.Status, st.Reason)
			}
			if got := b.q.Delivery(id).State; (got == webhook.Delivered) != (want == webhook.Active) {
				t.Errorf("with the credential %s the delivery is %s", fresh, got)
			}
		})
	}
}
