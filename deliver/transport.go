package deliver

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Bounds of a connection to a receiver.
const (
	connectTimeout   = 5 * time.Second
	idleTimeout      = 30 * time.Second
	maxAnswerHeaders = 32 << 10
	pingAfter        = 15 * time.Second // of silence on HTTP/2
)

// transports has one transport for each set of settings, so that connections
// outlive a reload and equal subscriptions share them.
type transports struct {
	given http.RoundTripper // for tests
	idle  int

	mu  sync.Mutex
	all map[transportKey]*http.Transport
}

// transportKey is what subscriptions must have in common to share a transport.
type transportKey struct {
	insecure bool
	guarded  bool // only public addresses are dialled
}

func newTransports(opts Options) *transports {
	return &transports{given: opts.Transport, idle: opts.InFlight, all: map[transportKey]*http.Transport{}}
}

// to returns the transport for s.
func (t *transports) to(s *webhook.Subscription) http.RoundTripper {
	if t.given != nil {
		return t.given
	}
	key := transportKey{insecure: s.InsecureSkipVerify, guarded: !s.AllowPrivate}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all[key] == nil {
		t.all[key] = newTransport(key, t.idle)
	}
	return t.all[key]
}

// closeIdle closes the connections that no attempt uses.
func (t *transports) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, transport := range t.all {
		transport.CloseIdleConnections()
	}
}

// newTransport returns a transport that uses no proxy of the environment and
// never decompresses. Redirects are not its matter: nothing above it follows
// them.
func newTransport(key transportKey, idle int) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}
	if key.guarded {
		dialer.ControlContext = guard
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: key.insecure},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: connectTimeout},
		DisableCompression:     true,
		MaxIdleConns:           4 * idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeaders,
	}
}
