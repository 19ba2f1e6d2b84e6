package deliver_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/webhook"
)

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)

	t.Run("untrusted certificate", func(t *testing.T) {
		a, _ := attemptAt(t, subscribe("crm", server.URL))
		check(t, a, webhook.Failed, 0, "is signed by an authority that is not trusted")
	})
	t.Run("insecure_skip_verify over HTTP/2", func(t *testing.T) {
		s := subscribe("crm", server.URL)
		s.InsecureSkipVerify = true
		a, _ := attemptAt(t, s)
		check(t, a, webhook.Accepted, 200, "")
		if string(a.Answer) != "HTTP/2.0" {
			t.Errorf("spoke %s", a.Answer)
		}
	})
	t.Run("plain HTTP where TLS is expected", func(t *testing.T) {
		s := serve(t, func(http.ResponseWriter, *http.Request) {})
		s.URL = strings.Replace(s.URL, "http:", "https:", 1)
		a, _ := attemptAt(t, s)
		check(t, a, webhook.Failed, 0, "TLS: the receiver speaks plain HTTP")
	})
	t.Run("old TLS", func(t *testing.T) {
		old := httptest.NewUnstartedServer(http.NotFoundHandler())
		old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		old.Config.ErrorLog = log.New(io.Discard, "", 0)
		old.StartTLS()
		defer old.Close()
		s := subscribe("crm", old.URL)
		s.InsecureSkipVerify = true
		a, _ := attemptAt(t, s)
		check(t, a, webhook.Failed, 0, "TLS: the receiver refused the connection: protocol version not supported")
	})
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	a, _ := attemptAt(t, subscribe("crm", "http://"+l.Addr().String()))
	check(t, a, webhook.Failed, 0, "connect to "+l.Addr().String()+": connection refused")
}

// Connections are used again, also after answers of some length, and as many
// as are in flight at once.
func TestConnectionsAreReused(t *testing.T) {
	const at, waves = 8, 20
	var conns atomic.Int64
	together := newBarrier(at)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		together.wait()
		w.Write(make([]byte, 40<<10))
	}))
	server.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	b := start(t, deliver.Options{}, subscribe("crm", server.URL))
	for wave := range waves {
		for i := range at {
			b.q.Owe("crm", event(wave*at+i), "")
		}
		eventually(t, "the wave is delivered", func() bool { return b.q.Pending() == 0 })
	}
	// A dial whose request has got another connection meanwhile is a spare one.
	if n := conns.Load(); n > 2*at {
		t.Errorf("%d connections for %d waves of %d", n, waves, at)
	}
}

// barrier lets n pass together, again and again.
type barrier struct {
	mu    sync.Mutex
	n, in int
	open  chan struct{}
}

func newBarrier(n int) *barrier { return &barrier{n: n, open: make(chan struct{})} }

func (b *barrier) wait() {
	b.mu.Lock()
	open := b.open
	if b.in++; b.in == b.n {
		close(open)
		b.in, b.open = 0, make(chan struct{})
	}
	b.mu.Unlock()
	<-open
}
