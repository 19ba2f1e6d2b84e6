package e2e

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// hanging is an API whose PATCH does not answer until release is called.
func hanging(t *testing.T) (h http.Handler, entered chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	entered = make(chan struct{}, 16)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			entered <- struct{}{}
			<-ctx.Done()
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"id":1001,"name":"Roof"}`))
	}), entered, cancel
}

// A call in flight at a crash has no answer: nobody knows whether the API did
// it, and the gap says so.
func TestPromise3NoSilentLossOfACallInFlightAtACrash(t *testing.T) {
	handler, entered, release := hanging(t)
	api := serve(t, handler)
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap"), projects, api.URL))
	go func() {
		req, _ := http.NewRequest("PATCH", p.site+"/api/projects/1001", strings.NewReader(`{"name":"x"}`))
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	p.kill()
	release()
	p.start()
	got := crm.wait(1)
	wantScopes(t, got, "project.gap")
	if got[0].Body.Entity.ID != "1001" {
		t.Errorf("the gap is about %q, want 1001", got[0].Body.Entity.ID)
	}
	wantField(t, got[0].Body.Data, "reason", `"unknown_outcome"`)
}

// An upstream that dies after it was sent the call may have done it.
func TestPromise3NoSilentLossOfAnUnknownOutcome(t *testing.T) {
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		http.NotFound(w, r)
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.gap"), projects, api.URL))
	if status, _ := p.call("POST", "/api/projects", `{"name":"Roof"}`); status != http.StatusBadGateway {
		t.Fatalf("POST answered %d, want Caddy's 502", status)
	}
	wantScopes(t, crm.wait(1), "project.gap")
}

// The receiver fails, the process is killed and started again in between: the
// delivery goes on under the same id until it is accepted, never sooner than its
// schedule says, and each attempt says which it is.
func TestPromise4AtLeastOnceSameID(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, status(500))
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tretry 400ms 50ms 100ms 100ms 200ms 1s 1s 1s 1s 1s 1s 1s 1s"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	until(t, "two attempts have failed", func() bool { return len(crm.all()) >= 2 })
	for i, a := range crm.all()[:2] {
		if a.Attempt != itoa(i+1) {
			t.Errorf("attempt %d says that it is %s", i+1, a.Attempt)
		}
	}
	if all := crm.all(); all[1].At.Sub(all[0].At) < 400*time.Millisecond {
		t.Errorf("the second attempt came %v after the first, want 400 ms at least", all[1].At.Sub(all[0].At))
	}
	p.kill()
	p.start()
	before := len(crm.all())
	until(t, "a third attempt after the restart", func() bool { return len(crm.all()) > before })
	crm.respond(nil)
	crm.wait(1)
	for _, a := range crm.all() {
		if a.ID != crm.all()[0].ID {
			t.Errorf("an attempt came under id %s, the first under %s", a.ID, crm.all()[0].ID)
		}
	}
}

// What was not seen is not made up: an update whose after nobody can tell is
// an event without one.
func TestPromise5HonestEvents(t *testing.T) {
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			http.Error(w, `{"error":"no"}`, http.StatusForbidden)
		case http.MethodPatch:
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"ok":true,"rev":7}`)) // a receipt
		}
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tpayload full"), projects, api.URL))
	p.call("PATCH", "/api/projects/1001", `{"name":"x"}`)
	got := crm.wait(1)
	wantScopes(t, got, "project.updated")
	if data := string(got[0].Body.Data); data != "null" && data != "" {
		t.Errorf("data is %s: the receipt was taken for the entity, or the request for its state", data)
	}
	if strings.Contains(got[0].Raw, `"rev"`) {
		t.Errorf("the receipt is in the webhook: %s", got[0].Raw)
	}
	if want := `"changes":[],`; !strings.Contains(got[0].Raw, want) || !strings.Contains(got[0].Raw, `"before":null`) {
		t.Errorf("a change is made up: %s", got[0].Raw)
	}
	if want := `"provenance":{"before":"none","after":"none",`; !strings.Contains(got[0].Raw, want) {
		t.Errorf("it does not say how it is known, %s: %s", want, got[0].Raw)
	}
}

func TestPromise6OneBadSubscriberHurtsNobodyElse(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	stuck := make(chan struct{})
	defer close(stuck)
	var hung atomic.Int32
	bad := receive(t, func(*arrival) int {
		hung.Add(1)
		<-stuck
		return 500
	})
	good := receive(t, nil)
	p := start(t, caddyfile(subscribe("bad", bad, "scopes project.**\n\t\t\torder none\n\t\t\ttimeout 5m")+ // longer than anything waits for the other
		subscribe("good", good, "scopes project.**"), projects, api.URL))
	for range 40 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	begin := time.Now()
	good.wait(40)
	t.Logf("with %d requests hanging at one receiver, the other had everything after %v", hung.Load(), time.Since(begin))
	if n := hung.Load(); n > 8 {
		t.Errorf("%d requests are in flight to the hanging receiver, want at most 8", n)
	}
}

func TestPromise6NoSubscriberSeesAnotherTenantsEvents(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	acme, other, all := receive(t, nil), receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(
		subscribe("acme", acme, "scopes project.**\n\t\t\ttenant acme")+
			subscribe("other", other, "scopes project.**\n\t\t\ttenant other")+
			subscribe("all", all, "scopes project.**\n\t\t\ttenant *"),
		"\t\ttenant request.header[\"X-Space-Id\"]"+projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"of acme"}`, "X-Space-Id", "acme")
	p.call("POST", "/api/projects", `{"name":"of other"}`, "X-Space-Id", "other")
	p.call("POST", "/api/projects", `{"name":"of nobody"}`)
	all.wait(3)
	until(t, "all is settled", p.settled)
	wantField(t, acme.wait(1)[0].Body.Data, "name", `"of acme"`)
	wantField(t, other.wait(1)[0].Body.Data, "name", `"of other"`)
	if n, m := len(acme.all()), len(other.all()); n != 1 || m != 1 {
		t.Errorf("acme got %d webhooks and other %d, want one each", n, m)
	}
}
