package capture_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A call whose begin is not journaled is expected from before it is forwarded until it is
// known what becomes of it, however it ends.
func TestACallThatIsNotBegunIsExpectedWhileItIsInFlight(t *testing.T) {
	down := errors.New("disk full")
	for name, c := range map[string]struct {
		begin, end error
		answer     int
		want       []string // is expected
	}{
		"nothing can be journaled": {down, down, 200, []string{"thing"}},
		"its end can be":           {down, nil, 200, []string{"thing"}},
		"it changes nothing":       {down, down, 404, []string{"thing"}},
		"it is begun":              {nil, down, 200, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			l.beginErr, l.endErr = c.begin, c.end
			var got []string
			upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "PUT" { // not the GET behind it
					l.mu.Lock()
					defer l.mu.Unlock()
					got = slices.Clone(l.expected)
				}
				w.WriteHeader(c.answer)
			})
			at := serve(t, []object{probe(t, l), proxy(upstream)})
			ask(t, client(t, http1), request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")))
			if !slices.Equal(got, c.want) {
				t.Errorf("as the API is asked %v are expected, want %v", got, c.want)
			}
			l.until(t, "its end", func() bool { return len(l.expected) == 0 })
		})
	}
}
