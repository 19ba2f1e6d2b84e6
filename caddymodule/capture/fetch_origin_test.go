package capture_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/internal/version"
	"github.com/sidehook/sidehook/webhook"
)

// signed makes r one whose credentials are good for it alone.
func signed(r *http.Request) *http.Request {
	r.Header.Set("Authorization", "DPoP t")
	r.Header.Set("Dpop", "proof")
	r.Header.Set("X-Kept", "yes")
	return r
}

// Where the caller's credentials cannot be used again, both GETs ask the
// origin, as the service; of the caller nothing goes there.
func TestTheOriginIsAskedInPlaceOfTheCaller(t *testing.T) {
	behind, at := &store{thing: `{"id":1}`}, &store{thing: `{"id":1,"name":"x","password":"p"}`}
	originServer := api(t, at.ServeHTTP)
	l := newLine(t)
	settings := object{"origin": originServer.URL + "/inner/", "resources": []object{{"name": "thing", "path": "/things", "redact": []string{"password"}}}}
	address := serve(t, []object{probe(t, l, settings), proxy(api(t, behind.ServeHTTP))})[0]
	counted := capture.FetchesCounted("before", "ok") + capture.FetchesCounted("after", "ok")
	for i, method := range []string{"DELETE", "PATCH"} {
		r := signed(request(t, method, address, "/things/1%2F2?a=b&api_key=k", strings.NewReader(`{"name":"y"}`)))
		ask(t, client(t, http1), r)
		x := l.wait(t, i+1)[i]
		seen := x.Before
		if method == "PATCH" {
			seen = after(t, l, x)
		}
		l.traffic.Forget(x.ID)
		if seen == nil || seen.Status != 200 || strings.Contains(string(seen.Body.Bytes), "password") || !strings.Contains(string(seen.Body.Bytes), `"name":"x"`) || seen.Header.Get("Etag") != `"7"` {
			t.Fatalf("%s: saw %+v", method, seen)
		}
	}
	if diff := cmp.Diff([]string{"GET /inner/things/1%2F2", "GET /inner/things/1%2F2"}, at.calls()); diff != "" {
		t.Error(diff)
	}
	want := http.Header{
		"Accept": {"application/json"}, "Accept-Encoding": {"identity"}, "Cache-Control": {"no-cache"},
		"User-Agent": {"sidehook/" + version.Number}, "X-Service": {"token"},
	}
	for _, r := range at.asked {
		if diff := cmp.Diff(want, r.Header); diff != "" {
			t.Error(diff)
		}
	}
	for _, call := range behind.calls() {
		if strings.HasPrefix(call, "GET") {
			t.Errorf("the API behind was asked %s", call)
		}
	}
	if got := capture.FetchesCounted("before", "ok") + capture.FetchesCounted("after", "ok") - counted; got != 2 {
		t.Errorf("%v fetches were counted", got)
	}
}

// A caller whose credentials serve again is the one who asks.
func TestTheOriginIsNotAskedIfTheCallerCanAsk(t *testing.T) {
	behind, at := &store{thing: `{"id":1}`}, &store{thing: `{"id":1}`}
	l := newLine(t)
	address := serve(t, []object{probe(t, l, object{"origin": api(t, at.ServeHTTP).URL}), proxy(api(t, behind.ServeHTTP))})[0]
	r := request(t, "DELETE", address, "/things/1", nil)
	r.Header.Set("Authorization", "Bearer t")
	ask(t, client(t, http1), r)
	if x := l.only(t); x.Before == nil || x.Before.Status != 200 || len(at.calls()) > 0 {
		t.Errorf("saw %+v; the origin was asked %v", x.Before, at.calls())
	}
}

// What the origin answers is bounded as every fetch is, and no redirect of its
// is followed.
func TestAnswersOfTheOrigin(t *testing.T) {
	dead := api(t, nil)
	dead.Close()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, test := range map[string]struct {
		get      http.HandlerFunc
		path     string
		settings object
		status   int
		missing  webhook.Missing
		words    string
	}{
		"redirect":       {answers["redirect"], "/things/1", nil, 303, 0, ""},
		"404":            {http.NotFound, "/things/1", nil, 404, 0, ""},
		"early hints":    {answers["early hints"], "/things/1", nil, 200, 0, ""},
		"gzip all same":  {answers["gzip"], "/things/1", nil, 200, 0, ""},
		"hangs":          {hang, "/things/1", object{"fetch": 30 * time.Millisecond}, 0, 0, "no answer in the time"},
		"cut":            {answers["cut"], "/things/1", nil, 0, 0, "the answer broke off"},
		"nothing":        {answers["nothing"], "/things/1", nil, 0, 0, "ask the origin: EOF"},
		"too large":      {answers["larger than max_body"], "/things/1", nil, 200, webhook.TooLarge, ""},
		"no budget":      {answers["100 kB"], "/things/1", object{"budget": 1000}, 200, webhook.NoBudget, ""},
		"nobody listens": {nil, "/things/1", object{"origin": dead.URL}, 0, 0, "ask the origin: dial"},
		"climbs inside":  {answers["json"], "/things/..%2fadmin", nil, 0, 0, "no plain path"},
		"a stream": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(200)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "/things/1", nil, 200, webhook.Streamed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &store{get: test.get}
			l := newLine(t)
			settings := object{"origin": api(t, s.ServeHTTP).URL}
			maps.Copy(settings, test.settings)
			at := serve(t, []object{probe(t, l, settings), {"handler": "static_response", "status_code": 204}})
			r := signed(request(t, "DELETE", at[0], "", nil))
			r.URL.Opaque = "//" + at[0] + test.path
			if got := ask(t, client(t, http1), r); got.Status != 204 {
				t.Fatalf("status %d %s", got.Status, got.BodyErr)
			}
			o := l.only(t).Before
			if o == nil || o.Status != test.status || o.Body.Missing != test.missing || !strings.Contains(o.Error, test.words) || test.words == "" && o.Error != "" {
				t.Errorf("saw %+v", o)
			}
			if n := len(s.calls()); n > 1 || strings.Contains(test.words, "plain") && n > 0 {
				t.Errorf("the origin was asked %v", s.calls())
			}
			eventually(t, "its budget is given back", func() bool { return capture.ProbeBudget(t.Name()).Used() == 0 })
		})
	}
}
