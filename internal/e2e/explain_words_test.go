package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// What an explanation says of answers that tell little is what was, and not what it
// looks like from inside.
func TestExplainSaysWhatAnAnswerLacks(t *testing.T) {
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		kept := strings.HasSuffix(r.URL.Path, "/kept")
		switch {
		case r.Method == http.MethodGet && kept:
			io.WriteString(w, `{"id":"kept","name":"Roof","size":3}`)
		case r.Method == http.MethodDelete && kept:
			io.WriteString(w, `{"success":false,"error":"in use"}`)
		case r.Method == http.MethodGet:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/zipped"):
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, `no brotli`)
		case strings.HasSuffix(r.URL.Path, "/late"):
			w.WriteHeader(http.StatusGatewayTimeout)
			io.WriteString(w, `{"error":"late"}`)
		default:
			io.WriteString(w, `{"name":"Roof"}`)
		}
	}))
	p := start(t, caddyfile("\t\t# nobody subscribes", projects, api.URL))
	for _, c := range []struct {
		method, path string
		want, never  string
	}{
		{"POST", "/api/projects", `if the answer does name it: .id., or .entity., in the resource says where`, `known by`},
		{"PATCH", "/api/projects/named", `no GET of /api/projects/named told: none was made, or it failed, or was not believed; the answer does not show it: it does not name the entity's id \(.id. says where`, ""},
		{"PATCH", "/api/projects/zipped", `it could not be read: Content-Type application/json, Content-Encoding br`, "no entity was found"},
		{"PATCH", "/api/projects/late", `answered 504\n(.*\n)*.*that answer does not say whether it was done`, "answer's body"},
		{"DELETE", "/api/projects/absent", `Earned nothing: a GET before the call was forwarded said that it was not there`, "known to be deleted"},
		{"DELETE", "/api/projects/kept", `Earned nothing: it was recorded, and earned no event: by what was known then, or by what a GET after the call showed, nothing had changed`, "a gap"},
	} {
		body := `{"name":"Roof"}`
		if c.method == "DELETE" {
			body = ""
		}
		p.call(c.method, c.path, body)
		until(t, "it is derived", p.settled)
		out := p.explained(p.lastCall(c.path))
		wantText(t, out, c.want)
		if c.never != "" && strings.Contains(out, c.never) {
			t.Errorf("%s %s: %q is in\n%s", c.method, c.path, c.never, out)
		}
	}
}

// Kept of a GET is the entity without its envelope: that it showed the entity is told
// all the same, also where the id is found by its place in the envelope.
func TestExplainKnowsWhatAGetShowedWithoutItsEnvelope(t *testing.T) {
	var state atomic.Value
	state.Store("open")
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			var set struct{ State string }
			if json.NewDecoder(r.Body).Decode(&set) == nil && set.State != "" {
				state.Store(set.State)
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"project":{"project_no":7,"state":%q}}`, state.Load())
	}))
	p := start(t, caddyfile("\t\t# nobody subscribes", projects+` {
			id project.project_no
			emit project.paid when became("state", "paid")
		}`, api.URL))
	patch := func(body string) string {
		p.call("PATCH", "/api/projects/7", body)
		until(t, "it is derived", p.settled)
		return p.lastCall("/api/projects/7")
	}
	patch(`{"state":"new"}`)
	paid := patch(`{"state":"paid"}`)
	wantText(t, p.explained(paid), `after   fetch, observed: a GET after the call showed it`)
	same := patch(`{"state":"paid"}`)
	wantText(t, p.explained(same), `after   fetch, observed: a GET after the call showed it`)
	patch(`{"state":"sent"}`)
	wantText(t, p.explained(same), `what a GET of /api/projects/7 showed, if one was made, is not kept`)
}

// A gap of a call that the process did not outlive says so, and lasts until the
// next process: the API may have done it meanwhile.
func TestAGapOfACrashSaysSoAndLastsUntilTheStart(t *testing.T) {
	came, answer := make(chan struct{}), make(chan struct{})
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			close(came)
			<-answer
		}
	}))
	t.Cleanup(func() { close(answer) })
	p := start(t, caddyfile("\t\t# nobody subscribes", projects, api.URL))
	go func() {
		if resp, err := http.Post(p.site+"/api/projects", "application/json", strings.NewReader(`{"name":"Roof"}`)); err == nil {
			resp.Body.Close()
		}
	}()
	<-came
	p.kill()
	started := time.Now()
	p.start()
	var events []struct {
		ID  string
		Gap struct {
			Detail   string
			From, To time.Time
		}
	}
	until(t, "there is a gap", func() bool { p.get("/sidehook/events?scope=project.gap", &events); return len(events) == 1 })
	if g := events[0].Gap; g.From.After(started) || g.To.Before(started) || !strings.Contains(g.Detail, "sidehook died while it was in flight") {
		t.Errorf("the gap is %+v, and the process started at %v", g, started)
	}
	wantText(t, p.explained(events[0].ID), `a gap, unknown_outcome: it is not known whether POST /api/projects was done, nor to which entity: sidehook died while it was in flight`)
}

// Of events that Sidehook tells by itself, and of examples, no call is spoken of,
// nor how it was known; each subscription is told why it got it, or why not.
func TestExplainOfEventsThatNoCallEarned(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	gone, mine, others := receive(t, status(410)), receive(t, nil), receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann, ben := p.user("ann", "acme"), p.user("ben", "acme")
	telling := func(r *receiver) string {
		return strings.Replace(subscription(r, ""), `["project.**"]`, `["sidehook.subscription.*"]`, 1)
	}
	id := ann.do("POST", "/subscriptions", subscription(gone, "")).want(201).text("id")
	hears := ann.do("POST", "/subscriptions", telling(mine)).want(201).text("id")
	strange := ben.do("POST", "/subscriptions", telling(others)).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	told := mine.wait(1)[0].ID
	test := ann.do("POST", "/subscriptions/"+hears+"/test", "").want(202).text("event")
	asked, err := p.cli("trigger", "project.created", "--subscription", strange, "--json", "--address", p.admin)
	if err != nil {
		t.Fatalf("%v: %s", err, asked)
	}
	mine.wait(2)
	triggered := p.lastEvent("project.created")
	until(t, "all is settled", func() bool { return len(others.took()) == 1 })
	for event, want := range map[string][]string{
		told: {
			`Sidehook's own: it tells of subscription ` + id + `, and no call earned it\n`,
			id + ` +not owed: it is the one that the event tells of\n`,
			hears + ` +\w+.*, dlv_\w+: it wants the event\n`,
			strange + ` +not owed: it is another owner's than the one that the event tells of\n`,
		},
		test: {
			`Sidehook's own: it is an example that somebody asked for, and no call earned it\n`,
			hears + ` +\w+.*, dlv_\w+: it is the one that the example is for, whatever its scopes and its filter are\n`,
			strange + ` +not owed: the example is for one subscription alone\n`,
		},
		triggered: {
			`Sidehook's own: it is an example`,
			strange + ` +\w+.*, dlv_\w+: it is the one that the example is for`,
			id + ` +not owed: the example is for one subscription alone\n`,
		},
	} {
		out := p.explained(event)
		for _, text := range want {
			wantText(t, out, text)
		}
		for _, never := range []string{"known by", "Not known", "the call", "POST", "because it is new"} {
			if strings.Contains(out, never) {
				t.Errorf("%q is in\n%s", never, out)
			}
		}
	}
}
