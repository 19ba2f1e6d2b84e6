package delivertest

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Reply is what a [Receiver] does with one request: a status, or one of the
// constants.
type Reply int

const (
	Silent Reply = -1 // never answers
	Reset  Reply = -2 // breaks the connection off
)

// Receiver is a scripted receiver, and an [http.RoundTripper] that reaches
// nobody else. It gives its replies in turn, and the last one for ever.
type Receiver struct {
	t     *testing.T
	start time.Time

	mu      sync.Mutex
	script  []Reply
	headers map[Reply]http.Header
	got     []Got
}

// Got is one request that arrived.
type Got struct {
	URL     string
	Header  http.Header
	Body    string
	At, End time.Time
}

// NewReceiver returns a receiver with a script, one reply for each attempt.
func NewReceiver(t *testing.T, script ...Reply) *Receiver {
	return &Receiver{t: t, start: time.Now(), script: script, headers: map[Reply]http.Header{}}
}

// Answering adds a header to all answers of one status.
func (r *Receiver) Answering(status Reply, name, value string) *Receiver {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.headers[status] == nil {
		r.headers[status] = http.Header{}
	}
	r.headers[status].Set(name, value)
	return r
}

// RoundTrip implements [http.RoundTripper].
func (r *Receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	got := Got{URL: req.URL.String(), Header: req.Header.Clone(), At: time.Now()}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		got.Body = string(body)
		req.Body.Close()
	}
	n, reply, header := r.arrived(got)
	defer r.ended(n)
	switch reply {
	case Silent:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case Reset:
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		StatusCode: int(reply), Header: header.Clone(), Request: req,
		Body: io.NopCloser(strings.NewReader("")),
	}, nil
}

func (r *Receiver) arrived(got Got) (n int, reply Reply, header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = len(r.got)
	r.got = append(r.got, got)
	reply = 200
	if len(r.script) > 0 {
		reply = r.script[min(n, len(r.script)-1)]
	}
	header = r.headers[reply]
	if header == nil {
		header = http.Header{}
	}
	return n, reply, header
}

func (r *Receiver) ended(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[n].End = time.Now()
}

// Requests returns what arrived so far.
func (r *Receiver) Requests() []Got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Got(nil), r.got...)
}

// Received checks that as many requests arrived as waits are given, and that
// each came no earlier than its wait after the end of the one before (the first:
// after the receiver was made), and at most 10 % later.
func (r *Receiver) Received(waits ...time.Duration) {
	r.t.Helper()
	got := r.Requests()
	if len(got) != len(waits) {
		r.t.Errorf("got %d requests, want %d", len(got), len(waits))
	}
	last := r.start
	for i := range min(len(got), len(waits)) {
		wait := got[i].At.Sub(last)
		if most := waits[i] + waits[i]/10; wait < waits[i] || wait > most {
			r.t.Errorf("request %d came %v after the last attempt, want %v to %v", i+1, wait, waits[i], most)
		}
		last = got[i].End
	}
}

// Net sends each request to the receiver of its host.
type Net map[string]http.RoundTripper

// RoundTrip implements [http.RoundTripper].
func (n Net) RoundTrip(req *http.Request) (*http.Response, error) {
	return n[req.URL.Host].RoundTrip(req)
}
