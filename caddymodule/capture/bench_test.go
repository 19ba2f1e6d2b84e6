package capture_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/derive"
	sidestore "github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// noLine is a line that forgets.
type noLine struct{ traffic *derive.Traffic }

func (noLine) Begin(*webhook.Begin) error { return nil }
func (l noLine) End(_ context.Context, x *webhook.Exchange, _ bool, meanwhile ...func()) error {
	for _, then := range meanwhile {
		then()
	}
	l.traffic.Forget(x.ID) // as deriving does
	return nil
}
func (l noLine) Traffic() *derive.Traffic { return l.traffic }
func (noLine) Snapshot(context.Context, webhook.EntityKey) (webhook.Snapshot, error) {
	return webhook.Snapshot{}, nil
}
func (noLine) Caller(http.Header, string) []byte           { return nil }
func (noLine) Expect(*webhook.Begin, string, error) func() { return func() {} }

func (noLine) Missed(*webhook.Begin, string, error) {}
func (noLine) Healthy() bool                        { return true }

// sink is a response writer that forgets.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// journaledLine is a line with a journal that is read and forgotten.
type journaledLine struct {
	noLine
	journal *journal.Journal
}

func (l journaledLine) Begin(b *webhook.Begin) error { return l.journal.Begin(b) }
func (l journaledLine) End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	return l.journal.End(ctx, x, durable, meanwhile...)
}

func newJournaledLine(tb testing.TB) journaledLine {
	j, err := journal.Open(journal.Options{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	l := journaledLine{newNoLine(tb), j}
	tb.Cleanup(func() { j.Close() })
	go l.follow()
	return l
}

// follow reads as deriving does, until the journal is closed.
func (l journaledLine) follow() {
	var after sidestore.Position
	for {
		entries, err := l.journal.Next(context.Background(), after, 128)
		if err != nil {
			return
		}
		for _, e := range entries {
			after = e.At
			l.journal.Done(after)
			l.traffic.Forget(e.End.ID)
		}
	}
}

func newNoLine(tb testing.TB) noLine {
	l := noLine{derive.NewTraffic()}
	tb.Cleanup(func() { l.traffic.Drain(0) })
	return l
}

// bench calls ServeHTTP of a handler on the line, with an API behind it that
// reads and answers a little JSON.
func bench(tb testing.TB, l capture.Line, method, path, body string) (once func()) {
	p := probeOn(tb, l)
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
		serve := bench(t, newNoLine(t), method, path, "")
		if n := testing.AllocsPerRun(100, serve); n > 6 { // the six of bench itself
			t.Errorf("%s: %v allocations", call, n)
		}
	}
}

// A captured call whose answer tells all costs no plan and no map of its header.
func TestCapturedCallsAllocateLittle(t *testing.T) {
	for _, call := range []string{"POST /things", "PATCH /things/1"} {
		method, path, _ := strings.Cut(call, " ")
		serve := bench(t, newNoLine(t), method, path, `{"name":"a thing","status":"open"}`)
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
			serve := bench(b, newNoLine(b), method, path, body)
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}

// BenchmarkServeJournaled measures captured calls with their journal, which is
// read. One caller waits for each sync alone.
func BenchmarkServeJournaled(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprint(callers, " callers"), func(b *testing.B) {
			l := newJournaledLine(b)
			var running sync.WaitGroup
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			for range callers {
				serve := bench(b, l, "POST", "/things", `{"name":"a thing","status":"open"}`)
				running.Go(func() {
					for left.Add(-1) >= 0 {
						serve()
					}
				})
			}
			running.Wait()
		})
	}
}
