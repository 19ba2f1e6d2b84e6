package e2e

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// spaces is an API in which each X-Space has a project 1001 of its own, and who
// names no space sees that of the south.
type spaces struct {
	mu     sync.Mutex
	name   map[string]string
	done   chan struct{} // a PATCH of "v2" was done,
	answer chan struct{} // and waits for this before it is answered
}

func (s *spaces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	space := r.Header.Get("X-Space")
	if space == "" {
		space = "south"
	}
	body, _ := io.ReadAll(r.Body)
	_, name, _ := strings.Cut(string(body), `"name":"`)
	name, _, _ = strings.Cut(name, `"`)
	s.mu.Lock()
	if name != "" {
		s.name[space] = name
	}
	shown := `{"id":1001,"name":"` + s.name[space] + `","space":"` + space + `"}`
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodPatch && name == "v2":
		close(s.done)
		<-s.answer
		return
	case r.Method == http.MethodPatch:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	io.WriteString(w, shown)
}

// Who is told by a header, and by what: an expression, or a placeholder.
var bySpace = map[string]string{
	"an expression": "\n\t\ttenant request.header[\"X-Space\"]",
	"a placeholder": "\n\t\ttenant {http.request.header.X-Space}",
}

func startSpaces(t *testing.T, tenant string) (*spaces, *process, *receiver) {
	s := &spaces{name: map[string]string{"south": "secret"}, done: make(chan struct{}), answer: make(chan struct{})}
	api := serve(t, s)
	t.Cleanup(func() { close(s.answer) })
	north := receive(t, nil)
	p := start(t, caddyfile(subscribe("north", north, "scopes project.** project.gap\n\t\t\ttenant north\n\t\t\tskip_keys sync"),
		"\t\torigin "+api.URL+"\n\t\tcredential Authorization \"Bearer service\""+tenant+projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"v0"}`, "X-Space", "north")
	north.wait(1)
	until(t, "that is recorded: else the kill has it repeated", p.settled)
	return s, p, north
}

// killAmid kills and starts the process while a PATCH of the north is in flight.
func (s *spaces) killAmid(p *process, header ...string) {
	req, err := http.NewRequest("PATCH", p.site+"/api/projects/1001", strings.NewReader(`{"name":"v2"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("X-Space", "north")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	go func() {
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-s.done
	p.kill()
	p.start()
}

// What the service is asked for in place of a caller is the entity of the caller's
// tenant, and not the one with that id that another tenant has.
func TestTheServiceAsksAboutTheCallsTenant(t *testing.T) {
	for name, tenant := range bySpace {
		t.Run(name, func(t *testing.T) {
			_, p, north := startSpaces(t, tenant)
			p.call("PATCH", "/api/projects/1001", `{"name":"v1"}`, "X-Space", "north", "Authorization", "DPoP x", "DPoP", "a.b.c")
			got := north.wait(2)
			wantScopes(t, got, "project.created", "project.updated")
			wantField(t, got[1].Body.Data, "space", `"north"`)
			wantField(t, got[1].Body.Data, "name", `"v1"`)
		})
	}
}

// What a subscriber is shown by a GET of its own is what its event's tenant has,
// too.
func TestWhatIsExpandedIsOfTheEventsTenant(t *testing.T) {
	for name, tenant := range bySpace {
		t.Run(name, func(t *testing.T) {
			s := &spaces{name: map[string]string{"south": "secret"}}
			api := serve(t, s)
			north := receive(t, nil)
			p := start(t, caddyfile(subscribe("north", north, "scopes project.**\n\t\t\ttenant north\n\t\t\texpand owner"),
				"\t\torigin "+api.URL+"\n\t\tcredential Authorization \"Bearer service\""+tenant+projects, api.URL))
			p.call("POST", "/api/projects", `{"name":"v0"}`, "X-Space", "north")
			got := north.wait(1)
			wantField(t, got[0].Body.Data, "space", `"north"`)
			wantField(t, got[0].Body.Data, "name", `"v0"`)
		})
	}
}

// A call in flight at a crash is its tenant's afterwards, and asked about as that.
func TestACallInFlightAtACrashKeepsItsTenant(t *testing.T) {
	for name, tenant := range bySpace {
		t.Run(name, func(t *testing.T) {
			s, p, north := startSpaces(t, tenant)
			s.killAmid(p)
			got := north.wait(2)
			wantScopes(t, got, "project.created", "project.updated")
			wantField(t, got[1].Body.Data, "space", `"north"`)
			wantField(t, got[1].Body.Data, "name", `"v2"`)
			wantField(t, got[1].Body.Previous, "name", `"v0"`)
		})
	}
}

// A call in flight at a crash keeps its skip key: who made it is not told of it.
func TestACallInFlightAtACrashKeepsItsSkipKey(t *testing.T) {
	s, p, north := startSpaces(t, bySpace["an expression"])
	s.killAmid(p, "Webhook-Skip-Key", "sync")
	until(t, "what became of it is recorded", func() bool {
		var events []struct{ Scope string }
		p.get("/sidehook/events?scope=project.updated", &events)
		return len(events) > 0
	})
	p.call("DELETE", "/api/projects/1001", "", "X-Space", "north")
	wantScopes(t, north.wait(2), "project.created", "project.deleted")
}
