package projectsde_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/internal/exampletest"
	projectsde "github.com/sidehook/sidehook/examples/projects-de"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// The bodies of the calls hold what the documented objects hold and a user can
// write.
const (
	relaunch = `{"name":"Website Relaunch","notes":"Komplette Überarbeitung der Firmenwebsite inkl. neuem Design","budget":15000,
		"user_id":456,"customer_id":410,"kanban_status":"To Do","start_date":"2024-01-15","end_date":"2024-03-31","hourly_rate":150}`
	phase2 = `{"name":"Website Relaunch - Phase 2","notes":"Komplette Überarbeitung der Firmenwebsite inkl. neuem Design und CMS",
		"budget":18000,"kanban_status":"In Progress","end_date":"2024-04-30"}`
	app = `{"name":"Mobile App Development","user_id":456,"customer_id":410,"project_type":"byHour","hourly_rate":175}`

	figures = `{"entries_count":12,"invoices_count":2,"proposals_count":1,"tasks_count":8,"times_count":45,
		"budget_usage":{"billable_time_total":"45:30","non_billable_time_total":"05:15","billable_sum":"6,825.00","total_time":"50:45",
			"total_sum_invoiced":"5,000.00","total_sum_open":"1,825.00","used_chf":"7,875.00","billability":86.67},
		"open_times":{"readable":"15:45","sortable":945}}`
)

// Each of the three events comes as the document shows it: every member, every
// digit, and the number of the webhook that it is sent for.
func TestTheEventsAreAsDocumented(t *testing.T) {
	api := projectsde.New(nil)
	s := exampletest.Start(t, api)
	want(t, s.Play("POST", "/api/projects", relaunch), "accounting", "project.created.json")
	if err := api.Book("55", figures); err != nil {
		t.Fatal(err)
	}
	want(t, s.Play("PATCH", "/api/projects/55", phase2), "controlling", "project.updated.json")
	s.Play("POST", "/api/projects", app)
	want(t, s.Play("DELETE", "/api/projects/56", ""), "archive", "project.deleted.json")
}

// The deleted event carries the last known object, though the API answers 204
// and nobody had seen the project before.
func TestADeletedProjectIsShownThoughTheAPIAnswers204(t *testing.T) {
	api := projectsde.New(nil)
	for _, body := range []string{relaunch, app} { // past Sidehook
		api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/api/projects", strings.NewReader(body)))
	}
	s := exampletest.Start(t, api)
	status, answer := s.Call("DELETE", "/api/projects/56", "")
	if status != http.StatusNoContent || answer != "" {
		t.Fatalf("the API answers %d %q, want 204 and nothing", status, answer)
	}
	want(t, s.Told(), "archive", "project.deleted.json")
}

// The timestamp is in whole Unix seconds.
func TestTheTimestampIsInUnixSeconds(t *testing.T) {
	s := exampletest.Start(t, projectsde.New(nil))
	begin := time.Now().Unix()
	got := s.Play("POST", "/api/projects", relaunch)
	var body struct{ Timestamp int64 }
	if err := json.Unmarshal([]byte(got[0].Body), &body); err != nil {
		t.Fatal(err)
	}
	if body.Timestamp < begin || body.Timestamp > time.Now().Unix() {
		t.Errorf("timestamp %d of a call made from %d to %d", body.Timestamp, begin, time.Now().Unix())
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, "project.created", "project.updated", "project.deleted", "event", "data", "timestamp", "webhook_id")
}

// want compares the one webhook that came with a sample. Its time is another,
// but its webhook_id is that of the document: the subscriptions' numbers.
func want(t *testing.T, got []exampletest.Webhook, subscription, sample string) {
	t.Helper()
	if len(got) != 1 || got[0].Subscription != subscription {
		t.Fatalf("got %v, want one webhook for %s", got, subscription)
	}
	exampletest.Same(t, exampletest.Sample(t, sample), got[0].Body, "timestamp")
}
