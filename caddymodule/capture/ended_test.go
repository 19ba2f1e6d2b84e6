package capture_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
)

// burden is something large that hangs on a request.
type burden struct{ _ [1 << 16]byte }

type burdenKey struct{}

// A call that has ended keeps nothing of its request alive, whether its client
// stayed, hung up, or made a GET necessary.
func TestACallThatHasEndedKeepsNothingAlive(t *testing.T) {
	const calls = 50
	for name, test := range map[string]struct {
		method, path string
		status       int
		hangsUp      bool // while the call is open
	}{
		"answered":             {"PATCH", "/things/1", 200, false},
		"client gone":          {"PATCH", "/things/1", 200, true},
		"refused":              {"PATCH", "/things/1", 422, false},
		"fetched before":       {"DELETE", "/things/1", 204, false},
		"fetched after":        {"PUT", "/things/1", 204, false},
		"fetched, client gone": {"PUT", "/things/1", 204, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := noLine{derive.NewTraffic()}
			t.Cleanup(func() { l.traffic.Drain(0) })
			p := probeOn(t, l)
			var left []weak.Pointer[burden]
			for range calls {
				b := new(burden)
				left = append(left, weak.Make(b))
				ctx, hangUp := context.WithCancel(context.WithValue(t.Context(), burdenKey{}, b))
				r := caddyRequest(t, ctx, test.method, test.path)
				err := p.ServeHTTP(&sink{h: make(http.Header)}, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
					if test.hangsUp {
						hangUp()
					}
					w.WriteHeader(test.status)
					if test.status == 200 {
						w.Write([]byte(`{"id":"1","name":"a thing","status":"open","more":1,"and":2}`))
					}
					return nil
				}))
				if err != nil {
					t.Fatal(err)
				}
				hangUp() // as the server does when the handler has returned
			}
			areGone(t, left)
		})
	}
}

// Nor does one that `strict` refuses, though the journal was thought to be well.
func TestACallThatIsRefusedKeepsNothingAlive(t *testing.T) {
	l := newLine(t)
	l.beginErr = errors.New("the disk is full")
	capture.SetProbeLine(t.Name(), l)
	p := &capture.Probe{Line: t.Name(), Strict: true}
	p.API, p.Resources = "shop", []rules.Resource{{Name: "thing", Path: "/things"}}
	if err := p.Provision(caddy.Context{Context: t.Context()}); err != nil {
		t.Fatal(err)
	}
	var left []weak.Pointer[burden]
	for range 50 {
		b := new(burden)
		left = append(left, weak.Make(b))
		ctx, over := context.WithCancel(context.WithValue(t.Context(), burdenKey{}, b))
		r := caddyRequest(t, ctx, "PATCH", "/things/1")
		if err := p.ServeHTTP(&sink{h: make(http.Header)}, r, nil); err == nil {
			t.Fatal("the call was not refused")
		}
		over() // as the server does when the handler has returned
	}
	areGone(t, left)
}

func areGone(t *testing.T, left []weak.Pointer[burden]) {
	t.Helper()
	eventually(t, "nothing is kept alive", func() bool {
		runtime.GC()
		for _, b := range left {
			if b.Value() != nil {
				return false
			}
		}
		return true
	})
}

// probeOn returns the handler under test without a server, on the line.
func probeOn(tb testing.TB, l capture.Line) *capture.Probe {
	capture.SetProbeLine(tb.Name(), l)
	p := &capture.Probe{Line: tb.Name()}
	p.API, p.Resources = "shop", []rules.Resource{{Name: "thing", Path: "/things"}}
	if err := p.Provision(caddy.Context{Context: context.Background()}); err != nil {
		tb.Fatal(err)
	}
	return p
}

// caddyRequest makes a request as it comes from one of Caddy's servers.
func caddyRequest(t *testing.T, ctx context.Context, method, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(`{"name":"a thing"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "127.0.0.1:1234"
	repl := caddy.NewReplacer()
	return caddyhttp.PrepareRequest(r, repl, &sink{h: make(http.Header)}, new(caddyhttp.Server))
}
