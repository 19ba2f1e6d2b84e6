package capture_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

// An exchange that is too large for the journal is kept with less in it: the
// larger body goes first, what was seen before the call goes last.
func TestAnExchangeTooLargeForTheJournalLosesBodies(t *testing.T) {
	const before = 500
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		size := 3000
		if r.Method == "GET" {
			size = before
		}
		io.WriteString(w, strings.Repeat("x", size))
	})
	for name, test := range map[string]struct {
		room   int
		kept   [3]int // bytes of request, response and before
		missed int
	}{
		"all of it":             {4500, [3]int{1000, 3000, before}, 0},
		"without its answer":    {1500, [3]int{1000, 0, before}, 0},
		"without both bodies":   {before, [3]int{0, 0, before}, 0},
		"without what was seen": {100, [3]int{0, 0, 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			l.room = test.room
			at := serve(t, []object{probe(t, l, object{"before": "fetch"}), proxy(upstream)})
			got := ask(t, client(t, http1), request(t, "PATCH", at[0], "/things/1", strings.NewReader(strings.Repeat("a", 1000))))
			if got.Status != 200 || len(got.Body) != 3000 || got.BodyErr != "" {
				t.Errorf("the client got %d, %d bytes, %s", got.Status, len(got.Body), got.BodyErr)
			}
			x := l.only(t)
			kept := [3]int{len(x.Request.Body.Bytes), len(x.Response.Body.Bytes)}
			if x.Before != nil {
				kept[2] = len(x.Before.Body.Bytes)
			}
			if diff := cmp.Diff(test.kept, kept); diff != "" || len(l.missed) > 0 {
				t.Errorf("missed %v, kept (-want +got):\n%s", l.missed, diff)
			}
			for i, b := range []webhook.Body{x.Request.Body, x.Response.Body} {
				if want := kept[i] == 0; want != (b.Missing == webhook.TooLarge) {
					t.Errorf("body %d: missing %v", i, b.Missing)
				}
			}
		})
	}
}
