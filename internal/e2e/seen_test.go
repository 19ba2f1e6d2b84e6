package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// metrics reads the metrics of the process.
func (p *process) metrics() string {
	p.t.Helper()
	resp, err := http.Get("http://" + p.admin + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// What a person sees of one story: metrics, lists, one event with its delivery,
// one delivery with its attempts, the log.
func TestWhatHappenedCanBeSeen(t *testing.T) {
	api := crudAPI(t, crud.Options{NoContent: []string{"project"}})
	failures := 1
	crm := receive(t, func(*arrival) int {
		if failures--; failures >= 0 {
			return 503
		}
		return 204
	})
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tretry 10ms 10ms 10ms"), projects+" {\n\t\t\tignore updated_at\n\t\t}", api.URL))
	for range 3 { // metrics outlive configurations
		if err := p.reload(); err != nil {
			t.Fatal(err)
		}
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`)
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`)
	crm.wait(2)
	until(t, "all is settled", p.settled)

	text := p.metrics()
	for _, want := range []string{
		`sidehook_captured_calls_total\{api="default",ending="completed"\} 3`,
		`sidehook_events_total\{api="default",operation="created"\} 1`,
		`sidehook_events_total\{api="default",operation="updated"\} 1`,
		`sidehook_unchanged_total\{api="default"\} 1`,
		`sidehook_fetches_total\{kind="after",outcome="ok"\} 2`,
		`sidehook_attempts_total\{outcome="accepted"\} 2`,
		`sidehook_attempts_total\{outcome="failed"\} 1`,
		`sidehook_deliveries_total\{state="delivered"\} 2`,
		`sidehook_delivery_lag_seconds_count 2`,
		`sidehook_queue_depth 0`,
		`sidehook_degraded 0`,
		`sidehook_subscriptions\{status="active"\} 1`,
		`sidehook_journal_bytes [1-9]`,
		`sidehook_store_bytes [1-9]`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("metrics lack %s", want)
		}
	}

	id := crm.took()[0].ID
	shows(t, p, []string{id, "project.created", "project/1001"}, "events")
	shows(t, p, []string{"project.updated", "name", "Roof", "Hall"}, "events", "--scope", "project.updated")
	shows(t, p, []string{"project.created", "crm", "delivered"}, "deliveries")
	shows(t, p, []string{"project.created project/1001 #1", "POST /api/projects at 20", "known by   none before, response after; observed", "DELIVERY", "delivered"}, "events", id)
	shows(t, p, []string{`"deliveries":[{"id":"dlv_`, `"state":"delivered"`, `"provenance":{`}, "events", id, "--json")
	shows(t, p, []string{"crm", "active"}, "subscriptions")

	out, err := p.cli("deliveries", "--address", p.admin, "--json", "--event", id)
	var d struct{ ID string }
	if err != nil || json.Unmarshal([]byte(out), &d) != nil {
		t.Fatalf("deliveries --json: %v: %s", err, out)
	}
	shows(t, p, []string{"attempt 1, 20", ": failed, answered 503 after ", "Webhook-Id: " + id, "attempt 2, ", ": accepted, answered 2"}, "deliveries", d.ID)
	shows(t, p, []string{`"outcome":"failed","status":503`, `"outcome":"accepted"`}, "deliveries", d.ID, "--json")
	until(t, "the log tells of the failed attempt", func() bool {
		log := p.log.String()
		return strings.Contains(log, id) && strings.Contains(log, "503")
	})
}

// shows runs a command against the process and looks for texts in its output.
func shows(t *testing.T, p *process, texts []string, args ...string) {
	t.Helper()
	out, err := p.cli(append(args, "--address", p.admin)...)
	if err != nil {
		t.Errorf("%v: %v: %s", args, err, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%v does not show %q:\n%s", args, text, out)
		}
	}
}
