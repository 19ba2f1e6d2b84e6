package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sidehook/sidehook/examples/receiver"
)

const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	updated = `{"type":"project.updated","timestamp":"2026-03-02T09:00:00Z",` +
		`"data":{"id":1,"status":"active","owner":{"id":8,"name":"Mo"},"budget":{"amount":15000.00},"tags":["a","b"]},` +
		`"previous":{"status":"planned","owner":{"id":7},"budget":{"amount":12000.50},"tags":["a"],"due":"2026-04-01"},` +
		`"entity":{"type":"project","id":"1","sequence":2}}`
)

func send(t *testing.T, r *receiver.Receiver, id, body, key string) *httptest.ResponseRecorder {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	signature, err := signer.Sign(id, now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(body))
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	req.Header.Set("webhook-attempt", "1")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

func TestReceiver(t *testing.T) {
	other := "whsec_" + strings.Repeat("AAAA", 8)
	for name, c := range map[string]struct {
		id, body, key string
		prepare       func(*receiver.Receiver)
		want          int
		line          string
	}{
		"accepts what is signed": {
			"evt_1", updated, secret, func(*receiver.Receiver) {}, 204,
			"✓ project.updated  project 1 #2  budget.amount: 12000.50 → 15000.00, due: 2026-04-01 → –, owner.id: 7 → 8, status: planned → active, tags: [\"a\"] → [\"a\",\"b\"]",
		},
		"refuses another's signature": {
			"evt_1", updated, other, func(*receiver.Receiver) {}, 401,
			"✗ 401 evt_1, attempt 1: unable to verify payload, err: no matching signature found",
		},
		"refuses what is no event": {
			"evt_1", `{}`, secret, func(*receiver.Receiver) {}, 400, "✗ 400 evt_1, attempt 1: not an event",
		},
		"fails while it is down": {
			"evt_1", updated, secret, func(r *receiver.Receiver) { r.Fail(-1) }, 503, "✗ 503 evt_1, attempt 1: down",
		},
		"accepts a repeat and says so": {
			"evt_1", `{"type":"project.deleted","entity":{"type":"project","id":"1","sequence":3}}`, secret,
			func(r *receiver.Receiver) { send(t, r, "evt_1", updated, secret) }, 204,
			"✓ project.deleted  project 1 #3  (seen before: nothing to do)",
		},
		"recovers after the failures it was told to make": {
			"evt_1", `{"type":"x","entity":{}}`, secret,
			func(r *receiver.Receiver) { r.Fail(1); send(t, r, "evt_0", updated, secret) }, 204, "✓ x    #0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := receiver.New(secret, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.prepare(r)
			_, more := r.Arrivals()
			if got := send(t, r, c.id, c.body, c.key); got.Code != c.want {
				t.Errorf("status %d, want %d", got.Code, c.want)
			}
			<-more
			arrivals, _ := r.Arrivals()
			if diff := cmp.Diff(c.line, arrivals[len(arrivals)-1].Line()); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnEmptySecretIsRefused(t *testing.T) {
	if _, err := receiver.New("", nil); err == nil {
		t.Error("a receiver without a secret starts, and anybody could sign")
	}
}
