package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// limited is an API that shows each project to the tokens of its team, and to
// admin; salary to admin only. Whoever writes shows no token.
type limited struct {
	mu       sync.Mutex
	entities map[string]map[string]any
	last     int
	asked    []string // GETs with a token: token and URL

	minds  string                                // a parameter that is answered with 400
	answer func(token, id string, asked int) int // of such a GET; 0: as it is; -1: it hangs
	closed chan struct{}
}

func newLimited(t *testing.T) (*limited, *httptest.Server) {
	api := &limited{entities: map[string]map[string]any{}, closed: make(chan struct{})}
	s := serve(t, api)
	t.Cleanup(func() { close(api.closed) }) // before the server closes
	return api, s
}

func (l *limited) answers(f func(token, id string, asked int) int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = f
}

// gets returns the URLs that a token asked for.
func (l *limited) gets(token string) (urls []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.asked {
		if who, url, _ := strings.Cut(a, " "); who == token {
			urls = append(urls, url)
		}
	}
	return urls
}

func (l *limited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/projects"), "/")
	token, said := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.Method == http.MethodGet && said {
		l.show(w, r, token, id)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var body map[string]any
	raw, _ := io.ReadAll(r.Body)
	json.Unmarshal(raw, &body)
	switch r.Method {
	case http.MethodPost:
		l.last++
		id = strconv.Itoa(l.last)
		body["id"] = l.last
		l.entities[id] = body
		w.WriteHeader(http.StatusCreated)
	case http.MethodPatch:
		maps.Copy(l.entities[id], body)
	case http.MethodDelete:
		delete(l.entities, id)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	json.NewEncoder(w).Encode(l.entities[id])
}

// show answers a GET with a token.
func (l *limited) show(w http.ResponseWriter, r *http.Request, token, id string) {
	l.mu.Lock()
	l.asked = append(l.asked, token+" "+r.URL.RequestURI())
	n, status := len(l.asked), 0
	if l.answer != nil {
		f := l.answer
		l.mu.Unlock()
		status = f(token, id, n)
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	if status == -1 {
		l.mu.Unlock()
		select {
		case <-r.Context().Done():
		case <-l.closed:
		}
		l.mu.Lock()
		return
	}
	e := maps.Clone(l.entities[id])
	switch {
	case l.minds != "" && r.URL.Query().Has(l.minds):
		w.WriteHeader(http.StatusBadRequest)
		return
	case status != 0:
		w.WriteHeader(status)
		return
	case token != "admin" && token != "a" && token != "b":
		w.WriteHeader(http.StatusUnauthorized)
		return
	case e == nil:
		w.WriteHeader(http.StatusNotFound)
		return
	case token != "admin" && e["team"] != token:
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if token != "admin" {
		delete(e, "salary")
	}
	for name := range strings.SplitSeq(r.URL.Query().Get("expand"), ",") {
		if name != "" {
			e[name] = map[string]any{"name": "the " + name, "secret": 1}
		}
	}
	json.NewEncoder(w).Encode(e)
}

// looking is a handler whose API can be asked.
func looking(api string) string { return projects + "\n\t\torigin " + api }

// create makes a project of a team, and returns its id.
func (p *process) create(team string) string {
	p.t.Helper()
	status, body := p.call("POST", "/api/projects", fmt.Sprintf(`{"team":%q,"salary":1000,"status":"new"}`, team))
	var made struct{ ID json.Number }
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 201 {
		p.t.Fatalf("status %d %s", status, body)
	}
	return made.ID.String()
}

// steer pauses or resumes a subscription.
func (p *process) steer(verb, sub string) {
	p.t.Helper()
	if out, err := p.cli("subscriptions", verb, sub, "--address", p.admin); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
}

// delivery is a delivery as the admin endpoint shows it.
type shownDelivery struct {
	State, Reason string
	Attempts      int
}

func (p *process) deliveriesOf(sub string) (ds []shownDelivery) {
	p.t.Helper()
	p.get("/sidehook/deliveries?max=100&subscription="+sub, &ds)
	return ds
}

func (p *process) count(sub, state string) (n int) {
	p.t.Helper()
	for _, d := range p.deliveriesOf(sub) {
		if d.State == state {
			n++
		}
	}
	return n
}

// Each gets what its own credential can see, also of what is deleted: by what it
// saw last.
func TestViewCheckDeliversWhatTheSubscriberSees(t *testing.T) {
	api, s := newLimited(t)
	a, b, all := receive(t, nil), receive(t, nil), receive(t, nil)
	view := "scopes project.**\n\t\t\tview_check\n\t\t\tcredential Authorization \"Bearer {env.TOKEN_%s}\""
	p := prepare(t, caddyfile(subscribe("a", a, fmt.Sprintf(view, "A"))+subscribe("b", b, fmt.Sprintf(view, "B"))+
		subscribe("all", all, "scopes project.**"), looking(s.URL), s.URL))
	p.env = append(p.env, "TOKEN_A=a", "TOKEN_B=b")
	p.start()
	first, second := p.create("a"), p.create("b")
	until(t, "both were asked for", func() bool { return p.count("a", "not_visible") == 1 && p.count("b", "not_visible") == 1 })
	a.wait(1)
	p.call("DELETE", "/api/projects/"+first, "")
	p.call("DELETE", "/api/projects/"+second, "")
	all.wait(4)
	until(t, "all is settled", p.settled)
	for _, c := range []struct {
		who *receiver
		id  string
	}{{a, first}, {b, second}} {
		got := c.who.wait(2)
		wantScopes(t, got, "project.created", "project.deleted")
		for _, g := range got {
			if g.Body.Entity.ID != c.id || g.Attempt != "1" {
				t.Errorf("got %s, attempt %s", g.Raw, g.Attempt)
			}
		}
	}
	for _, d := range p.deliveriesOf("a") {
		if d.State == "not_visible" && (d.Attempts > 0 || d.Reason == "") {
			t.Errorf("not visible after %d attempts: %q", d.Attempts, d.Reason)
		}
	}
	if n := len(api.gets("a")); n != 2 {
		t.Errorf("a asked %d times, want 2: nobody can see what is deleted", n)
	}
}

// An entity that is deleted before it could be seen is not delivered to who may
// not have been allowed to see it.
func TestWhatWasNeverSeenIsNotDeliveredOnceDeleted(t *testing.T) {
	_, s := newLimited(t)
	a := receive(t, nil)
	p := start(t, caddyfile(subscribe("a", a, "scopes project.**\n\t\t\tview_check\n\t\t\tcredential Authorization \"Bearer a\""), looking(s.URL), s.URL))
	p.steer("pause", "a")
	id := p.create("a")
	p.call("DELETE", "/api/projects/"+id, "")
	until(t, "both are recorded", func() bool { return len(p.deliveriesOf("a")) == 2 })
	p.steer("resume", "a")
	until(t, "neither is visible", func() bool { return p.count("a", "not_visible") == 2 })
	if n := len(a.all()); n > 0 {
		t.Errorf("%d webhooks came", n)
	}
}

// A 404 just after a change may come of a replica that does not know of it yet,
// a 5xx or silence of trouble: the API is asked again, and no attempt is spent.
func TestViewCheckAsksAgain(t *testing.T) {
	for name, failing := range map[string]int{"not yet": 404, "trouble": 503, "throttled": 429, "a page to log in": 302} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, s := newLimited(t)
			a := receive(t, nil)
			api.answers(func(_, _ string, asked int) int {
				if asked <= 2 {
					return failing
				}
				return 0
			})
			p := start(t, caddyfile(subscribe("a", a, "scopes project.**\n\t\t\tview_check\n\t\t\tretry none\n\t\t\tcredential Authorization \"Bearer a\""), looking(s.URL), s.URL))
			id := p.create("a")
			p.call("PATCH", "/api/projects/"+id, `{"status":"old"}`)
			got := a.wait(2)
			wantScopes(t, got, "project.created", "project.updated") // the order of one entity holds
			until(t, "all is settled", p.settled)
			for _, d := range p.deliveriesOf("a") {
				if d.State != "delivered" || d.Attempts != 1 || d.Reason != "" {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

// A credential that is not taken any more pauses its subscription, and nothing
// else; what it is owed waits for another one.
func TestARefusedCredentialPauses(t *testing.T) {
	_, s := newLimited(t)
	mine, other := receive(t, nil), receive(t, nil)
	p := prepare(t, withAPI("\t\tencryption_key {env.SIDEHOOK_KEY}", perSpace, s.URL))
	p.configure(strings.Replace(withAPI("\t\tencryption_key {env.SIDEHOOK_KEY}", perSpace, s.URL), "resource project", "origin "+s.URL+"\n\t\t\tresource project", 1))
	p.env = append(p.env, "SIDEHOOK_KEY=a key of at least twenty-four bytes")
	p.start()
	ann := p.user("ann", "acme")
	look := `, "view_check": true, "credential": {"header": "authorization", "value": "Bearer %s"}`
	id := ann.do("POST", "/subscriptions", subscription(mine, fmt.Sprintf(look, "stale"))).want(201).text("id")
	ann.do("POST", "/subscriptions", subscription(other, fmt.Sprintf(look, "a"))).want(201)
	for range 3 {
		p.call("POST", "/api/projects", `{"team":"a"}`, "X-Space", "acme")
	}
	other.wait(3)
	paused := func() bool {
		got := ann.do("GET", "/subscriptions/"+id, "").want(200)
		return got.text("status") == "paused" && got.text("reason") == "credential"
	}
	until(t, "it is paused", paused)
	shown := ann.do("PATCH", "/subscriptions/"+id, `{"credential": {"value": "Bearer a"}}`).want(200)
	if strings.Contains(shown.raw, "Bearer") || !strings.Contains(shown.raw, `"credential":{"header":"Authorization","value":"[secret]"}`) {
		t.Errorf("shown: %s", shown.raw)
	}
	p.kill()
	p.start()
	if !paused() || len(mine.all()) > 0 {
		t.Error("it is not paused after a restart")
	}
	ann.do("POST", "/subscriptions/"+id+"/resume", "").want(200)
	mine.wait(3)
	until(t, "all is settled", p.settled)
}

// What is sent is what the subscriber's own GET shows, with what it asks for;
// fields picks from that, and what changed is the event's.
func TestExpandSendsWhatTheSubscriberSees(t *testing.T) {
	api, s := newLimited(t)
	a := receive(t, nil)
	p := start(t, caddyfile(subscribe("a", a, `scopes project.**
			view_check
			credential Authorization "Bearer a"
			expand owner
			query load-only id status
			query tag[] x y
			fields id status salary owner.name
			for task {
				expand project
			}`), looking(s.URL)+"\n\t\tresource task /api/tasks", s.URL))
	p.steer("pause", "a")
	id := p.create("a")
	p.call("PATCH", "/api/projects/"+id, `{"status":"old"}`)
	p.call("PATCH", "/api/projects/"+id, `{"status":"older"}`)
	until(t, "all are recorded", func() bool { return len(p.deliveriesOf("a")) == 3 })
	p.steer("resume", "a")
	got := a.wait(3)
	if want := "/api/projects/" + id + "?expand=owner&load-only=id,status&tag%5B%5D=x&tag%5B%5D=y"; api.gets("a")[0] != want {
		t.Errorf("asked for %s, want %s", api.gets("a")[0], want)
	}
	for i, g := range got {
		var data map[string]any
		json.Unmarshal(g.Body.Data, &data)
		if want := fmt.Sprintf(`{"id":%s,"owner":{"name":"the owner"},"status":"older"}`, id); printed(data) != want {
			t.Errorf("%d: data %s, want %s", i, printed(data), want)
		}
		var body struct {
			Provenance struct {
				Viewed struct {
					At      time.Time
					Differs []string
				}
			}
		}
		json.Unmarshal([]byte(g.Raw), &body)
		viewed := body.Provenance.Viewed
		if differs := printed(viewed.Differs); viewed.At.IsZero() || i < 2 && differs != `["status"]` || i == 2 && differs != "null" {
			t.Errorf("%d: viewed %+v", i, viewed)
		}
	}
	wantField(t, got[1].Body.Previous, "status", `"new"`)
	wantField(t, got[2].Body.Previous, "status", `"old"`)
}

// What the operator expands without a credential is asked for as the service.
func TestExpandAsTheService(t *testing.T) {
	_, s := newLimited(t)
	all := receive(t, nil)
	p := start(t, caddyfile(subscribe("all", all, "scopes project.**\n\t\t\texpand owner"),
		looking(s.URL)+"\n\t\tcredential Authorization \"Bearer admin\"", s.URL))
	id := p.create("a")
	got := all.wait(1)
	wantField(t, got[0].Body.Data, "salary", "1000")
	p.call("DELETE", "/api/projects/"+id, "")
	got = all.wait(2) // there is nothing to check: it carries what was known last
	wantField(t, got[1].Body.Data, "salary", "1000")
}

// A customer's subscription asks the API as the customer or not at all, never as
// the service; and a credential is kept only where it is encrypted.
func TestACustomerNeverAsksAsTheService(t *testing.T) {
	_, s := newLimited(t)
	mine := receive(t, nil)
	serving := func(global string) *process {
		p := prepare(t, strings.Replace(withAPI(global, perSpace, s.URL), "resource project /api/projects",
			"origin "+s.URL+"\n\t\t\tcredential Authorization \"Bearer admin\"\n\t\t\tresource project /api/projects {\n"+
				"emit project.linked when changed(\"parent\") {\nrelated parent after.parent {\nresource project\n}\n}\n}", 1))
		p.env = append(p.env, "SIDEHOOK_KEY=a key of at least twenty-four bytes")
		p.start()
		return p
	}
	const credential = `, "credential": {"header": "Authorization", "value": "Bearer a"}`
	looks := []string{`, "expand": ["owner"]`, `, "query": {"load-only": ["id"]}`, `, "view_check": true`, `, "for": {"project": {"expand": ["owner"]}}`, `, "related": {"parent": {"expand": ["owner"]}}`}
	ann := serving("\t\tencryption_key {env.SIDEHOOK_KEY}").user("ann", "acme")
	for _, look := range looks {
		if got := ann.do("POST", "/subscriptions", subscription(mine, look)).want(422); !strings.Contains(got.raw, "credential is missing") {
			t.Errorf("%s: %s", look, got.raw)
		}
		made := ann.do("POST", "/subscriptions", subscription(mine, look+credential)).want(201).text("id")
		if got := ann.do("PATCH", "/subscriptions/"+made, `{"credential": null}`).want(422); !strings.Contains(got.raw, "credential is missing") {
			t.Errorf("%s, taken out: %s", look, got.raw)
		}
	}
	if got := ann.do("POST", "/subscriptions", subscription(mine, `, "related": {"child": {"expand": ["owner"]}}`+credential)).want(422); !holdsProblem(got, "/related", "no rule has an entity of that name") {
		t.Error(got.raw)
	}
	plain := serving("").user("ann", "acme")
	for _, look := range looks {
		if got := plain.do("POST", "/subscriptions", subscription(mine, look+credential)).want(422); !strings.Contains(got.raw, "no encryption_key") {
			t.Errorf("%s, where there is no key: %s", look, got.raw)
		}
	}
}

// While the API does not answer subscribers, those that do not ask it go on, and
// so do calls; and what waits goes out when it answers again.
func TestAnAPIThatHangsHurtsOnlyWhoAsksIt(t *testing.T) {
	api, s := newLimited(t)
	var mu sync.Mutex
	hangs := true
	api.answers(func(string, string, int) int {
		mu.Lock()
		defer mu.Unlock()
		if hangs {
			return -1
		}
		return 0
	})
	plain := receive(t, nil)
	var global strings.Builder
	var lookers []*receiver
	for n := range 12 {
		r := receive(t, nil)
		lookers = append(lookers, r)
		global.WriteString(subscribe(fmt.Sprint("looker", n), r, "scopes project.**\n\t\t\tview_check\n\t\t\tconcurrency 50\n\t\t\tcredential Authorization \"Bearer a\""))
	}
	p := start(t, caddyfile(global.String()+subscribe("plain", plain, "scopes project.**"), looking(s.URL), s.URL))
	for range 60 {
		p.create("a")
	}
	plain.wait(60)
	if len(api.gets("a")) == 0 {
		t.Error("nobody asked")
	}
	begin := time.Now()
	for n := range 10 {
		at := time.Now()
		p.create("a")
		plain.wait(61 + n)
		if took := time.Since(at); took > 2*time.Second {
			t.Errorf("who does not ask waited %v", took)
		}
	}
	t.Log("10 in", time.Since(begin), "while", len(api.gets("a")), "GETs hang or hung")
	mu.Lock()
	hangs = false
	mu.Unlock()
	for _, r := range lookers {
		r.wait(70)
	}
}
