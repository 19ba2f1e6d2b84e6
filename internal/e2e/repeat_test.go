package e2e

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
)

// replaying is an API that keeps what it answered under an Idempotency-Key.
func replaying() http.Handler {
	var mu sync.Mutex
	made := map[string]string{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		io.Copy(io.Discard, r.Body)
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		key := r.Header.Get("Idempotency-Key")
		if made[key] == "" {
			made[key] = fmt.Sprintf(`{"id":%d,"name":"Roof"}`, 1001+len(made))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, made[key])
	})
}

// The same key thrice, the process killed in between, and once more when the
// entity is gone: one create, and no resurrection.
func TestAcceptanceEOneKeyIsOneEvent(t *testing.T) {
	api := serve(t, replaying())
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\torder subscription"), projects, api.URL))
	create := func(key string) {
		if status, body := p.call("POST", "/api/projects", `{"name":"Roof"}`, "Authorization", "Bearer ann", "Idempotency-Key", key); status != 201 {
			t.Fatalf("POST answered %d %s", status, body)
		}
	}
	create("k1")
	create("k1")
	until(t, "all is derived", p.settled)
	wantText(t, p.explained(p.lastCall("/api/projects")), `Earned nothing: by its Idempotency-Key it repeats exc_\w+, which was recorded\n`)
	p.kill()
	p.start()
	create("k1")
	p.call("DELETE", "/api/projects/1001", "")
	create("k1")
	create("k2")
	crm.wait(3)
	until(t, "all is derived", p.settled)
	got := crm.took()
	wantScopes(t, got, "project.created", "project.deleted", "project.created")
	wantField(t, got[2].Body.Data, "id", "1002")
}
