package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// The list of what must hold wherever the rest bends: TestAcceptanceA to
// TestAcceptanceI, here and beside what they are about (docs/traps.md).

// stations is an API of one entity whose PATCH, and the GET before it, stop where
// a test says.
type stations struct {
	mu     sync.Mutex
	name   string
	writes int
	stop   string        // "before": at the GET; "after": when the PATCH is done
	at     chan struct{} // it has stopped
	free   chan struct{} // closed when the test is over
}

func (s *stations) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	stop := s.stop
	if r.Method == http.MethodPatch {
		s.writes++
		s.name = string(body[9 : len(body)-2])
	}
	if stops := r.Method == http.MethodGet && stop == "before" || r.Method == http.MethodPatch && stop == "after"; stops {
		s.stop = ""
		s.mu.Unlock()
		s.at <- struct{}{}
		<-s.free
		return
	}
	text := fmt.Sprintf(`{"id":5,"name":"%s","status":"open","owner":"ann"}`, s.name)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, text)
}

// Killed before the call is forwarded, after the API has done it, once it is
// answered, and amid its delivery: what was done is told, under one id or as a
// gap, and what was not done is not told.
func TestAcceptanceAKilledAtFourPoints(t *testing.T) {
	for _, point := range []string{"before", "after", "answered", "delivering"} {
		t.Run(point, func(t *testing.T) {
			s := &stations{name: "v0", at: make(chan struct{}), free: make(chan struct{})}
			api := serve(t, s)
			delivering := make(chan struct{}, 100)
			crm := receive(t, nil)
			t.Cleanup(func() { close(s.free) })
			config := caddyfile(subscribe("crm", crm, "scopes project.** project.gap"),
				"\t\tfetch 20s 16\n\t\tresource project /api/projects {\n\t\t\tbefore fetch\n\t\t}", api.URL)
			if point != "before" {
				config = strings.Replace(config, "before fetch", "before snapshot", 1)
			}
			p := start(t, config)
			if point == "delivering" {
				crm.respond(func(*arrival) int { delivering <- struct{}{}; <-s.free; return http.StatusNoContent })
			}
			s.mu.Lock()
			s.stop = point
			s.mu.Unlock()
			done := make(chan struct{})
			go func() {
				defer close(done)
				req, _ := http.NewRequest("PATCH", p.site+"/api/projects/5", strings.NewReader(`{"name":"v1"}`))
				req.Header.Set("Content-Type", "application/json")
				if resp, err := http.DefaultClient.Do(req); err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}()
			switch point {
			case "before", "after":
				<-s.at
			case "answered":
				<-done
			case "delivering":
				<-delivering
			}
			p.kill()
			<-done
			crm.respond(nil)
			p.start()
			if point == "before" { // the API was not asked: there is nothing to tell but of the next call
				p.call("PATCH", "/api/projects/5", `{"name":"v1"}`)
			}
			first := crm.distinct(1)[0]
			want := "project.updated"
			if point == "after" {
				want = "project.gap"
			}
			if first.Body.Type != want || first.Body.Entity.ID != "5" {
				t.Errorf("told as %s of %s, want %s of 5", first.Body.Type, first.Body.Entity.ID, want)
			}
			until(t, "all is settled", p.settled)
			for _, a := range crm.all() {
				if a.ID != first.ID {
					t.Errorf("it came under the ids %s and %s", first.ID, a.ID)
				}
			}
			if s.writes != 1 {
				t.Errorf("the API was asked to write %d times, want 1", s.writes)
			}
		})
	}
}

// A client that goes away at the beginning, in the middle and at the end of the
// answer: one event.
func TestAcceptanceBAClientGoesAway(t *testing.T) {
	const size = 600_000
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.**"), "\t\tresource item /items", api.URL))
	for n, share := range []int{0, 50, 100} {
		client := &http.Client{Transport: &http.Transport{}}
		req, _ := http.NewRequest("PATCH", p.site+"/items/a", strings.NewReader(fmt.Sprintf(`{"n":%d,"size":%d}`, n+1, size)))
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.CopyN(io.Discard, resp.Body, resp.ContentLength*int64(share)/100)
		resp.Body.Close()
		client.CloseIdleConnections()
		crm.wait(n + 1)
	}
	until(t, "all is settled", p.settled)
	d := tally(crm.took())
	for n := 1; n <= 3; n++ {
		if len(d.ids["a"][n]) != 1 {
			t.Errorf("write %d came as %d events", n, len(d.ids["a"][n]))
		}
	}
}

// An answer that breaks off is not believed: a GET tells, or a gap says that
// nothing does.
func TestAcceptanceCAnAnswerBreaksOff(t *testing.T) {
	var mu sync.Mutex
	shown := true
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodPatch:
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"id":5,"name":"half`)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case shown:
			io.WriteString(w, `{"id":5,"name":"whole","status":"open"}`)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap\n\t\t\tpayload full"), projects, api.URL))
	patch := func(name string) {
		req, _ := http.NewRequest("PATCH", p.site+"/api/projects/5", strings.NewReader(`{"name":"`+name+`"}`))
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("the client was not told that the answer broke off")
		}
		resp.Body.Close()
	}
	patch("whole")
	got := crm.wait(1)
	wantScopes(t, got, "project.updated")
	wantField(t, got[0].Body.Data, "name", `"whole"`)
	if f := fullOf(t, got[0]); f.Provenance.After != "fetch" {
		t.Errorf("the state after is known by %q, want fetch", f.Provenance.After)
	}
	mu.Lock()
	shown = false
	mu.Unlock()
	patch("other")
	if last := crm.wait(2)[1]; last.Body.Type != "project.gap" && !strings.Contains(last.Raw, `"inferred"`) {
		t.Errorf("told as %s", last.Raw)
	}
	for _, a := range crm.took() {
		if strings.Contains(a.Raw, "half") {
			t.Errorf("what broke off is in %s", a.Raw)
		}
	}
}

// A thousand PATCHes of ten entities, all at once: what each event says was
// before is what the one before it said is after, or it says that calls overlapped.
func TestAcceptanceDAThousandAtOnce(t *testing.T) {
	api := serve(t, newMixedAPI())
	p := start(t, caddyfile("", mixedConfig, api.URL))
	var all sync.WaitGroup
	next := make(chan int)
	for range 16 {
		all.Go(func() {
			for n := range next {
				req, _ := http.NewRequest("PATCH", fmt.Sprintf("%s/items/i%d", p.site, n%10), strings.NewReader(fmt.Sprintf(`{"n":%d,"size":40}`, n)))
				req.Header.Set("Content-Type", "application/json")
				if resp, err := http.DefaultClient.Do(req); err != nil {
					t.Error(err)
				} else {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
		})
	}
	for n := range 1000 {
		next <- n + 1
	}
	close(next)
	all.Wait()
	until(t, "all is derived", p.settled)
	type told struct {
		Entity        struct{ ID string }
		Sequence      uint64
		Before, After map[string]any
		Provenance    struct{ Concurrent bool }
	}
	var events []told
	p.get("/sidehook/events?max=1000&after=0", &events)
	last, flagged := map[string]told{}, 0
	for _, e := range events {
		was, ok := last[e.Entity.ID]
		if e.Sequence != was.Sequence+1 {
			t.Errorf("%s #%d follows #%d", e.Entity.ID, e.Sequence, was.Sequence)
		}
		if e.Provenance.Concurrent {
			flagged++
		}
		if ok && fmt.Sprint(e.Before["n"]) != fmt.Sprint(was.After["n"]) && !e.Provenance.Concurrent {
			t.Errorf("%s #%d was %v before, and #%d left it at %v", e.Entity.ID, e.Sequence, e.Before["n"], was.Sequence, was.After["n"])
		}
		last[e.Entity.ID] = e
	}
	if len(events) != 1000 {
		t.Errorf("%d events of 1000 changes", len(events))
	}
	t.Logf("%d events, %d of them say that calls overlapped", len(events), flagged)
}

// What says little: PUT answered 204 with a validator and without, 201 that only
// names the entity, and OData's 204.
func TestAcceptanceGAnswersThatSayLittle(t *testing.T) {
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch r.Method + " " + r.Header.Get("X-Answer") {
		case "PUT validator":
			w.Header().Set("Etag", `"7"`)
			w.WriteHeader(http.StatusNoContent)
		case "PUT none":
			w.WriteHeader(http.StatusNoContent)
		case "POST location":
			w.Header().Set("Location", "/api/projects/9")
			w.WriteHeader(http.StatusCreated)
		case "POST odata":
			w.Header().Set("OData-EntityId", "/api/projects/8")
			w.Header().Set("Preference-Applied", "return=minimal")
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id":%s,"name":"as the API has it","status":"open"}`, r.URL.Path[len("/api/projects/"):])
		}
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tpayload full"), projects, api.URL))
	for i, c := range []struct{ method, path, answer, scope, id, after, confidence, name string }{
		{"PUT", "/api/projects/5", "validator", "project.updated", "5", "request", "proven", "sent"},
		{"PUT", "/api/projects/6", "none", "project.updated", "6", "fetch", "observed", "as the API has it"},
		{"POST", "/api/projects", "location", "project.created", "9", "fetch", "observed", "as the API has it"},
		{"POST", "/api/projects", "odata", "project.created", "8", "fetch", "observed", "as the API has it"},
	} {
		p.call(c.method, c.path, `{"name":"sent","status":"open"}`, "X-Answer", c.answer)
		a := crm.wait(i + 1)[i]
		f := fullOf(t, a)
		if a.Body.Type != c.scope || a.Body.Entity.ID != c.id || f.Provenance.After != c.after || f.Provenance.Confidence != c.confidence {
			t.Errorf("%s %s: %s of %s, %+v", c.method, c.answer, a.Body.Type, a.Body.Entity.ID, f.Provenance)
		}
		wantField(t, a.Body.Data, "name", `"`+c.name+`"`)
	}
}

// Ids that no float64 holds.
func TestAcceptanceILargeIDs(t *testing.T) {
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		id := "9007199254740993"
		if r.Method != http.MethodPost {
			id = r.URL.Path[len("/api/projects/"):]
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%s,"name":"%s","owner":18446744073709551615}`, id, r.Method)
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\torder subscription"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"POST"}`)
	p.call("PATCH", "/api/projects/9007199254740993", `{"name":"PATCH"}`)
	p.call("PATCH", "/api/projects/9007199254740992", `{"name":"PATCH"}`)
	got := crm.wait(3)
	for i, id := range []string{"9007199254740993", "9007199254740993", "9007199254740992"} {
		if got[i].Body.Entity.ID != id {
			t.Errorf("webhook %d is about %s, want %s", i, got[i].Body.Entity.ID, id)
		}
		wantField(t, got[i].Body.Data, "id", id)
		wantField(t, got[i].Body.Data, "owner", "18446744073709551615")
	}
}
