package e2e

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
)

// masked is an API that answers calls with nothing, and shows salary to admins only.
type masked struct {
	mu     sync.Mutex
	entity map[string]any
}

func (m *masked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Method != "GET" {
		body, _ := io.ReadAll(r.Body)
		json.Unmarshal(body, &m.entity)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	shown := maps.Clone(m.entity)
	if r.Header.Get("Authorization") != "Bearer admin" {
		delete(shown, "salary")
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(shown)
}

// A caller who may not see a field, between two who may: nothing was removed, and
// nothing was added.
func TestAcceptanceFAFieldThatACallerMayNotSeeIsNotRemoved(t *testing.T) {
	api := serve(t, &masked{entity: map[string]any{"id": "5", "name": "a", "salary": 1000, "team": "x"}})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tpayload full"), projects+` {
			emit project.salary.updated when changed("salary")
		}`, api.URL))
	for _, call := range [][2]string{{"admin", "b"}, {"guest", "c"}, {"admin", "d"}, {"guest", "e"}, {"admin", "f"}} {
		if status, body := p.call("PATCH", "/api/projects/5", `{"name":"`+call[1]+`"}`, "Authorization", "Bearer "+call[0]); status != 204 {
			t.Fatalf("status %d %s", status, body)
		}
	}
	p.call("PATCH", "/api/projects/5", `{"salary":2000}`, "Authorization", "Bearer admin")
	got := crm.wait(7)
	until(t, "all is settled", p.settled)
	wantScopes(t, crm.took(), "project.updated", "project.updated", "project.updated", "project.updated", "project.updated",
		"project.updated", "project.salary.updated")
	for i, a := range got {
		var e struct {
			Changes []struct{ Path string }
		}
		if err := json.Unmarshal([]byte(a.Raw), &e); err != nil {
			t.Fatal(err)
		}
		want := "name"
		if i >= 5 {
			want = "salary"
		}
		if len(e.Changes) != 1 || e.Changes[0].Path != want {
			t.Errorf("webhook %d says that %v changed, want %s", i, e.Changes, want)
		}
	}
}
