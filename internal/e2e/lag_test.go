package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
)

// lagging is an API with one project whose PATCH answers 204, and whose GETs
// show the state from before the last write so many times.
func lagging(times int) http.Handler {
	var mu sync.Mutex
	name, old, left := "v0", "v0", 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.Method {
		case http.MethodPost:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, `{"id":1001,"name":"v0","size":3,"kind":"roof"}`)
			return
		case http.MethodPatch:
			var in struct{ Name string }
			json.NewDecoder(r.Body).Decode(&in)
			old, name, left = name, in.Name, times
			w.WriteHeader(http.StatusNoContent)
			return
		}
		shown := name
		if left > 0 {
			shown = old
			left--
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, fmt.Sprintf(`{"id":1001,"name":%q,"size":3,"kind":"roof"}`, shown))
	})
}

// A replica that lags is asked again; if it goes on lagging, a gap says so.
func TestAReplicaThatLags(t *testing.T) {
	for name, c := range map[string]struct {
		times int
		scope string
	}{
		"a little": {1, "project.updated"},
		"for long": {1000, "project.gap"},
	} {
		t.Run(name, func(t *testing.T) {
			api := serve(t, lagging(c.times))
			crm := receive(t, nil)
			p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap"), projects, api.URL))
			p.call("POST", "/api/projects", `{"name":"v0"}`)
			crm.wait(1)
			p.call("PATCH", "/api/projects/1001", `{"name":"v1"}`)
			got := crm.wait(2)
			wantScopes(t, got, "project.created", c.scope)
			if c.times == 1 {
				wantField(t, got[1].Body.Data, "name", `"v1"`)
			}
		})
	}
}
