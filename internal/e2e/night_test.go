package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// Somebody is asked at night why a webhook did not come, and knows no id: the list
// of calls says what became of each, and why one is not in it.
func TestTheListOfCallsSaysWhatBecameOfThem(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, caddyfile("\t\t# nobody subscribes", projects+` {
			ignore updated_at
			emit project.heavy when any(entity.tags, any(entity.tags, any(entity.tags, entity.name == "x")))
		}`, api.URL))
	explain := func(args ...string) string {
		t.Helper()
		out, err := p.cli(append([]string{"explain", "--address", p.admin}, args...)...)
		if err != nil {
			t.Fatalf("explain %v: %v: %s", args, err, out)
		}
		return out
	}
	wantText(t, explain("/api/projects/1001"), `hint: DELETE, PATCH or PUT of /api/projects/1001 is captured, and the journal has none`)
	wantText(t, explain(), `hint: captured are POST /api/projects, PUT\|PATCH /api/projects/{id}, DELETE /api/projects/{id}, and the journal has none`)

	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	p.call("POST", "/api/projects/1001/void", `{}`)
	p.call("PATCH", "/api/projects/1001", `{"name":"Roof"}`)
	p.call("PATCH", "/api/projects/1001", `{"name":""}`)
	p.call("PATCH", "/api/projects/1001", `{"name":"Shed","tags":[`+strings.Repeat(`"a",`, 300)+`"a"]}`)
	until(t, "all is settled", p.settled)
	for _, want := range []string{
		`POST +/api/projects +201 +completed +exc_\w+ +1 event\n`,
		`PATCH +/api/projects/1001 +200 +completed +exc_\w+ +nothing\n`,
		`PATCH +/api/projects/1001 +4\d\d +rejected +exc_\w+ +nothing\n`,
		`PATCH +/api/projects/1001 +200 +completed +exc_\w+ +in quarantine\n`,
	} {
		wantText(t, explain(), want)
	}
	wantText(t, explain("/api/projects/1001/void?x=1"), `hint: no line of the configuration names /api/projects/1001/void, so calls of it pass unseen; captured are POST /api/projects, .*on POST \{id\}/void`)
	p.stop() // and then the journal holds none of them
	p.start()
	wantText(t, explain("/api/projects/1001"), `PATCH +/api/projects/1001 +200 +completed +exc_\w+ +in quarantine\n`)
	wantText(t, p.explained(p.lastCall("/api/projects/1001")), `(?s)In quarantine: .*mend the rule and reload, then: sidehook quarantine derive exc_\w+\n.*project/1001: a rule failed\n`)
}

// An explanation says no more of what changed than the event did that was sent.
func TestAnExplanationSaysWhatTheEventSaid(t *testing.T) {
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/archive"):
			io.WriteString(w, `{"ok":true}`)
		case r.Method == http.MethodGet:
			io.WriteString(w, `{"id":7,"name":"Roof","archived":true}`)
		case r.URL.Path == "/api/projects":
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, `{"id":7,"name":"Roof"}`)
		}
	}))
	p := start(t, caddyfile("\t\t# nobody subscribes", projects+` {
			on POST {id}/archive
			emit project.archived when became("archived", true)
		}`, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	until(t, "all is settled", p.settled)
	p.call("POST", "/api/projects/7/archive", `{}`)
	until(t, "all is settled", p.settled)
	var events []struct {
		ID         string
		Changes    []struct{}
		Provenance struct{ Unknown []string }
	}
	p.get("/sidehook/events?scope=project.updated", &events)
	if len(events) != 1 || len(events[0].Changes) > 0 || len(events[0].Provenance.Unknown) != 1 {
		t.Fatalf("the events are %+v", events)
	}
	out := p.explained(events[0].ID)
	wantText(t, out, `unknown whether these changed: archived\n`)
	wantText(t, out, `not     project.archived: `)
	for _, never := range []string{"changed archived", "other events come of it"} {
		if strings.Contains(out, never) {
			t.Errorf("%q is in\n%s", never, out)
		}
	}
}

// What is owed and fails says why wherever it is looked at.
func TestWhatFailsSaysWhyInAnExplanation(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, status(500))
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tretry 1h"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	const why = "attempt 1: the receiver answered 500"
	until(t, "an attempt has failed", func() bool {
		out, err := p.cli("deliveries", "--address", p.admin)
		return err == nil && strings.Contains(out, why)
	})
	event := p.lastEvent("project.created")
	wantText(t, p.explained(event), `crm +pending \(`+why+`\), 1 attempt, due `)
	var ds []struct{ ID string }
	p.get("/sidehook/deliveries?event="+event, &ds)
	shows(t, p, []string{"pending", why, "answered 500"}, "deliveries", ds[0].ID)
}

// An origin that is not there holds back what subscribers' own GETs decide: the log
// says where it was looked for, and a delivery, which customers see too, does not.
func TestAnOriginThatIsNotThereIsInTheLog(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	closed := freeAddresses(t, 1)[0]
	p := prepare(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tview_check\n\t\t\tcredential Authorization {env.CRM_TOKEN}"),
		"\t\torigin http://"+closed+projects, api.URL))
	p.env = []string{"CRM_TOKEN=of-crm"}
	p.start()
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	until(t, "the log says so", func() bool {
		log := p.log.String()
		return strings.Contains(log, "the API did not answer a GET as a subscriber at its origin") && strings.Contains(log, "dial tcp "+closed)
	})
	var ds []struct{ Reason string }
	until(t, "the delivery says so", func() bool {
		p.get("/sidehook/deliveries", &ds)
		return len(ds) == 1 && strings.Contains(ds[0].Reason, "the API could not be reached")
	})
	if strings.Contains(ds[0].Reason, closed) {
		t.Errorf("the delivery says where the origin is: %s", ds[0].Reason)
	}
}
