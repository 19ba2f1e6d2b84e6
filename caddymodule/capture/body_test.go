package capture_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/webhook"
)

// echo answers with what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Trailer-Was", r.Trailer.Get("X-Sum"))
	fmt.Fprintf(w, "%s", body)
}

// A request body is kept as it was sent, whatever handlers behind do with it.
func TestRequestBodies(t *testing.T) {
	upstream := api(t, echo)
	readsBody := object{"handler": "vars", "copy": "{http.request.body}"}
	retry := object{
		"upstreams":      []object{{"dial": "127.0.0.1:1"}, {"dial": upstream.Listener.Addr().String()}},
		"load_balancing": object{"selection_policy": object{"policy": "round_robin"}, "retries": 3},
		"health_checks":  object{"passive": object{"fail_duration": "10s"}},
	}
	retryBuffered := object{"request_buffers": 1 << 16}
	maps.Copy(retryBuffered, retry)
	chains := map[string]func(h object) []object{
		"proxied":            func(h object) []object { return []object{h, proxy(upstream)} },
		"buffered":           func(h object) []object { return []object{h, proxy(upstream, object{"request_buffers": 4096})} },
		"read behind":        func(h object) []object { return []object{h, readsBody, proxy(upstream)} },
		"read before":        func(h object) []object { return []object{readsBody, h, proxy(upstream)} },
		"read on both sides": func(h object) []object { return []object{readsBody, h, readsBody, proxy(upstream)} },
		"traced":             func(h object) []object { return []object{h, readsBody, {"handler": "tracing"}, proxy(upstream)} },
		"logged": func(h object) []object {
			return []object{{"handler": "log_append", "key": "b", "value": "{http.request.body}"}, h, proxy(upstream)}
		},
		"retried":              func(h object) []object { return []object{h, proxy(upstream, retry)} },
		"retried and buffered": func(h object) []object { return []object{h, proxy(upstream, retryBuffered)} },
	}
	bodies := map[string]func() io.Reader{
		"with a length": func() io.Reader { return strings.NewReader(`{"name":"x"}`) },
		"chunked":       func() io.Reader { return io.MultiReader(strings.NewReader(`{"name":"x"}`)) },
	}
	for chain, behind := range chains {
		for kind, body := range bodies {
			for _, p := range []protocol{http1, http2} {
				t.Run(fmt.Sprintf("%s %s %s", chain, kind, p), func(t *testing.T) {
					l := newLine(t)
					at := serve(t, behind(probe(t, l)))
					s := ask(t, client(t, p), request(t, "POST", at[0], "/things", body()))
					if s.Status != 200 || s.Body != `{"name":"x"}` {
						t.Errorf("answer %d %q", s.Status, s.Body)
					}
					x := l.only(t)
					if got := string(x.Request.Body.Bytes); got != s.Body || !x.Request.Body.Whole() {
						t.Errorf("kept %q, missing: %v", got, x.Request.Body.Missing)
					}
					if got := string(x.Response.Body.Bytes); got != s.Body {
						t.Errorf("kept %q of the answer", got)
					}
				})
			}
		}
	}
}

// A client that waits for 100 Continue gets it when the API reads.
func TestExpectContinue(t *testing.T) {
	l := newLine(t)
	at := serve(t, []object{probe(t, l), proxy(api(t, echo))})
	conn := dial(t, at[0])
	fmt.Fprint(conn, "POST /things HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusContinue {
		t.Fatal(res, err)
	}
	fmt.Fprint(conn, "{}")
	for err == nil && res.StatusCode == http.StatusContinue { // Caddy's, and the API's
		res, err = http.ReadResponse(in, nil)
	}
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	if x := l.only(t); string(x.Request.Body.Bytes) != "{}" {
		t.Errorf("kept %q", x.Request.Body.Bytes)
	}
}

// An API that answers early leaves Go's transport reading on.
func TestAnsweredEarly(t *testing.T) {
	upstream := api(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	l := newLine(t)
	at := serve(t, []object{probe(t, l), proxy(upstream)})
	const calls = 20
	for range calls {
		conn := dial(t, at[0])
		fmt.Fprint(conn, "POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 900001\r\n\r\n{")
		go conn.Write(make([]byte, 900_000))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
	}
	for _, x := range l.wait(t, calls) {
		b := x.Request.Body
		if b.Whole() != (len(b.Bytes) == 900_001) || !b.Whole() && b.Missing != webhook.Unread {
			t.Fatalf("%d bytes, missing: %q", len(b.Bytes), b.Missing)
		}
	}
}

// Trailers of a request reach the API.
func TestRequestTrailers(t *testing.T) {
	l := newLine(t)
	at := serve(t, []object{probe(t, l), proxy(api(t, echo))})
	r := request(t, "POST", at[0], "/things", io.MultiReader(strings.NewReader("{}")))
	r.Trailer = http.Header{"X-Sum": {"42"}}
	if s := ask(t, client(t, http1), r); s.Header.Get("X-Trailer-Was") != "42" {
		t.Error(s.Header)
	}
	l.only(t)
}

// What is not kept says why, and passes all the same.
func TestBodiesThatAreNotKept(t *testing.T) {
	limit := object{"handler": "request_body", "max_size": 1000}
	large := strings.Repeat("x", 5000)
	tests := []struct {
		name     string
		settings object
		before   []object
		body     string
		want     webhook.Missing
	}{
		{"kept up to max_body", object{"max_body": 5000}, nil, large, webhook.NotMissing},
		{"too large", object{"max_body": 4999}, nil, large, webhook.TooLarge},
		{"no budget", object{"budget": 4000}, nil, large, webhook.NoBudget},
		{"empty", nil, nil, "", webhook.NotMissing},
		{"within a limit", nil, []object{limit}, "{}", webhook.NotMissing},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLine(t)
			at := serve(t, append(test.before, probe(t, l, test.settings), proxy(api(t, echo))))
			s := ask(t, client(t, http1), request(t, "POST", at[0], "/things", strings.NewReader(test.body)))
			if s.Body != test.body {
				t.Errorf("%d bytes came back", len(s.Body))
			}
			x := l.only(t)
			if x.Request.Body.Missing != test.want || x.Response.Body.Missing != test.want {
				t.Errorf("missing: %q and %q, want %q", x.Request.Body.Missing, x.Response.Body.Missing, test.want)
			}
			if whole := len(x.Request.Body.Bytes) == len(test.body); whole != x.Request.Body.Whole() {
				t.Errorf("%d bytes kept", len(x.Request.Body.Bytes))
			}
			caddyStop(t)
			if used := capture.ProbeBudget(t.Name()).Used(); used != 0 {
				t.Errorf("%d bytes of the budget are still taken", used)
			}
		})
	}
}

// Of a body that is not kept nothing is, neither its beginning nor its end, it takes
// nothing of the budget, and who writes it is told to stop.
func TestNothingIsKeptOfABodyThatIsTooLarge(t *testing.T) {
	budget := capture.NewBudget(1 << 20)
	b := capture.NewBody(10, 0, budget)
	for n, piece := range []string{"12345678", "90a", "", "tail"} {
		_, err := b.Write([]byte(piece))
		if wrong := n > 0; wrong != (err != nil) {
			t.Errorf("writing %q: %v", piece, err)
		}
	}
	if kept := b.Captured(); kept.Bytes != nil || kept.Missing != webhook.TooLarge || budget.Used() != 0 {
		t.Errorf("kept %q, missing: %q, %d bytes of the budget are taken", kept.Bytes, kept.Missing, budget.Used())
	}
}

// A body that is longer than it was said to be is kept as it came, and what it took
// of the budget is what it was given, and given back.
func TestABodyGrowsByWhatWasSeen(t *testing.T) {
	budget := capture.NewBudget(1 << 20)
	for _, declared := range []int64{-1, 0, 1, 600, 1 << 40} {
		b, want := capture.NewBody(100_000, declared, budget), strings.Builder{}
		for n := 0; want.Len() < 90_000; n++ {
			piece := strings.Repeat(string(rune('a'+n%26)), 1+n*7%600)
			want.WriteString(piece)
			if _, err := b.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
			if used, most := budget.Used(), int64(max(2*want.Len()+600, 33_000)); used < int64(want.Len()) || used > most {
				t.Fatalf("%d bytes of the budget are taken for %d", used, want.Len())
			}
		}
		if kept := b.Captured(); string(kept.Bytes) != want.String() || !kept.Whole() {
			t.Errorf("declared as %d: kept another body, missing: %q", declared, kept.Missing)
		}
		if b.Release(); budget.Used() != 0 {
			t.Errorf("%d bytes of the budget are still taken", budget.Used())
		}
	}
}

// A body that Caddy itself refuses is a call that was refused.
func TestRequestTooLargeForCaddy(t *testing.T) {
	l := newLine(t)
	limit := object{"handler": "request_body", "max_size": 10}
	at := serve(t, []object{probe(t, l), limit, proxy(api(t, echo))})
	s := ask(t, client(t, http1), request(t, "POST", at[0], "/things", strings.NewReader(strings.Repeat("x", 100))))
	if s.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", s.Status)
	}
	if x := l.only(t); x.Ending != webhook.Rejected {
		t.Errorf("ending %v", x.Ending)
	}
}
