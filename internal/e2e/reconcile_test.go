package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A call in flight at a crash was done: a GET of the origin, as the service, tells
// so, and the event is no gap.
func TestACallInFlightAtACrashIsReconciled(t *testing.T) {
	var mu sync.Mutex
	name, done, release := "v0", make(chan struct{}), make(chan struct{})
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		case r.Method == http.MethodPatch:
			mu.Lock()
			name = "v1"
			mu.Unlock()
			close(done)
			<-release
			return
		case r.Header.Get("Authorization") != "Bearer service":
			w.WriteHeader(http.StatusForbidden)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		io.WriteString(w, `{"id":1001,"name":"`+name+`"}`)
	}))
	defer close(release)
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap"),
		"\t\torigin "+api.URL+"\n\t\tcredential Authorization \"Bearer service\""+projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"v0"}`)
	crm.wait(1)
	until(t, "that is recorded: else the kill has it repeated", p.settled)
	go func() {
		req, _ := http.NewRequest("PATCH", p.site+"/api/projects/1001", strings.NewReader(`{"name":"v1"}`))
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-done
	p.kill()
	p.start()
	got := crm.wait(2)
	wantScopes(t, got, "project.created", "project.updated")
	wantField(t, got[1].Body.Data, "name", `"v1"`)
	wantField(t, got[1].Body.Previous, "name", `"v0"`)
}

// Which method a POST in flight at a crash stood for, its body said, which nobody
// kept: what the service's GET shows tells, and else a gap says that it is not known.
func TestACallInFlightAtACrashIsNotTakenForAPost(t *testing.T) {
	for name, c := range map[string]struct{ origin, want string }{
		"the service asks": {"\n\t\torigin %s\n\t\tcredential Authorization \"Bearer service\"", "project.deleted"},
		"nobody may ask":   {"", "project.gap"},
	} {
		t.Run(name, func(t *testing.T) {
			var gone atomic.Bool
			done, release := make(chan struct{}), make(chan struct{})
			api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method == http.MethodPost && r.URL.Path == "/api/projects":
					w.WriteHeader(http.StatusCreated)
				case r.Method == http.MethodPost:
					io.Copy(io.Discard, r.Body)
					gone.Store(true)
					close(done)
					<-release
					return
				case gone.Load():
					w.WriteHeader(http.StatusNotFound)
					return
				}
				io.WriteString(w, `{"id":1001,"name":"v0"}`)
			}))
			defer close(release)
			crm := receive(t, nil)
			origin := "\n\t\toverride field _method" + strings.ReplaceAll(c.origin, "%s", api.URL)
			p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap"), origin+projects, api.URL))
			p.call("POST", "/api/projects", `{"name":"v0"}`)
			crm.wait(1)
			until(t, "that is recorded: else the kill has it repeated", p.settled)
			go func() {
				resp, err := http.Post(p.site+"/api/projects/1001", "application/x-www-form-urlencoded", strings.NewReader("_method=delete"))
				if err == nil {
					resp.Body.Close()
				}
			}()
			<-done
			p.kill()
			p.start()
			got := crm.wait(2)
			wantScopes(t, got, "project.created", c.want)
			if c.want == "project.gap" {
				wantText(t, p.explained(got[1].ID), "which method it stood for is not known")
			}
		})
	}
}

// A call was answered without its entity, and the process died while it asked for
// that. The next one asks, as the service; where nobody may, the call's own request
// tells.
func TestAnAfterGetUnderWayAtACrashIsMade(t *testing.T) {
	for name, c := range map[string]struct{ origin, size string }{
		"the service asks": {"\n\t\torigin %s\n\t\tcredential Authorization \"Bearer service\"", "4"},
		"nobody may ask":   {"", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			asked, release := make(chan struct{}, 8), make(chan struct{})
			api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method == http.MethodPost:
					w.WriteHeader(http.StatusCreated)
					io.WriteString(w, `{"id":1001,"name":"v0","size":3,"kind":"roof"}`)
				case r.Method == http.MethodPatch:
					w.WriteHeader(http.StatusNoContent)
				case r.Header.Get("Authorization") == "Bearer service":
					io.WriteString(w, `{"id":1001,"name":"v1","size":4,"kind":"roof"}`)
				default:
					asked <- struct{}{}
					<-release
				}
			}))
			defer close(release)
			origin := ""
			if c.origin != "" {
				origin = fmt.Sprintf(c.origin, api.URL)
			}
			crm := receive(t, nil)
			p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap"), "\t\tfetch 20s 4"+origin+projects, api.URL))
			p.call("POST", "/api/projects", `{"name":"v0"}`, "Authorization", "Bearer caller")
			crm.wait(1)
			until(t, "that is recorded: else the kill has it repeated", p.settled)
			p.call("PATCH", "/api/projects/1001", `{"name":"v1"}`, "Authorization", "Bearer caller")
			<-asked
			p.kill()
			p.start()
			got := crm.wait(2)
			wantScopes(t, got, "project.created", "project.updated")
			wantField(t, got[1].Body.Data, "name", `"v1"`)
			wantField(t, got[1].Body.Data, "size", c.size)
			wantField(t, got[1].Body.Previous, "name", `"v0"`)
		})
	}
}
