package deliver_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// deliverOne returns the one request that s gets.
func deliverOne(t *testing.T, r delivertest.Renderer, s *webhook.Subscription) delivertest.Got {
	t.Helper()
	crm := delivertest.NewReceiver(t, 200)
	var got delivertest.Got
	synctest.Test(t, func(t *testing.T) {
		b := start(t, deliver.Options{Transport: crm, Version: "1.2.3", Renderer: r}, s)
		id := b.q.Owe(s.ID, event(1), "")
		synctest.Wait()
		if len(crm.Requests()) != 1 {
			t.Fatalf("%d requests; delivery %+v", len(crm.Requests()), b.q.Delivery(id))
		}
		got = crm.Requests()[0]
	})
	return got
}

func TestSignatureIsVerifiedByTheStandardLibrary(t *testing.T) {
	s := subscribe("crm", "https://crm.example.com/")
	raw := "a text of at least twenty-four bytes"
	s.Secrets = append(s.Secrets, webhook.NewSecret(raw))
	got := deliverOne(t, delivertest.Renderer{}, s)
	newest, err := standardwebhooks.NewWebhook(secretText)
	if err != nil {
		t.Fatal(err)
	}
	oldest, err := standardwebhooks.NewWebhookRaw([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, wh := range []*standardwebhooks.Webhook{newest, oldest} {
		if err := wh.VerifyIgnoringTimestamp([]byte(got.Body), got.Header); err != nil {
			t.Error(err)
		}
		if err := wh.VerifyIgnoringTimestamp([]byte(got.Body+" "), got.Header); err == nil {
			t.Error("another body is verified too")
		}
	}
	if parts := strings.Split(got.Header.Get("Webhook-Signature"), " "); len(parts) != 2 {
		t.Errorf("signature %q, want two", parts)
	}
}

func TestHeadersOfEveryAttempt(t *testing.T) {
	s := subscribe("crm", "https://me:pass@crm.example.com/")
	s.Headers = []webhook.HeaderTemplate{{Name: "x-topic", Value: "a/{scope}"}, {Name: "X-Delivery", Value: "{webhook_id} at {timestamp}"}}
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	got := deliverOne(t, delivertest.Renderer{Trace: trace}, s).Header
	for name, want := range map[string]string{
		"Webhook-Id":        string(event(1)),
		"Webhook-Timestamp": "946684800", // when a synctest bubble begins
		"Webhook-Attempt":   "1",
		"Traceparent":       trace,
		"User-Agent":        "sidehook/1.2.3",
		"Content-Type":      "application/json",
		"X-Topic":           "a/project.updated",
		"X-Delivery":        string(event(1)) + " at 946684800",
		"Authorization":     "Basic bWU6cGFzcw==",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
}

// A trace that a client has sent and no header can carry is left out.
func TestUnsendableTraceIsLeftOut(t *testing.T) {
	got := deliverOne(t, delivertest.Renderer{Trace: "00\r\nX-Admin: 1"}, subscribe("crm", "https://crm/")).Header
	if _, has := got["Traceparent"]; has {
		t.Errorf("sent %q", got)
	}
}

func TestSecretsAreNotRecorded(t *testing.T) {
	crm := delivertest.NewReceiver(t, 200)
	synctest.Test(t, func(t *testing.T) {
		s := subscribe("crm", "https://me:hunter2@crm.example.com/")
		s.Headers = []webhook.HeaderTemplate{
			{Name: "X-Api-Key", Value: "hunter2"}, {Name: "X-Echo", Value: "{subscription.secret}"}, {Name: "X-Topic", Value: "{scope}"},
		}
		r := delivertest.Renderer{Values: map[string]string{"subscription.secret": "hunter2"}}
		b := start(t, deliver.Options{Transport: crm, Renderer: r}, s)
		id := b.q.Owe("crm", event(1), "")
		synctest.Wait()
		if crm.Requests()[0].Header.Get("X-Api-Key") != "hunter2" {
			t.Error("the header is not sent")
		}
		a := b.q.Attempts(id)[0]
		for name, values := range a.Sent {
			if strings.Contains(values[0], "hunter2") {
				t.Errorf("recorded %s: %s", name, values)
			}
		}
		if strings.Contains(a.URL, "hunter2") || a.Sent.Get("X-Topic") != "project.updated" || a.Sent.Get("Webhook-Id") == "" {
			t.Errorf("recorded %+v", a)
		}
	})
}

func TestPlainHMAC(t *testing.T) {
	sum := func(key, text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	body := `{"type":"project.updated","event":"evt_0001"}`
	stamp := "946684800"
	for name, c := range map[string]struct {
		sign    webhook.Signing
		secrets []string
		want    string
	}{
		"hex of the body": {webhook.Signing{Header: "X-Sig", Encoding: "hex"}, []string{"k"}, hex.EncodeToString(sum("k", body))},
		"base64":          {webhook.Signing{Header: "X-Sig", Encoding: "base64"}, []string{"k"}, base64.StdEncoding.EncodeToString(sum("k", body))},
		"over and as": {
			webhook.Signing{Header: "x-sig", Encoding: "hex", Over: "{timestamp}.{webhook_id}.{body}", As: "t={timestamp},v1={signature}"},
			[]string{"k"}, "t=" + stamp + ",v1=" + hex.EncodeToString(sum("k", stamp+".evt_0001."+body)),
		},
		"one signature, of the secret that the receiver has": {
			webhook.Signing{Header: "X-Sig", Encoding: "hex", As: "sha256={signature}"},
			[]string{"new", "newer", "old"}, "sha256=" + hex.EncodeToString(sum("old", body)),
		},
		"all secrets": {
			webhook.Signing{Header: "X-Sig", Encoding: "hex", As: "v0={signature}", Join: ","},
			[]string{"new", "old"}, "v0=" + hex.EncodeToString(sum("new", body)) + "," + hex.EncodeToString(sum("old", body)),
		},
		"all secrets, each with its name": {
			webhook.Signing{Header: "X-Sig", Encoding: "hex", As: "t={timestamp},v1={signature}", Join: ",v1="},
			[]string{"new", "old"}, "t=" + stamp + ",v1=" + hex.EncodeToString(sum("new", body)) + ",v1=" + hex.EncodeToString(sum("old", body)),
		},
		"names of the payload": {
			webhook.Signing{Header: "X-Sig", Encoding: "hex", Over: "{scope}"}, []string{"k"}, hex.EncodeToString(sum("k", "project.updated")),
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := subscribe("crm", "https://crm/")
			s.Sign, s.Secrets = c.sign, nil
			s.Sign.Scheme = webhook.SignHMAC
			for _, text := range c.secrets {
				s.Secrets = append(s.Secrets, webhook.NewSecret(text))
			}
			got := deliverOne(t, delivertest.Renderer{}, s)
			if got.Header.Get("X-Sig") != c.want || got.Header.Get("Webhook-Signature") != "" {
				t.Errorf("got %q, want %q", got.Header.Get("X-Sig"), c.want)
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	s := subscribe("crm", "https://crm/")
	s.Sign, s.Secrets = webhook.Signing{Scheme: webhook.SignNone}, nil
	if got := deliverOne(t, delivertest.Renderer{}, s); got.Header.Get("Webhook-Signature") != "" || got.Header.Get("Webhook-Id") == "" {
		t.Errorf("sent %v", got.Header)
	}
}

// What can never be delivered is refused before it is owed anything, in words
// that say what to write instead; and held, not dead, if it is there all the
// same.
func TestUnusableSubscription(t *testing.T) {
	header := func(name, value string) func(*webhook.Subscription) {
		return func(s *webhook.Subscription) { s.Headers = []webhook.HeaderTemplate{{Name: name, Value: value}} }
	}
	sign := func(g webhook.Signing) func(*webhook.Subscription) {
		return func(s *webhook.Subscription) { s.Sign = g }
	}
	for name, c := range map[string]struct {
		change func(*webhook.Subscription)
		want   string
	}{
		"no scheme":       {func(s *webhook.Subscription) { s.URL = "crm.example.com" }, "write one like https://"},
		"other scheme":    {func(s *webhook.Subscription) { s.URL = "file:///etc/passwd" }, "http:// or https://"},
		"no secret":       {func(s *webhook.Subscription) { s.Secrets = nil }, "sign none"},
		"short secret":    {func(s *webhook.Subscription) { s.Secrets[0] = webhook.NewSecret("short") }, "at least 24"},
		"ours":            {header("webhook-id", "evt_forged"), "cannot be replaced"},
		"host":            {header("host", "internal"), "cannot be replaced"},
		"length":          {header("Content-length", "0"), "cannot be replaced"},
		"no name":         {header("X Topic", "a"), "a name is letters"},
		"two lines":       {header("X-Topic", "a\nX-Admin: 1"), "line break"},
		"bad template":    {header("X-Topic", "{scope"), "wants a name"},
		"unknown scheme":  {sign(webhook.Signing{Scheme: "md5"}), "standard, ed25519, hmac"},
		"hmac encoding":   {sign(webhook.Signing{Scheme: "hmac", Header: "X-Sig"}), "hex or base64"},
		"hmac header":     {sign(webhook.Signing{Scheme: "hmac", Header: "Webhook-Id", Encoding: "hex"}), "cannot be replaced"},
		"signs itself":    {sign(webhook.Signing{Scheme: "hmac", Header: "X-Sig", Encoding: "hex", Over: "{signature}"}), "cannot hold"},
		"lacks signature": {sign(webhook.Signing{Scheme: "hmac", Header: "X-Sig", Encoding: "hex", As: "sha256="}), "{signature}"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := subscribe("crm", "https://crm/")
				c.change(s)
				if err := deliver.Check(s); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("got %v, want %q in it", err, c.want)
				}
				r := delivertest.NewReceiver(t, 200)
				b := start(t, deliver.Options{Transport: r}, subscribe("erp", "https://erp/"))
				if err := b.Configure([]*webhook.Subscription{s, subscribe("erp", "https://erp/")}, nil); err == nil {
					t.Error("Configure says nothing")
				}
				held, sent := b.q.Owe("crm", event(1), ""), b.q.Owe("erp", event(1), "")
				time.Sleep(time.Hour)
				synctest.Wait()
				b.state(t, held, webhook.Pending)
				b.state(t, sent, webhook.Delivered)
			})
		})
	}
}

// FuzzTemplate: whatever a template and the values in it are, a request has no
// header that nobody wrote.
func FuzzTemplate(f *testing.F) {
	f.Add("X-Topic", "{scope}", "a")
	f.Add("x-topic", "a{{{scope}}}", "b\r\nHost: x")
	f.Add("Host", "{scope}", "\x00")
	f.Fuzz(func(t *testing.T, name, text, value string) {
		s := subscribe("crm", "https://crm/")
		s.Headers = []webhook.HeaderTemplate{{Name: name, Value: text}}
		if deliver.Check(s) != nil {
			return
		}
		crm := delivertest.NewReceiver(t, 200)
		synctest.Test(t, func(t *testing.T) {
			b := start(t, deliver.Options{Transport: crm, Renderer: delivertest.Renderer{Values: map[string]string{"scope": value}}}, s)
			b.q.Owe(s.ID, event(1), "")
			synctest.Wait()
		})
		for _, got := range crm.Requests() {
			var wire strings.Builder
			got.Header.Write(&wire)
			if lines := strings.Count(wire.String(), "\n"); lines != len(got.Header) || got.Header.Get("Host") != "" {
				t.Errorf("header %q %q %q became %q", name, text, value, wire.String())
			}
			if v := got.Header.Get(http.CanonicalHeaderKey(name)); strings.ContainsAny(v, "\r\n\x00") {
				t.Errorf("value %q", v)
			}
		}
	})
}
