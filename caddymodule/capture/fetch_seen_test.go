package capture_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// A GET of ours is never captured itself: not by the directive that makes it, not
// by another one on its way, and not where the origin leads back to the site. It
// carries nothing that would make it another call.
func TestFetchesAreNotCaptured(t *testing.T) {
	s := &store{thing: `{"id":1}`}
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		if method := r.Header.Get("X-Verb") + r.Header.Get("X-Http-Method-Override"); r.Method == "GET" && method != "" {
			t.Errorf("a GET of %s says that it is a %s", r.URL, method)
		}
		s.ServeHTTP(w, r)
	})
	any := object{"resources": []object{{"name": "thing", "path": "/things"}}, "override": object{"header": "X-Verb"}}
	l := newLine(t)
	inner, outer := probe(t, l, any), probe(t, l, any)
	own := freeAddresses(t, 1)[0]
	toItself := probe(t, l, any, object{"origin": "http://" + own})
	at := load(t, object{
		"s0": object{"listen": []string{"127.0.0.1:0"}, "automatic_https": object{"disable": true},
			"routes": []object{{"handle": []object{outer, inner, proxy(upstream)}}}},
		"s1": object{"listen": []string{own}, "automatic_https": object{"disable": true},
			"routes": []object{{"handle": []object{toItself, inner, proxy(upstream)}}}},
	})
	for i, address := range at {
		r := request(t, "DELETE", address, fmt.Sprint("/things/", i), nil)
		r.Header.Set("X-Verb", "DELETE")
		r.Header.Set("X-Http-Method-Override", "DELETE")
		if i == 1 {
			r = signed(r)
		}
		if got := ask(t, client(t, http1), r); got.Status != http.StatusNoContent {
			t.Errorf("status %d %s", got.Status, got.BodyErr)
		}
		after(t, l, l.wait(t, i+1)[i])
	}
	if got := strings.Join(s.calls(), ", "); got != "GET /things/0, DELETE /things/0, GET /things/1, DELETE /things/1" {
		t.Errorf("the API was asked %s", got)
	}
	for _, x := range l.wait(t, 2) {
		if x.Request.Method != "DELETE" || x.Before == nil || x.Before.Status != 200 || x.Ending != webhook.Completed {
			t.Errorf("captured %s, before it %+v", x.Request.Method, x.Before)
		}
	}
}
