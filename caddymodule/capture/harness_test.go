package capture_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/derive"
	sidestore "github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// memoryLine is a line that remembers what reached it.
type memoryLine struct {
	traffic *derive.Traffic

	mu        sync.Mutex
	begins    []webhook.Begin
	ends      []webhook.Exchange
	durable   []bool
	missed    []string // resources
	expected  []string // resources, of calls in flight
	snapshots map[webhook.EntityKey]webhook.Snapshot
	beginErr  error
	endErr    error
	room      int // bytes of bodies that an end may have; 0: any
	sick      bool
	onEnd     func(x *webhook.Exchange) // called while the call waits
	changed   chan struct{}
}

func newLine(t testing.TB) *memoryLine {
	l := &memoryLine{traffic: derive.NewTraffic(), changed: make(chan struct{})}
	t.Cleanup(func() { l.traffic.Drain(0) })
	return l
}

func (l *memoryLine) Begin(b *webhook.Begin) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.beginErr == nil {
		l.begins = append(l.begins, *b)
	}
	return l.beginErr
}

func (l *memoryLine) End(_ context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	if l.onEnd != nil {
		l.onEnd(x)
	}
	if err := l.write(x, durable); err != nil {
		return err
	}
	for _, then := range meanwhile {
		then()
	}
	return nil
}

func (l *memoryLine) write(x *webhook.Exchange, durable bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endErr != nil {
		return l.endErr
	}
	if size := bodyBytes(x); l.room > 0 && size > l.room {
		return fmt.Errorf("%w: %d bytes", sidestore.ErrTooLarge, size)
	}
	l.ends, l.durable = append(l.ends, *x), append(l.durable, durable)
	l.announce()
	return nil
}

func bodyBytes(x *webhook.Exchange) int {
	n := len(x.Request.Body.Bytes) + len(x.Response.Body.Bytes)
	if x.Before != nil {
		n += len(x.Before.Body.Bytes)
	}
	return n
}

func (l *memoryLine) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *memoryLine) Traffic() *derive.Traffic { return l.traffic }

func (l *memoryLine) Snapshot(_ context.Context, key webhook.EntityKey) (webhook.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.snapshots[key], nil
}

func (*memoryLine) Caller(h http.Header, secret string) []byte {
	return credentials.NewHash([]byte("key")).Of(h, secret)
}

func (l *memoryLine) Expect(_ *webhook.Begin, resource string, _ error) (over func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected = append(l.expected, resource)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		i := slices.Index(l.expected, resource)
		l.expected = slices.Delete(l.expected, i, i+1)
		l.announce()
	}
}

func (l *memoryLine) Missed(_ *webhook.Begin, resource string, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missed = append(l.missed, resource)
	l.announce()
}

func (l *memoryLine) Healthy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.sick
}

// wait returns the first n ends, once they are there.
func (l *memoryLine) wait(t testing.TB, n int) []webhook.Exchange {
	t.Helper()
	l.until(t, fmt.Sprintf("%d ends", n), func() bool { return len(l.ends) >= n })
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ends)
}

// only returns the one exchange that was journaled.
func (l *memoryLine) only(t testing.TB) webhook.Exchange {
	t.Helper()
	ends := l.wait(t, 1)
	if len(ends) != 1 {
		t.Fatalf("%d exchanges were journaled, want 1", len(ends))
	}
	return ends[0]
}

// until waits for what is looked at under the lock.
func (l *memoryLine) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		done, changed := ok(), l.changed
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// count returns how many ends were journaled.
func (l *memoryLine) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ends)
}

// object is JSON as one writes it.
type object = map[string]any

// things is a configuration that captures the calls to /things.
func things() object {
	return object{
		"api":       "shop",
		"resources": []object{{"name": "thing", "path": "/things"}},
	}
}

// probe returns the handler under test, on the line, with more settings.
func probe(t testing.TB, l *memoryLine, settings ...object) object {
	name := t.Name()
	capture.SetProbeLine(name, l)
	h := things()
	h["handler"], h["line"] = "sidehook_probe", name
	for _, s := range settings {
		maps.Copy(h, s)
	}
	return h
}

// proxy returns a reverse_proxy to api, with more settings.
func proxy(api *httptest.Server, settings ...object) object {
	h := object{"handler": "reverse_proxy", "upstreams": []object{{"dial": api.Listener.Addr().String()}}}
	for _, s := range settings {
		maps.Copy(h, s)
	}
	return h
}

// serve runs one Caddy with a server for each chain of handlers, and returns
// their addresses. There is one Caddy in a process: tests that serve do not run
// in parallel.
func serve(t testing.TB, chains ...[]object) []string {
	t.Helper()
	servers := object{}
	addresses := freeAddresses(t, len(chains))
	for i, chain := range chains {
		servers[fmt.Sprint("s", i)] = object{
			"listen":          []string{addresses[i]},
			"protocols":       []string{"h1", "h2c"},
			"automatic_https": object{"disable": true},
			"routes":          []object{{"handle": chain}},
		}
	}
	return load(t, servers)
}

// freeAddresses returns n different addresses that nobody listens on: Caddy
// takes port 0 for one server only.
func freeAddresses(t testing.TB, n int) (all []string) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are found
		all = append(all, l.Addr().String())
	}
	return all
}

// load runs Caddy with servers named s0, s1, … and more apps, and returns the
// servers' addresses.
func load(t testing.TB, servers object, more ...object) []string {
	t.Helper()
	apps := object{"http": object{"servers": servers, "grace_period": "1s"}}
	for _, m := range more {
		maps.Copy(apps, m)
	}
	config, err := json.Marshal(object{
		"admin":   object{"disabled": true, "config": object{"persist": false}},
		"logging": object{"logs": object{"default": object{"level": "PANIC"}}},
		"apps":    apps,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { caddy.Stop() })
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		t.Fatal(err)
	}
	addresses := make([]string, len(servers))
	for i := range addresses {
		s := app.(*caddyhttp.App).Servers[fmt.Sprint("s", i)]
		addresses[i] = s.Listeners()[0].Addr().String()
	}
	return addresses
}

// api runs an upstream.
func api(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// protocol is a way to speak HTTP without TLS.
type protocol string

const (
	http1 protocol = "http1"
	http2 protocol = "http2"
)

// client returns a client that changes nothing about what it gets.
func client(t testing.TB, p protocol) *http.Client {
	tr := &http.Transport{DisableCompression: true, Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP1(p == http1)
	tr.Protocols.SetUnencryptedHTTP2(p == http2)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport:     tr,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// seen is all that a client can tell about an answer.
type seen struct {
	Status   int
	Header   http.Header
	Length   int64
	Encoding []string
	Body     string
	BodyErr  string
	Trailer  http.Header
	Early    []string // 1xx
}

// ask sends the request and reads the answer to its end.
func ask(t testing.TB, c *http.Client, r *http.Request) seen {
	t.Helper()
	var s seen
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			s.Early = append(s.Early, fmt.Sprint(code, h["Link"]))
			return nil
		},
	})
	res, err := c.Do(r.WithContext(ctx))
	if err != nil {
		s.BodyErr = err.Error()
		return s
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	s.Status, s.Header, s.Length, s.Encoding = res.StatusCode, res.Header, res.ContentLength, res.TransferEncoding
	s.Body, s.Trailer = string(body), res.Trailer
	if err != nil {
		s.BodyErr = err.Error()
	}
	if res.ProtoMajor == 2 && s.Length < 0 && s.Body == "" {
		s.Length = 0 // whether the end comes with the header is chance
	}
	s.Header.Del("Date")
	return s
}

// request makes a request to the address.
func request(t testing.TB, method, address, path string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+address+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// dial opens a bare connection.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

// contextOf returns a context for r that the test ends.
func contextOf(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithCancel(r.Context())
}

// noEngine takes the test's line away.
func noEngine(t testing.TB) { capture.SetProbeLine(t.Name(), nil) }

// watching returns a handler in front of Sidehook that calls gone when the
// client of a call is gone, or the call over.
func watching(gone func()) object {
	watchGone = gone
	return object{"handler": "sidehook_test_watch"}
}

var watchGone func()

// watch is what watching returns.
type watch struct{}

func init() { caddy.RegisterModule(watch{}) }

// CaddyModule implements [caddy.Module].
func (watch) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sidehook_test_watch", New: func() caddy.Module { return new(watch) }}
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (watch) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	context.AfterFunc(r.Context(), watchGone)
	return next.ServeHTTP(w, r)
}

// caddyStop ends all calls.
func caddyStop(t testing.TB) {
	t.Helper()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
}
