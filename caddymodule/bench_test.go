package caddymodule_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// noLine is a line that forgets.
type noLine struct{ traffic *derive.Traffic }

func (noLine) Begin(*webhook.Begin) error { return nil }
func (l noLine) End(_ context.Context, x *webhook.Exchange, _ bool) error {
	l.traffic.Forget(x.ID) // as deriving does
	return nil
}
func (l noLine) Traffic() *derive.Traffic { return l.traffic }
func (noLine) Snapshot(context.Context, webhook.EntityKey) (webhook.Snapshot, error) {
	return webhook.Snapshot{}, nil
}
func (noLine) Missed(*webhook.Begin, string, error) {}
func (noLine) Healthy() bool                        { return true }

// sink is a response writer that forgets.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// bench calls ServeHTTP of a handler of the configuration with an API behind it
// that reads and answers a little JSON.
func bench(tb testing.TB, method, path, body string) (once func()) {
	name := tb.Name()
	l := noLine{derive.NewTraffic()}
	tb.Cleanup(l.traffic.Close)
	caddymodule.SetProbeLine(name, l)
	p := &caddymodule.Probe{Line: name}
	p.API, p.Resources = "shop", []rules.Resource{{Name: "thing", Path: "/things"}}
	if err := p.Provision(caddy.Context{Context: context.Background()}); err != nil {
		tb.Fatal(err)
	}
	answer := []byte(`{"id":"1","name":"a thing","status":"open","owner":{"id":7},"labels":["a","b"],"updated_at":"2026-11-21T12:00:00Z"}`)
	length := []string{strconv.Itoa(len(answer))}
	buf := make([]byte, 4096)
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		for err := error(nil); err == nil; {
			_, err = r.Body.Read(buf)
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Header()["Content-Length"] = length
		w.WriteHeader(http.StatusOK)
		w.Write(answer)
		return nil
	})
	parent := context.WithValue(context.Background(), caddyhttp.VarsCtxKey, map[string]any{})
	r, err := http.NewRequest(method, path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"x"}, "Content-Type": {"application/json"}, "Authorization": {"Bearer t"}}
	r.ProtoMajor, r.ContentLength = 1, int64(len(body))
	rd := strings.NewReader(body)
	w := &sink{h: make(http.Header)}
	original := *r
	return func() {
		rd.Reset(body)
		ctx, cancel := context.WithCancel(parent) // as the server does
		defer cancel()
		*r = *original.WithContext(ctx)
		r.Body = io.NopCloser(rd)
		if err := p.ServeHTTP(w, r, next); err != nil {
			tb.Fatal(err)
		}
	}
}

// A call that no route names costs no allocation of ours.
func TestUncapturedCallsAllocateNothing(t *testing.T) {
	for _, call := range []string{"GET /things/1", "POST /others/1", "PUT /things/1/parts/2"} {
		method, path, _ := strings.Cut(call, " ")
		serve := bench(t, method, path, "")
		if n := testing.AllocsPerRun(100, serve); n > 6 { // the six of bench itself
			t.Errorf("%s: %v allocations", call, n)
		}
	}
}

// A captured call whose answer tells all costs no plan and no map of its header.
func TestCapturedCallsAllocateLittle(t *testing.T) {
	for _, call := range []string{"POST /things", "PATCH /things/1"} {
		method, path, _ := strings.Cut(call, " ")
		serve := bench(t, method, path, `{"name":"a thing","status":"open"}`)
		if n := testing.AllocsPerRun(1000, serve); n > 36 { // 29 without the race detector
			t.Errorf("%s: %v allocations", call, n)
		}
	}
}

func BenchmarkServe(b *testing.B) {
	body := `{"name":"a thing","status":"open"}`
	for _, call := range []string{"GET /things/1", "POST /others", "POST /things", "PATCH /things/1"} {
		b.Run(call, func(b *testing.B) {
			method, path, _ := strings.Cut(call, " ")
			serve := bench(b, method, path, body)
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
