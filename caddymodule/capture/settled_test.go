package capture_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// lastPanics is a handler in front of Sidehook whose writer panics at the last
// write, as one does that aborts its response.
type lastPanics struct{}

func init() { caddy.RegisterModule(lastPanics{}) }

// CaddyModule implements [caddy.Module].
func (lastPanics) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sidehook_test_lastpanics", New: func() caddy.Module { return new(lastPanics) }}
}

type lastPanicsWriter struct {
	*caddyhttp.ResponseWriterWrapper
	writes int
}

func (w *lastPanicsWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 2 {
		panic(http.ErrAbortHandler)
	}
	return w.ResponseWriter.Write(p)
}

func (lastPanics) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(&lastPanicsWriter{&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, 0}, r)
}

// A call is settled whatever becomes of the rest of its answer: who waits for it
// waits for the API alone.
func TestACallIsSettledThoughItsAnswerIsAborted(t *testing.T) {
	up := api(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "8")
		w.Write([]byte(`{"id":1}`))
	})
	l := newLine(t)
	at := serve(t, []object{{"handler": "sidehook_test_lastpanics"}, probe(t, l), proxy(up)})[0]
	ask(t, client(t, http1), request(t, "PUT", at, "/things/1", nil))
	x := l.only(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if l.traffic.Wait(ctx, x.ID); ctx.Err() != nil {
		t.Error("the call has ended, and is never settled")
	}
}

// What a GET answers is redacted outside the request path, where nothing of
// Caddy's stops a panic.
func TestABlankAnswerToAGetHarmsNobody(t *testing.T) {
	up := api(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			w.Write([]byte("\n"))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	l := newLine(t)
	at := serve(t, []object{probe(t, l, object{"redact": []string{"pin"}}), proxy(up)})[0]
	ask(t, client(t, http1), request(t, "PATCH", at, "/things/1", strings.NewReader(`{"a":1}`)))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	seen, _, _ := l.traffic.Wait(ctx, l.only(t).ID)
	if seen == nil || seen.Status != http.StatusOK || strings.TrimSpace(string(seen.Body.Bytes)) != "" {
		t.Errorf("the GET saw %+v", seen)
	}
}
