// Package receiver is the other end: an HTTP endpoint that verifies the
// signature of each webhook with the library of Standard Webhooks, knows a
// repeat by its id, and keeps what arrived. It imports nothing of Sidehook;
// what it does, every receiver should do.
package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxBody bounds one webhook, maxKept how many are kept, against filling the memory.
const (
	maxBody = 8 << 20
	maxKept = 10_000
)

// Event is the standard payload.
type Event struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
	Previous  json.RawMessage `json:"previous"`
	Entity    struct {
		Type     string `json:"type"`
		ID       string `json:"id"`
		Sequence uint64 `json:"sequence"`
	} `json:"entity"`
}

// Arrival is one request that reached the receiver, whatever became of it.
type Arrival struct {
	ID      string // webhook-id: the same on every attempt
	Attempt int    // webhook-attempt
	At      time.Time
	Event   Event
	Status  int    // what it was answered
	Problem string // why it was not accepted; "" if it was
	Repeat  bool   // accepted, and so was this id before: nothing to do
}

// Accepted reports whether a was answered with 2xx.
func (a Arrival) Accepted() bool { return a.Problem == "" }

// Receiver is the endpoint. It is safe for concurrent use.
type Receiver struct {
	verifier *standardwebhooks.Webhook
	observe  func(Arrival)

	mu       sync.Mutex
	down     int // how many further requests to answer with 503; -1: all
	accepted map[string]bool
	arrivals []Arrival
	changed  chan struct{} // closed and replaced when an arrival is added
}

// New returns a receiver that verifies with secret ("whsec_" and base64).
// observe is called with each arrival, one at a time; nil is allowed.
func New(secret string, observe func(Arrival)) (*Receiver, error) {
	if secret == "" {
		return nil, errors.New("the receiver's secret is empty: then anybody could sign")
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("the receiver's secret: %w", err)
	}
	if observe == nil {
		observe = func(Arrival) {}
	}
	return &Receiver{
		verifier: verifier, observe: observe,
		accepted: map[string]bool{}, changed: make(chan struct{}),
	}, nil
}

// ServeHTTP implements [http.Handler]: 204 for what is accepted, 401 for a
// wrong signature, 400 for what is no event, 503 while it is down.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	arrival := r.judge(req.Header, body, err)
	r.keep(arrival)
	if !arrival.Accepted() {
		http.Error(w, arrival.Problem, arrival.Status)
		return
	}
	w.WriteHeader(arrival.Status)
}

// Fail answers the next n requests with 503; n < 0: all, until Fail(0).
func (r *Receiver) Fail(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = n
}

// Arrivals returns what arrived so far, oldest first, and a channel that is
// closed when there is more.
func (r *Receiver) Arrivals() ([]Arrival, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.arrivals[:len(r.arrivals):len(r.arrivals)], r.changed
}

// judge verifies before it reads: nothing of an unsigned body is believed.
func (r *Receiver) judge(header http.Header, body []byte, err error) Arrival {
	a := Arrival{ID: header.Get("webhook-id"), At: time.Now(), Status: http.StatusNoContent}
	a.Attempt, _ = strconv.Atoi(header.Get("webhook-attempt"))
	refuse := func(status int, problem string) Arrival {
		a.Status, a.Problem = status, problem
		return a
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "body: "+err.Error())
	}
	if err := r.verifier.Verify(body, header); err != nil {
		return refuse(http.StatusUnauthorized, err.Error())
	}
	if err := json.Unmarshal(body, &a.Event); err != nil || a.Event.Type == "" {
		return refuse(http.StatusBadRequest, "not an event")
	}
	if r.isDown() {
		return refuse(http.StatusServiceUnavailable, "down")
	}
	return a
}

func (r *Receiver) isDown() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	down := r.down != 0
	if r.down > 0 {
		r.down--
	}
	return down
}

// keep records a, and says whether it repeats what was accepted before: then
// it is answered 2xx all the same, and not acted upon.
func (r *Receiver) keep(a Arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.Accepted() {
		a.Repeat = r.accepted[a.ID]
		r.accepted[a.ID] = true
	}
	if len(r.arrivals) == maxKept {
		r.arrivals = append([]Arrival(nil), r.arrivals[maxKept/2:]...)
	}
	r.arrivals = append(r.arrivals, a)
	close(r.changed)
	r.changed = make(chan struct{})
	r.observe(a)
}
