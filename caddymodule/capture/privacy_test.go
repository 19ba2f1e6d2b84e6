package capture_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Credentials and redacted fields reach nothing that is kept.
func TestCredentialsAreNotKept(t *testing.T) {
	s := &store{thing: `{"id":1,"pin":"hidden-6","name":"x"}`}
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=hidden-1")
		if r.Method == "PUT" {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, s.thing)
			return
		}
		s.ServeHTTP(w, r)
	})
	l := newLine(t)
	at := serve(t, []object{
		probe(t, l, object{"redact": []string{"pin"}, "before": "fetch", "tenant": "{http.request.header.x-tenant}"}),
		proxy(upstream),
	})
	r := request(t, "PUT", at[0], "/things/1?token=hidden-2&a=b&API_KEY=hidden-3&pin=hidden-7", strings.NewReader(`{"pin":"hidden-4","name":"y"}`))
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token"} {
		r.Header.Set(name, "hidden-5")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Tenant", "acme")
	r.Header.Set("Idempotency-Key", "k-1")
	r.Header.Set("Webhook-Skip-Key", "mine")
	r.Header.Set("X-Request-Id", "r-1")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ask(t, client(t, http1), r)
	x := l.only(t)
	kept, err := json.Marshal([]any{l.begins, l.ends})
	if err != nil {
		t.Fatal(err)
	}
	text := string(kept) + string(x.Request.Body.Bytes) + string(x.Response.Body.Bytes) + string(x.Before.Body.Bytes)
	if strings.Contains(text, "hidden") {
		t.Errorf("kept: %s", text)
	}
	if !strings.Contains(string(x.Before.Body.Bytes), `"name":"x"`) {
		t.Errorf("before: %s", x.Before.Body.Bytes)
	}
	got := []any{x.Request.Query, x.Request.SkipKey, x.Request.ID, x.Request.Trace, x.Placeholders}
	want := []any{"a=b", "mine", "r-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		map[string]string{"http.request.header.x-tenant": "acme"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(x.Request.Caller) != 32 {
		t.Errorf("caller %x", x.Request.Caller)
	}
}
