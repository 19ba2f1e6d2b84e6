package deliver_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

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
