package capture_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// surroundings are what Caddy puts around a handler that wraps writers of its own.
var surroundings = map[string]func(server object, chain []object) []object{
	"plain":  func(_ object, chain []object) []object { return chain },
	"logged": func(server object, chain []object) []object { server["logs"] = object{}; return chain },
	"metered": func(server object, chain []object) []object {
		server["metrics"] = object{}
		return chain
	},
	"traced": func(_ object, chain []object) []object {
		return append([]object{{"handler": "tracing", "span": "test"}}, chain...)
	},
	"everything": func(server object, chain []object) []object {
		server["logs"] = object{"should_log_credentials": true}
		server["metrics"] = object{}
		encode := object{"handler": "encode", "encodings": object{"gzip": object{}, "zstd": object{}}}
		return append([]object{{"handler": "tracing", "span": "test"}, encode}, chain...)
	},
}

// surround serves the chain in each of the surroundings.
func surround(t *testing.T, chain func(h object) []object, test func(t *testing.T, at string, l *memoryLine)) {
	for name, around := range surroundings {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			server := object{"listen": freeAddresses(t, 1), "protocols": []string{"h1", "h2c"}, "automatic_https": object{"disable": true}}
			server["routes"] = []object{{"handle": around(server, chain(probe(t, l)))}}
			test(t, load(t, object{"s0": server})[0], l)
		})
	}
}

// Streams and upgrades pass whatever else is between Caddy and the API: trap
// tests of writers that hide what they wrap.
func TestStreamsAndUpgradesPassInAllSurroundings(t *testing.T) {
	more := make(chan struct{})
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if r.Header.Get("Upgrade") != "" {
			conn, rw, err := rc.Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			rw.Flush()
			io.Copy(conn, rw)
			return
		}
		if r.Method == "GET" { // to find out what became of an upgrade
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", r.Header.Get("X-Kind"))
		fmt.Fprint(w, "one\n")
		rc.Flush()
		select {
		case <-more:
			fmt.Fprint(w, "two\n")
		case <-t.Context().Done():
		}
	})
	chain := func(h object) []object { return []object{h, proxy(upstream, object{"flush_interval": -1})} }
	surround(t, chain, func(t *testing.T, at string, l *memoryLine) {
		kinds := []string{"text/event-stream", "text/plain", "application/x-ndjson"}
		for _, p := range []protocol{http1, http2} {
			for _, kind := range kinds {
				r := request(t, "POST", at, "/things", strings.NewReader("{}"))
				r.Header.Set("X-Kind", kind)
				res, err := client(t, p).Do(r)
				if err != nil {
					t.Fatal(err)
				}
				in := bufio.NewReader(res.Body)
				if line, err := in.ReadString('\n'); err != nil || line != "one\n" {
					t.Fatalf("%s %s: first line %q, %v", p, kind, line, err)
				}
				select {
				case more <- struct{}{}:
				case <-t.Context().Done():
				}
				if rest, err := io.ReadAll(in); err != nil || string(rest) != "two\n" {
					t.Errorf("%s %s: rest %q, %v", p, kind, rest, err)
				}
				res.Body.Close()
			}
		}
		conn := dial(t, at)
		fmt.Fprint(conn, "PUT /things/1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
		in := bufio.NewReader(conn)
		if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("answer %v, %v", res, err)
		}
		fmt.Fprint(conn, "echo me\n")
		if got, err := in.ReadString('\n'); got != "echo me\n" {
			t.Errorf("echo %q, %v", got, err)
		}
		conn.Close()
		upgraded := 0
		for _, x := range l.wait(t, 2*len(kinds)+1) {
			if x.Ending == webhook.Unknown {
				upgraded++
			}
		}
		if upgraded != 1 {
			t.Errorf("%d of the calls have an unknown outcome, want the upgrade alone", upgraded)
		}
	})
}

// A gRPC answer keeps its trailers, and is not held.
func TestGRPCKeepsItsTrailers(t *testing.T) {
	upstream := api(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc+proto")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		w.Write([]byte{0, 0, 0, 0, 0})
		http.NewResponseController(w).Flush()
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set("Grpc-Message", "ok")
	})
	surround(t, func(h object) []object { return []object{h, proxy(upstream)} }, func(t *testing.T, at string, l *memoryLine) {
		s := ask(t, client(t, http2), request(t, "POST", at, "/things", strings.NewReader("\x00\x00\x00\x00\x00")))
		if s.Trailer.Get("Grpc-Status") != "0" || s.Trailer.Get("Grpc-Message") != "ok" || s.Body != "\x00\x00\x00\x00\x00" {
			t.Errorf("body %q, trailers %v", s.Body, s.Trailer)
		}
		if x := l.only(t); x.Response.Body.Missing != webhook.Streamed {
			t.Errorf("missing: %q", x.Response.Body.Missing)
		}
	})
}
