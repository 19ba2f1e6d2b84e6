package deliver_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// bare renders what has nothing but what it is given.
type bare webhook.Payload

func (b bare) Render(context.Context, *webhook.Delivery, *webhook.Subscription) (webhook.Payload, error) {
	return webhook.Payload(b), nil
}

// recorded returns the attempt that s gets, and what arrived; nil if nothing did.
func recorded(t *testing.T, r deliver.Renderer, s *webhook.Subscription) (a webhook.Attempt, got *delivertest.Got) {
	t.Helper()
	crm := delivertest.NewReceiver(t, 200)
	synctest.Test(t, func(t *testing.T) {
		b := start(t, deliver.Options{Transport: crm, Renderer: r}, s)
		id := b.q.Owe(s.ID, event(1), "")
		synctest.Wait()
		if requests := crm.Requests(); len(requests) > 0 {
			got = &requests[0]
		}
		a = b.q.Attempts(id)[0]
	})
	return a, got
}

// A payload without an id has its event's, and headers for nothing are not sent.
func TestWhatAPayloadHasNotIsNotSent(t *testing.T) {
	a, got := recorded(t, bare{}, subscribe("crm", "https://crm.example.com/in?key=1"))
	if got == nil || a.Outcome != webhook.Accepted {
		t.Fatalf("recorded %+v", a)
	}
	if got.Body != "" || got.Header.Get("Webhook-Id") != string(event(1)) {
		t.Errorf("got %+v", got)
	}
	for _, name := range []string{"Content-Type", "Traceparent"} {
		if values, has := got.Header[name]; has {
			t.Errorf("%s is %q", name, values)
		}
	}
	if a.URL != "https://crm.example.com/…" {
		t.Errorf("recorded as sent to %s", a.URL)
	}
}

// What no header can carry is not sent, wherever it comes from; a tab can be.
func TestWhatNoHeaderCanCarryIsNotSent(t *testing.T) {
	own := subscribe("crm", "https://crm/")
	own.Headers = []webhook.HeaderTemplate{{Name: "X-Own", Value: "{own}"}}
	nameless := subscribe("crm", "https://crm/")
	nameless.Headers = []webhook.HeaderTemplate{{Name: "X-Own", Value: "{nobody.knows}"}}
	for name, c := range map[string]struct {
		r    deliver.Renderer
		s    *webhook.Subscription
		want webhook.Outcome
	}{
		"a tab":                     {delivertest.Renderer{Values: map[string]string{"own": "a\tb"}}, own, webhook.Accepted},
		"a control character":       {delivertest.Renderer{Values: map[string]string{"own": "a\x7fb"}}, own, webhook.Broken},
		"a line break":              {delivertest.Renderer{Values: map[string]string{"own": "a\nb"}}, own, webhook.Broken},
		"a media type of two lines": {bare{ContentType: "a\r\nX-Admin: 1"}, subscribe("crm", "https://crm/"), webhook.Broken},
		"an id of two lines":        {bare{ID: "a\r\nX-Admin: 1"}, subscribe("crm", "https://crm/"), webhook.Broken},
		"names that nobody knows":   {bare{}, nameless, webhook.Broken},
	} {
		t.Run(name, func(t *testing.T) {
			if a, got := recorded(t, c.r, c.s); a.Outcome != c.want || (got != nil) != (c.want == webhook.Accepted) {
				t.Errorf("recorded %+v", a)
			}
		})
	}
}

// A header that is said to be secret, and a signature that shows the secret, are not
// recorded.
func TestWhatIsSaidToBeSecretIsNotRecorded(t *testing.T) {
	s := subscribe("crm", "https://crm/")
	s.Headers = []webhook.HeaderTemplate{{Name: "X-Plain", Value: "hunter2", Secret: true}, {Name: "X-Shown", Value: "shown"}}
	s.Sign = webhook.Signing{Scheme: webhook.SignHMAC, Header: "x-sig", Encoding: "hex", As: "{signature} {subscription.secret}"}
	a, got := recorded(t, delivertest.Renderer{Values: map[string]string{"subscription.secret": "hunter2"}}, s)
	if got == nil || got.Header.Get("X-Plain") != "hunter2" || got.Header.Get("X-Sig") == "" {
		t.Fatalf("sent %+v, recorded %+v", got, a)
	}
	for name, want := range map[string]string{"X-Plain": "[secret]", "X-Sig": "[secret]", "X-Shown": "shown"} {
		if a.Sent.Get(name) != want {
			t.Errorf("%s is recorded as %q, want %q", name, a.Sent.Get(name), want)
		}
	}
}
