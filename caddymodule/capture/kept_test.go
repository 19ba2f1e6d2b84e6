package capture_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// keepingLine keeps the exchanges themselves, as the journal may.
type keepingLine struct {
	noLine
	kept []*webhook.Exchange
}

func (l *keepingLine) End(_ context.Context, x *webhook.Exchange, _ bool, meanwhile ...func()) error {
	l.kept = append(l.kept, x)
	for _, then := range meanwhile {
		then()
	}
	l.traffic.Forget(x.ID)
	return nil
}

// An exchange that waits to be derived must not hold its call in memory, nor
// what the server needs for the next one.
func TestAnExchangeKeepsNothingElse(t *testing.T) {
	l := &keepingLine{noLine: noLine{derive.NewTraffic()}}
	t.Cleanup(func() { l.traffic.Drain(0) })
	request, writer := ListedCall(t, probeOn(t, l))
	for range 10 {
		runtime.GC()
	}
	if request.Value() != nil || writer.Value() != nil {
		t.Error("the exchange keeps the request or the response writer")
	}
	x := l.kept[0]
	if string(x.Request.Body.Bytes) != `{"name":"a"}` || string(x.Response.Body.Bytes) != `{"id":1,"name":"a"}` {
		t.Errorf("the bodies are %s and %s", x.Request.Body.Bytes, x.Response.Body.Bytes)
	}
	for _, at := range []time.Time{x.Started, x.Ended} {
		if at.Location() != time.UTC || at != at.Round(0) {
			t.Errorf("the time %#v is not as the journal has it", at)
		}
	}
	runtime.KeepAlive(l)
}

// ListedCall makes one call and lets go of everything.
func ListedCall(t *testing.T, p *capture.Probe) (request weak.Pointer[http.Request], writer weak.Pointer[sink]) {
	ctx := context.WithValue(context.Background(), caddyhttp.VarsCtxKey, map[string]any{})
	r, err := http.NewRequestWithContext(ctx, "PUT", "/things/1", strings.NewReader(`{"name":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	w := &sink{h: make(http.Header)}
	err = p.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, err := io.WriteString(w, `{"id":1,"name":"a"}`)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return weak.Make(r), weak.Make(w)
}
