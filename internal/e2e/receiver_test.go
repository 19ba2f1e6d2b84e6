package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// secret is what the subscriptions of these tests sign with.
const secret = "whsec_c2lkZWhvb2stZTJlLXNlY3JldC0wMTIzNDU2Nzg5"

// arrival is one request that a receiver got.
type arrival struct {
	ID      string
	Attempt string
	Body    struct {
		Type     string          `json:"type"`
		Data     json.RawMessage `json:"data"`
		Previous json.RawMessage `json:"previous"`
		Entity   struct {
			Type     string `json:"type"`
			ID       string `json:"id"`
			Sequence uint64 `json:"sequence"`
		} `json:"entity"`
	}
	Raw string
	At  time.Time
}

// receiver is a subscriber's end. It verifies each request with the public
// library and answers what Answer says.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	arrivals []arrival // accepted or not
	accepted []arrival
	answer   func(a *arrival) int
}

// receive starts a receiver. answer returns a status for each request, or is
// nil for always 204; it may block.
func receive(t *testing.T, answer func(a *arrival) int) *receiver {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the sender was killed in the middle
		}
		if err := wh.Verify(body, req.Header); err != nil {
			t.Errorf("signature: %v", err)
		}
		a := arrival{ID: req.Header.Get("webhook-id"), Attempt: req.Header.Get("webhook-attempt"), Raw: string(body), At: time.Now()}
		if err := json.Unmarshal(body, &a.Body); err != nil {
			t.Errorf("body: %v: %s", err, body)
		}
		w.WriteHeader(r.take(a))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(a arrival) int {
	r.mu.Lock()
	answer := r.answer
	r.arrivals = append(r.arrivals, a)
	r.mu.Unlock()
	status := http.StatusNoContent
	if answer != nil {
		status = answer(&a)
	}
	if status/100 == 2 {
		r.mu.Lock()
		r.accepted = append(r.accepted, a)
		r.mu.Unlock()
	}
	return status
}

// respond changes what the receiver answers from now on.
func (r *receiver) respond(answer func(a *arrival) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// all returns every request so far, took those that were accepted.
func (r *receiver) all() []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrivals)
}

func (r *receiver) took() []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.accepted)
}

// forget forgets what came so far.
func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrivals, r.accepted = nil, nil
}

// wait waits until n requests were accepted, and returns them.
func (r *receiver) wait(n int) []arrival {
	r.t.Helper()
	until(r.t, "enough webhooks have arrived", func() bool { return len(r.took()) >= n })
	return r.took()
}

// distinct waits until n different webhooks were accepted, and returns the first
// of each: after a kill, one whose attempt was not recorded yet comes again.
func (r *receiver) distinct(n int) (first []arrival) {
	r.t.Helper()
	until(r.t, "enough different webhooks have arrived", func() bool {
		first = first[:0]
		for _, a := range r.took() {
			if !slices.ContainsFunc(first, func(b arrival) bool { return b.ID == a.ID }) {
				first = append(first, a)
			}
		}
		return len(first) >= n
	})
	return first
}

func status(code int) func(*arrival) int { return func(*arrival) int { return code } }
