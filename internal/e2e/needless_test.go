package e2e

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
)

// A call below an entity whose digits may be another thing's id is asked about
// once: as soon as the entity is known, its answers tell.
func TestWhatTheAnswerTellsIsNotAskedFor(t *testing.T) {
	var gets, n atomic.Int64
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			gets.Add(1)
		} else {
			n.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":1001,"name":"Roof","size":3,"kind":"x","turns":`+string(rune('0'+n.Load()))+`}`)
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects+" {\n\t\t\ton POST {id}/turn\n\t\t}", api.URL))
	for i := range 4 {
		p.call("POST", "/api/projects/1001/turn", ``)
		crm.wait(i + 1)
		until(t, "what is known of the project is recorded", p.settled)
	}
	got := crm.wait(4)
	wantScopes(t, got, "project.updated", "project.updated", "project.updated", "project.updated")
	wantField(t, got[3].Body.Data, "turns", `4`)
	wantField(t, got[3].Body.Previous, "turns", `3`)
	if n := gets.Load(); n != 1 {
		t.Errorf("%d GETs were made, want one", n)
	}
}
