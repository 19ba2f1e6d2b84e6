package deliver

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
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

	mu   sync.Mutex
	all  map[transportKey]*http.Transport
	way  *webhook.Egress // of subscriptions that have none of their own
	used map[transportKey]bool
}

// transportKey is what subscriptions must have in common to share a transport.
type transportKey struct {
	insecure bool
	guarded  bool   // only public addresses are dialled
	egress   string // its id
}

func newTransports(opts Options) *transports {
	return &transports{given: opts.Transport, idle: opts.InFlight, all: map[transportKey]*http.Transport{}, used: map[transportKey]bool{}}
}

// to returns the transport for s.
func (t *transports) to(s *webhook.Subscription) (http.RoundTripper, error) {
	if t.given != nil {
		return t.given, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	way := t.way
	if s.Egress != nil {
		way = s.Egress
	}
	e, err := newEgress(way)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	key := transportKey{insecure: s.InsecureSkipVerify, guarded: !s.AllowPrivate, egress: e.id}
	if t.all[key] == nil {
		t.all[key] = newTransport(key, e, t.idle)
	}
	t.used[key] = true
	return t.all[key], nil
}

// through makes e the way of subscriptions that have none of their own.
func (t *transports) through(e *webhook.Egress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.way = e
}

// prune lets go of the transports that none was given since the last call.
// Attempts in flight keep theirs.
func (t *transports) prune() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, transport := range t.all {
		if !t.used[key] {
			transport.CloseIdleConnections()
			delete(t.all, key)
		}
	}
	clear(t.used)
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
func newTransport(key transportKey, e *egress, idle int) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second, Resolver: e.resolver}
	dial, proxy := dialer.DialContext, (func(*http.Request) (*url.URL, error))(nil)
	switch {
	case e.proxy != nil && key.guarded:
		dial = (&tunnel{egress: e, dialer: dialer}).dial
	case e.proxy != nil:
		proxy = http.ProxyURL(e.proxy)
	case key.guarded:
		dialer.ControlContext = guard
	}
	return &http.Transport{
		DialContext: dial, Proxy: proxy, OnProxyConnectResponse: connected,
		TLSHandshakeTimeout:    connectTimeout,
		TLSClientConfig:        e.tls(key.insecure),
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: connectTimeout},
		DisableCompression:     true,
		MaxIdleConns:           4 * idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeaders,
	}
}
