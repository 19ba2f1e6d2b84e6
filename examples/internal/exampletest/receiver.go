package exampletest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// Webhook is one request that a receiver got.
type Webhook struct {
	Subscription string
	Method       string
	Header       http.Header
	Body         string
}

// Field returns a member of the body as text, "" if it is no text or not there.
func (w Webhook) Field(name string) string {
	var body map[string]any
	if json.Unmarshal([]byte(w.Body), &body) != nil {
		return ""
	}
	text, _ := body[name].(string)
	return text
}

// receiver is a subscriber's end.
type receiver struct {
	*httptest.Server
	answer atomic.Int64
	react  atomic.Pointer[func(Webhook)]

	mu  sync.Mutex
	got []Webhook
}

func receive(t *testing.T, subscription string) *receiver {
	t.Helper()
	r := &receiver{}
	r.answer.Store(http.StatusNoContent)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // whoever sent it is gone
		}
		got := Webhook{subscription, req.Method, req.Header, string(body)}
		r.mu.Lock()
		r.got = append(r.got, got)
		r.mu.Unlock()
		if react := r.react.Load(); react != nil {
			(*react)(got)
		}
		w.WriteHeader(int(r.answer.Load()))
	}))
	t.Cleanup(r.Close)
	return r
}

// take returns what came since the last time.
func (r *receiver) take() []Webhook {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}
