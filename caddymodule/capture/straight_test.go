package capture_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/http3"
)

const http3Only protocol = "http3"

// straight is one API, as its clients reach it, as they do through Caddy, and
// through Sidehook: all with TLS, by HTTP/1.1, HTTP/2 and HTTP/3.
type straight struct {
	t     *testing.T
	api   string // https://host:port
	caddy string
	side  string
	line  *memoryLine
	tls   *tls.Config // of clients
}

func newStraight(t *testing.T, handler http.HandlerFunc) *straight {
	t.Helper()
	own := httptest.NewUnstartedServer(handler)
	own.Config.ErrorLog, own.EnableHTTP2 = quiet, true
	own.StartTLS()
	t.Cleanup(func() { own.CloseClientConnections(); own.Close() })
	s := &straight{t: t, api: own.URL, line: newLine(t), tls: &tls.Config{RootCAs: x509.NewCertPool()}}
	s.tls.RootCAs.AddCert(own.Certificate())

	udp, err := net.ListenPacket("udp", own.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	three := &http3.Server{Handler: handler, TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: own.TLS.Certificates})}
	go three.Serve(udp)
	t.Cleanup(func() { three.Close(); udp.Close() })

	upstream, servers := api(t, handler), object{}
	for i, handlers := range [][]object{{proxy(upstream)}, {probe(t, s.line), proxy(upstream)}} {
		servers[fmt.Sprint("s", i)] = object{
			"listen": freeAddresses(t, 1), "automatic_https": object{"disable": true}, "tls_connection_policies": []object{{}},
			"routes": []object{{"handle": handlers}},
		}
	}
	at := load(t, servers, object{"tls": object{"certificates": object{"load_pem": []object{pemOf(t, own.TLS.Certificates[0])}}}})
	s.caddy, s.side = "https://"+at[0], "https://"+at[1]
	return s
}

// pemOf returns a certificate and its key as Caddy's JSON has them.
func pemOf(t *testing.T, c tls.Certificate) object {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return object{
		"certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})),
		"key":         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}
}

// client returns a client that changes nothing about what it gets.
func (s *straight) client(p protocol) *http.Client {
	var rt http.RoundTripper
	if p == http3Only {
		three := &http3.Transport{TLSClientConfig: s.tls, DisableCompression: true}
		s.t.Cleanup(func() { three.Close() })
		rt = three
	} else {
		tr := &http.Transport{DisableCompression: true, TLSClientConfig: s.tls.Clone(), Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP1(p == http1)
		tr.Protocols.SetHTTP2(p == http2)
		s.t.Cleanup(tr.CloseIdleConnections)
		rt = tr
	}
	return &http.Client{
		Transport: rt, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// proxied are the answers that reverse_proxy itself does not pass on as they are,
// so that they are the same only as what Caddy without Sidehook sends.
var proxied = map[string]string{
	"nothing":         "it makes an answer, 502",
	"no content type": "Caddy's server guesses one",
	"trailers":        "HTTP/1.1 behind it has no length beside trailers; to HEAD they are not announced",
}

// Straight at the API and through Sidehook, all of an answer is the same, byte by
// byte, but Date, Via, and Server and Alt-Svc where the API sends none.
func TestPromise1StraightAtTheAPIIsTheSame(t *testing.T) {
	s := newStraight(t, func(w http.ResponseWriter, r *http.Request) { answers[r.Header.Get("X-Answer")](w, r) })
	for _, p := range []protocol{http1, http2, http3Only} {
		c := s.client(p)
		for answer := range answers {
			t.Run(string(p)+"/"+answer, func(t *testing.T) {
				for _, method := range []string{"POST", "PATCH", "PUT", "DELETE", "HEAD", "GET"} {
					if method == "HEAD" && strings.HasPrefix(answer, "cut") {
						continue // the answer is whole, and its connection closed: the proxy may use that once more
					}
					t.Run(method, func(t *testing.T) { s.compare(t, c, p, method, answer) })
				}
			})
		}
	}
	if s.line.count() == 0 {
		t.Error("nothing was captured: this compared nothing")
	}
}

func (s *straight) compare(t *testing.T, c *http.Client, p protocol, method, answer string) {
	got := s.ask(t, c, p, s.side, method, answer)
	if _, own := proxied[answer]; !own {
		if diff := cmp.Diff(s.ask(t, c, p, s.api, method, answer), got); diff != "" {
			t.Errorf("straight (-) and through Sidehook (+) differ:\n%s", diff)
		}
	}
	if diff := cmp.Diff(s.ask(t, c, p, s.caddy, method, answer), got); diff != "" {
		t.Errorf("through Caddy (-) and through Sidehook (+) differ:\n%s", diff)
	}
}

// ask asks for an answer and takes away what Caddy adds to it.
func (s *straight) ask(t *testing.T, c *http.Client, p protocol, at, method, answer string) seen {
	path, body := "/things/1?q=%20x", io.Reader(nil)
	switch method {
	case "POST":
		path, body = "/things", strings.NewReader(`{"a":"b"}`)
	case "PATCH":
		body = io.MultiReader(strings.NewReader("no length"))
	}
	r, err := http.NewRequest(method, at+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Answer", answer)
	r.Header.Set("Accept-Encoding", "gzip") // without it, reverse_proxy asks for gzip all the same, and undoes it
	if answer == "range" {
		r.Header.Set("Range", "bytes=2-4")
	}
	if p != http1 {
		r.Header.Set("X-Framing", "its own")
	}
	got := ask(t, c, r)
	got.BodyErr = streamID.ReplaceAllString(got.BodyErr, "stream ID")
	if strings.Contains(got.BodyErr, "H3_INTERNAL_ERROR") { // QUIC drops what is on its way when a stream is reset
		got = seen{BodyErr: "H3_INTERNAL_ERROR"}
	}
	if p == http3Only && method == "HEAD" && got.Length <= 0 { // whether quic-go adds this, for want of a body, is chance
		got.Header.Del("Content-Length")
		got.Length = 0
	}
	if at == s.api {
		return got
	}
	for _, own := range []string{"Server", "Alt-Svc", "Via"} {
		if v := got.Header.Get(own); strings.HasSuffix(v, "Caddy") || strings.HasPrefix(v, "h3=") {
			got.Header.Del(own)
		}
	}
	return got
}

var streamID = regexp.MustCompile(`stream ID \d+`)

// An upgrade is answered the same, and what follows passes both ways.
func TestPromise1AnUpgradeIsTheSame(t *testing.T) {
	s := newStraight(t, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Own: 1\r\nSec-Websocket-Accept: x\r\n\r\n")
		rw.Flush()
		io.Copy(conn, rw)
	})
	got := map[string]string{}
	for _, at := range []string{s.api, s.side} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(at, "https://"), s.tls)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprint(conn, "GET /things/1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "echo me\n")
		echo, err := in.ReadString('\n')
		for _, own := range []string{"Date", "Server", "Alt-Svc", "Via"} {
			res.Header.Del(own)
		}
		got[at] = fmt.Sprint(res.Status, res.Header, echo, err)
	}
	if got[s.api] != got[s.side] {
		t.Errorf("straight:\n%s\nthrough Sidehook:\n%s", got[s.api], got[s.side])
	}
}
