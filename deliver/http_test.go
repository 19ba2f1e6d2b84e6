package deliver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/webhook"
)

// attemptAt makes a real attempt at a receiver and returns what was recorded.
func attemptAt(t *testing.T, s *webhook.Subscription) (webhook.Attempt, *bench) {
	t.Helper()
	b := start(t, deliver.Options{}, s)
	id := b.q.Owe(s.ID, event(1), "lane")
	eventually(t, "an attempt is recorded", func() bool { return len(b.q.Attempts(id)) > 0 })
	return b.q.Attempts(id)[0], b
}

func serve(t *testing.T, h http.HandlerFunc) *webhook.Subscription {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Only with the body read does the server see that we hang up.
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return subscribe("crm", server.URL)
}

// hurry gives s a timeout that a test can wait for.
func hurry(s *webhook.Subscription) *webhook.Subscription {
	s.Timeout = 300 * time.Millisecond
	return s
}

func check(t *testing.T, a webhook.Attempt, outcome webhook.Outcome, status int, words string) {
	t.Helper()
	if a.Outcome != outcome || a.Status != status || !strings.Contains(a.Error, words) {
		t.Errorf("got %s %d %q, want %s %d %q", a.Outcome, a.Status, a.Error, outcome, status, words)
	}
}

func TestAcceptedOverHTTP(t *testing.T) {
	got := make(chan *http.Request, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.ContentLength != int64(len(body)) || len(body) == 0 || r.Method != "POST" {
			t.Errorf("%s with %d of %d bytes", r.Method, len(body), r.ContentLength)
		}
		got <- r
		w.Header().Set("Set-Cookie", "session=1")
		io.WriteString(w, "thanks")
	})
	a, _ := attemptAt(t, s)
	check(t, a, webhook.Accepted, 200, "")
	if string(a.Answer) != "thanks" || a.CutShort || a.Received.Get("Content-Length") != "6" {
		t.Errorf("recorded %+v", a)
	}
	if strings.Contains(fmt.Sprint(a.Received), "session") {
		t.Error("a cookie is recorded")
	}
	if r := <-got; r.Header.Get("Accept-Encoding") != "" || r.Header.Get("Webhook-Signature") == "" {
		t.Errorf("sent %v", r.Header)
	}
}

func TestHangIsCutAtTheTimeout(t *testing.T) {
	a, _ := attemptAt(t, hurry(serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })))
	check(t, a, webhook.Failed, 0, "no answer within 300ms")
	if a.Latency < 300*time.Millisecond || a.Latency > 3*time.Second {
		t.Errorf("took %v", a.Latency)
	}
}

func TestDripIsCutAtTheTimeout(t *testing.T) {
	for status, outcome := range map[int]webhook.Outcome{200: webhook.Accepted, 500: webhook.Failed} {
		a, _ := attemptAt(t, hurry(serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for r.Context().Err() == nil {
				io.WriteString(w, ".")
				w.(http.Flusher).Flush()
				<-tick.C
			}
		})))
		check(t, a, outcome, status, "did not end within 300ms")
		if len(a.Answer) == 0 || a.Latency > 3*time.Second {
			t.Errorf("recorded %+v", a)
		}
	}
}

func TestFloodIsCutAtItsBound(t *testing.T) {
	var sent atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for {
			n, err := w.Write(bytes.Repeat([]byte("x"), 1<<16))
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	a, _ := attemptAt(t, s)
	check(t, a, webhook.Accepted, 200, "")
	if len(a.Answer) != webhook.MaxAnswer || !a.CutShort || a.Latency > 5*time.Second {
		t.Errorf("kept %d bytes, cut short %t, after %v", len(a.Answer), a.CutShort, a.Latency)
	}
}

func TestHeaderFloodIsRefused(t *testing.T) {
	a, _ := attemptAt(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
	}))
	check(t, a, webhook.Failed, 0, "headers of the answer are longer")
}

func TestGzipBombIsNotExpanded(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	zip.Write(make([]byte, 10<<20))
	zip.Close()
	a, _ := attemptAt(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	}))
	check(t, a, webhook.Accepted, 200, "")
	if !bytes.Equal(a.Answer, bomb.Bytes()) {
		t.Errorf("kept %d bytes, want the %d that were sent", len(a.Answer), bomb.Len())
	}
}

func TestResetAndClose(t *testing.T) {
	hijack := func(linger int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			if linger >= 0 {
				conn.(*net.TCPConn).SetLinger(linger)
			}
			conn.Close()
		}
	}
	a, _ := attemptAt(t, serve(t, hijack(0)))
	check(t, a, webhook.Failed, 0, "the receiver reset the connection")
	a, _ = attemptAt(t, serve(t, hijack(-1)))
	check(t, a, webhook.Failed, 0, "the receiver closed the connection")
}

func TestRedirectIsNeverFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var followed atomic.Bool
		a, _ := attemptAt(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				followed.Store(true)
				return
			}
			http.Redirect(w, r, "/elsewhere?token=of-the-url", status)
		}))
		check(t, a, webhook.Failed, status, "redirects are not followed")
		if to := a.Received.Get("Location"); strings.Contains(a.Error+to, "token") || !strings.HasPrefix(to, "http://127.0.0.1:") {
			t.Errorf("recorded %q and %q", a.Error, to)
		}
		if followed.Load() {
			t.Errorf("%d was followed", status)
		}
	}
}

func TestGoneOverHTTP(t *testing.T) {
	a, b := attemptAt(t, serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(410) }))
	check(t, a, webhook.Stopped, 410, "")
	if got := b.States()[0]; got.Status != webhook.Gone {
		t.Errorf("state %+v", got)
	}
}

func TestRetryAfterOverHTTP(t *testing.T) {
	for name, value := range map[string]func() string{
		"seconds": func() string { return "7200" },
		"date":    func() string { return time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := attemptAt(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", value())
				w.WriteHeader(429)
			}))
			check(t, a, webhook.Throttled, 429, "")
			for _, at := range []time.Time{a.RetryAt, b.States()[0].WaitUntil} {
				if wait := time.Until(at); wait < 119*time.Minute || wait > 121*time.Minute {
					t.Errorf("waits %v, want two hours", wait)
				}
			}
		})
	}
}
