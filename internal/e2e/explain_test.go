package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// Somebody says "your webhook did not come": for each reason that there can be,
// the text says it.
func TestExplainSaysWhyAWebhookDidNotCome(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	global := subscribe("crm", crm, "scopes project.**\n\t\t\tskip_keys sync") +
		subscribe("billing", crm, "scopes project.deleted") +
		subscribe("started", crm, "scopes project.**\n\t\t\ton_change status") +
		subscribe("rich", crm, "scopes project.**\n\t\t\tfilter entity.budget.amount > 1000000") +
		subscribe("acme", crm, "scopes project.**\n\t\t\ttenant acme")
	p := start(t, caddyfile(global, projects+` {
			ignore updated_at
			tenant request.header["X-Space"]
			emit project.status.updated when changed("status")
		}`, api.URL))
	space := []string{"X-Space", "north"}
	p.call("POST", "/api/projects", `{"name":"Roof"}`, space...)
	until(t, "all is settled", p.settled)
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`, append(space, "Webhook-Skip-Key", "sync")...)
	until(t, "all is settled", p.settled)

	out := p.explained(p.lastEvent("project.updated"))
	for _, want := range []string{
		`PATCH /api/projects/1001 answered 200\n`,
		`request body: 15 bytes\n`,
		`skip key: sync\n`,
		`Earned: 1 event was recorded\n`,
		`project/1001: updated\n  before  snapshot: as it was last seen, .* before the call\n  after   response, observed: the answer shows it\n`,
		`changed name: "Roof" → "Hall"\n`,
		`updated_at: .* \(ignored\)\n`,
		`earned  project.updated: the entity was updated\n`,
		`not     project.status.updated: its condition is not true: when changed\("status"\)\n`,
		`crm +not owed: the call had the skip key "sync"`,
		`billing +not owed: its scopes \(project\.deleted\) do not select project.updated\n`,
		`started +not owed: its on_change \(status\) names none of the fields that changed\n`,
		`rich +not owed: its filter is not true: entity.budget.amount > 1000000\n`,
		`acme +not owed: the event is of tenant "north", and the subscription of "acme"\n`,
	} {
		wantText(t, out, want)
	}
	wantText(t, p.explained(p.lastEvent("project.created")), `crm +delivered, 1 attempt, .*, dlv_\w+: it wants the event\n`)

	var told struct {
		Outcome  string
		Entities []struct{ Operation string }
		Events   []struct {
			Subscribers []struct{ Subscription, Why string }
		}
	}
	asJSON, err := p.cli("explain", "--json", "--address", p.admin, p.lastEvent("project.updated"))
	if err != nil || json.Unmarshal([]byte(asJSON), &told) != nil {
		t.Fatalf("explain --json: %v: %s", err, asJSON)
	}
	if told.Outcome != "events" || len(told.Entities) != 1 || len(told.Events) != 1 || len(told.Events[0].Subscribers) != 5 {
		t.Errorf("explain --json tells %+v", told)
	}
}

// A call that earned nothing says why, also when the process was started again
// since.
func TestExplainSaysWhyACallEarnedNothing(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, caddyfile("\t\t# nobody subscribes", projects+` {
			ignore updated_at
			success response.body.name != "Void"
			emit project.heavy when any(entity.tags, any(entity.tags, any(entity.tags, entity.name == "x")))
		}`, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	calls := []struct{ body, want string }{
		{`{"name":"Roof"}`, `Earned nothing: only ignored fields changed\n`},
		{`{"name":"Void"}`, `Earned nothing: success is not true of the answer\n`},
		{`{"name":""}`, `Earned nothing: the API answered 4\d\d: nothing was done\n`},
	}
	var ids []string
	for _, c := range calls {
		p.call("PATCH", "/api/projects/1001", c.body)
		until(t, "all is settled", p.settled)
		ids = append(ids, p.lastCall("/api/projects"))
	}
	heavy := `{"name":"Shed","tags":[` + strings.Repeat(`"a",`, 300) + `"a"]}`
	p.call("PATCH", "/api/projects/1001", heavy)
	until(t, "all is settled", p.settled)
	calls = append(calls, struct{ body, want string }{heavy, `In quarantine: a rule failed on it at .*: .*project.heavy|In quarantine: .*any\(`})
	ids = append(ids, p.lastCall("/api/projects/1001"))
	shows(t, p, []string{"PATCH", "rejected", ids[2], ids[3]}, "explain", "/api/projects")
	for i, c := range calls {
		wantText(t, p.explained(ids[i]), c.want)
	}
	p.stop()
	p.start()
	for i, c := range calls {
		wantText(t, p.explained(ids[i]), c.want+`|Earned nothing: it was recorded, and earned no event|Not known: neither the journal nor the store has it`)
	}
	wantText(t, p.explained("exc_06g0000000000000000000000g"), `Not known: neither the journal nor the store has it`)
	if out, err := p.cli("explain", "--address", p.admin, "nonsense"); err == nil || !strings.Contains(out, "write the id of an event") {
		t.Errorf("explain nonsense: %v: %s", err, out)
	}
}

// A call whose answer has not ended is in flight, and one that is in dry_run is
// delivered to nobody.
func TestExplainSaysWhatIsStillToCome(t *testing.T) {
	answer := make(chan struct{})
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-answer
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"7","name":"Roof","a":1,"b":2,"c":3}`)
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), "\t\tdry_run\n"+projects, api.URL))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.call("PATCH", "/api/projects/7", `{"name":"Roof"}`)
	}()
	var calls []struct{ Exchange string }
	until(t, "the call has begun", func() bool { p.get("/sidehook/calls?path=/api/projects", &calls); return len(calls) == 1 })
	wantText(t, p.explained(calls[0].Exchange), `(?s)PATCH /api/projects/7\n  began .*In flight: its answer has not ended yet\n`)
	close(answer)
	<-ended
	until(t, "all is settled", p.settled)
	wantText(t, p.explained(calls[0].Exchange), "crm +not owed: the handler is in `dry_run`: nothing is delivered\n")
}

// explained returns what explain says of an id.
func (p *process) explained(id string) string {
	p.t.Helper()
	out, err := p.cli("explain", "--address", p.admin, id)
	if err != nil {
		p.t.Fatalf("explain %s: %v: %s", id, err, out)
	}
	return out
}

// lastCall returns the exchange of the newest call of a path, or below it.
func (p *process) lastCall(path string) string {
	p.t.Helper()
	var calls []struct{ Exchange string }
	p.get("/sidehook/calls?path="+path, &calls)
	if len(calls) == 0 {
		p.t.Fatalf("the journal has no call of %s", path)
	}
	return calls[0].Exchange
}

// lastEvent returns the id of the newest event of a scope.
func (p *process) lastEvent(scope string) string {
	p.t.Helper()
	var events []struct{ ID string }
	p.get("/sidehook/events?scope="+scope, &events)
	if len(events) == 0 {
		p.t.Fatalf("there is no event of scope %s", scope)
	}
	return events[0].ID
}

func wantText(t *testing.T, text, want string) {
	t.Helper()
	if !regexp.MustCompile(want).MatchString(text) {
		t.Errorf("want %s in\n%s", want, text)
	}
}

// What is derived once more for the text is what was recorded: for each of many
// calls nothing is missing, whatever came after it.
func TestExplainDerivesWhatWasRecorded(t *testing.T) {
	api := crudAPI(t, crud.Options{NoContent: []string{"contact"}})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes **"), projects+` {
			ignore updated_at
			upsert PUT {id}
			emit project.status.updated when changed("status")
			emit project.archived instead when became("status", "archived")
			emit project.tagged each additions("tags")
		}
		resource contact /api/contacts`, api.URL))
	for _, c := range [][3]string{
		{"POST", "/api/projects", `{"name":"Roof","tags":["a"]}`},
		{"PATCH", "/api/projects/1001", `{"status":"active"}`},
		{"PATCH", "/api/projects/1001", `{"status":"active"}`},
		{"PATCH", "/api/projects/1001", `{"tags":["a","b","c"]}`},
		{"PUT", "/api/projects/1001", `{"name":"Hall","status":"active"}`},
		{"POST", "/api/contacts", `{"name":"Ida","email":"ida@x.example"}`},
		{"PATCH", "/api/contacts/501", `{"phone":"1"}`},
		{"PATCH", "/api/contacts/501", `{"phone":"1"}`},
		{"PATCH", "/api/contacts/501", `{"phone":"2"}`},
		{"DELETE", "/api/contacts/501", ""},
		{"DELETE", "/api/contacts/501", ""},
		{"PATCH", "/api/projects/1001", `{"name":"Shed"}`},
		{"DELETE", "/api/projects/1001", ""},
	} {
		p.call(c[0], c[1], c[2])
		until(t, "all is settled", p.settled)
	}
	var calls []struct{ Exchange, Method, Path string }
	p.get("/sidehook/calls?path=/api&max=100", &calls)
	if len(calls) != 13 {
		t.Fatalf("%d calls, want 13", len(calls))
	}
	for _, c := range calls {
		if out := p.explained(c.Exchange); strings.Contains(out, "Not known") {
			t.Errorf("not all is known of %s %s:\n%s", c.Method, c.Path, out)
		}
	}
}

// The journal has let go of what it held. What the events say, who got them, and
// what became of a call without any, is told all the same.
func TestExplainTellsOfWhatTheJournalLetGo(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects+` {
			ignore updated_at
			emit project.renamed when changed("name")
			emit project.archived when became("status", "archived")
		}`, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`)
	until(t, "all is settled", p.settled)
	renamed := p.lastCall("/api/projects/1001")
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`)
	until(t, "all is settled", p.settled)
	same := p.lastCall("/api/projects/1001")
	p.stop()
	segments, err := filepath.Glob(filepath.Join(p.dir, "data", "journal", "*"))
	if err != nil || len(segments) == 0 {
		t.Fatal("no journal", err)
	}
	for _, name := range segments {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	for _, want := range []string{
		`PATCH /api/projects/1001\n`,
		`Earned: 2 events were recorded\n`,
		`project/1001: updated\n  before  (snapshot|fetch): as the event says.*\n  after   response, observed: as the event says\n`,
		`changed name: "Roof" → "Hall"\n`,
		`earned  project.renamed: the event is there\n`,
		`not     project.archived: there is no event of it; why is not known any more\n`,
		`crm +delivered, 1 attempt`,
		`the call itself is not kept any more`,
	} {
		wantText(t, p.explained(renamed), want)
	}
	wantText(t, p.explained(same), `(Earned nothing: it was recorded, and earned no event: one of|Not known: neither the journal nor the store has it: nothing came of the call at) .*would still be there`)
	wantText(t, p.explained("exc_06g0000000000000000000000g"), `Not known: neither the journal nor the store has it: nothing came of the call at .*, or its events are older than .retention.`)
}
