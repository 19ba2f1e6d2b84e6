package albi_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/albi"
	"github.com/sidehook/sidehook/examples/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// day is what people do with the product, and all scopes that each call fires:
// "scope entity/id".
var day = []struct {
	call, body string
	fires      []string
}{
	{"POST /v5/projects", `{"name":"Water damage, Elm St"}`, []string{"project.created project/1"}},
	{"POST /v5/projects", `{"name":"Mold, Elm St","status":"Won","start_date":"2026-03-02"}`, []string{"project.created project/2"}},
	{"PATCH /v5/projects/1", `{"address":"12 Elm St"}`, []string{"project.updated project/1"}},
	{"PATCH /v5/projects/1", `{"inspection_date":"2026-03-02"}`, []string{"project.updated project/1", "project.date.updated project/1"}},
	{"PATCH /v5/projects/1", `{"start_date":"2026-03-09"}`, []string{"project.updated project/1", "project.date.updated project/1"}},
	{"PATCH /v5/projects/1", `{"completion_date":"2026-04-01"}`, []string{"project.updated project/1", "project.date.updated project/1"}},
	{"PATCH /v5/projects/1", `{"status":"Won"}`, []string{"project.updated project/1", "project.status.updated project/1"}},
	{"PATCH /v5/projects/1", `{"financial_kpi":{"actual_revenue":15000}}`, []string{"project.updated project/1", "project.financialkpi project/1"}},
	{"POST /v5/projects/1/links", `{"project_id":2}`, []string{"project.linked project/1"}},
	{"PATCH /v5/projects/1", `{"linked_projects":[]}`, nil}, // only links link
	{"PATCH /v5/projects/1", `{"status":"Won"}`, nil},       // saved again, nothing changed
	{"PUT /v5/projects/2", `{"name":"Mold, Elm St","status":"Won","start_date":"2026-03-02"}`, nil},
	{"PUT /v5/projects/2", `{"name":"Mold, Oak St","status":"Lost","financial_kpi":{"cost":10}}`,
		[]string{"project.updated project/2", "project.date.updated project/2", "project.financialkpi project/2", "project.status.updated project/2"}},
	{"GET /v5/projects/1", "", nil},

	{"POST /v5/tasks", `{"name":"Dry out"}`, []string{"task.created task/1"}},
	{"PATCH /v5/tasks/1", `{"due_date":"2026-03-10"}`, []string{"task.updated task/1"}},
	{"PATCH /v5/tasks/1", `{"status":"In Progress"}`, []string{"task.updated task/1", "task.in-progress task/1"}},
	{"PATCH /v5/tasks/1", `{"name":"Dry out the cellar"}`, []string{"task.updated task/1"}},
	{"PATCH /v5/tasks/1", `{"status":"Completed"}`, []string{"task.updated task/1", "task.completed task/1"}},
	{"PUT /v5/tasks/1", `{"name":"Dry out the cellar","status":"Completed"}`, []string{"task.updated task/1"}}, // without its due date; completed before
	{"DELETE /v5/tasks/1", "", []string{"task.deleted task/1"}},
	{"POST /v5/tasks", `{"name":"Call the insurer","status":"In Progress"}`, []string{"task.created task/2", "task.in-progress task/2"}},
	{"POST /v5/tasks", `{"name":"Measure","status":"Completed"}`, []string{"task.created task/3", "task.completed task/3"}},

	{"POST /v5/contacts", `{"first_name":"Ida"}`, []string{"contact.created contact/1"}},
	{"PATCH /v5/contacts/1", `{"phone":"555-0100"}`, []string{"contact.updated contact/1"}},
	{"PUT /v5/contacts/1", `{"first_name":"Ida"}`, []string{"contact.updated contact/1"}},
	{"DELETE /v5/contacts/1", "", []string{"contact.deleted contact/1"}},

	{"POST /v5/organizations", `{"name":"Acme Insurance"}`, []string{"organization.created organization/1"}},
	{"PATCH /v5/organizations/1", `{"type":"Insurer"}`, []string{"organization.updated organization/1"}},
	{"PUT /v5/organizations/1", `{"name":"Acme"}`, []string{"organization.updated organization/1"}},
	{"DELETE /v5/organizations/1", "", []string{"organization.deleted organization/1"}},

	{"POST /v5/relationship-activities", `{"type":"Lunch"}`, []string{"relationship.activity.created relationship.activity/1"}},
	{"PATCH /v5/relationship-activities/1", `{"notes":"went well"}`, []string{"relationship.activity.updated relationship.activity/1"}},
	{"PUT /v5/relationship-activities/1", `{"type":"Call"}`, []string{"relationship.activity.updated relationship.activity/1"}},
	{"DELETE /v5/relationship-activities/1", "", []string{"relationship.activity.deleted relationship.activity/1"}},

	{"POST /v5/schedule-events", `{"title":"Inspection"}`, []string{"schedule.event.created schedule.event/1"}},
	{"PATCH /v5/schedule-events/1", `{"title":"First inspection"}`, nil}, // not documented
	{"DELETE /v5/schedule-events/1", "", nil},                            // not documented

	{"POST /v5/projects/1/payments", `{"amount":500}`, []string{"project.payments.created project.payments/1"}},
	{"PATCH /v5/projects/1/payments/1", `{"date":"2026-03-03"}`, []string{"project.payments.update project.payments/1"}},
	{"PUT /v5/projects/1/payments/1", `{"amount":90}`, []string{"project.payments.update project.payments/1"}},
	{"PATCH /v5/projects/1/payments/1", `{"void":true}`, nil}, // only void voids
	{"POST /v5/projects/1/payments/1/void", "", []string{"project.payments.void project.payments/1"}},
	{"DELETE /v5/projects/1/payments/1", "", []string{"project.payments.deleted project.payments/1"}},

	{"POST /v5/projects/1/expenses", `{"amount":80}`, []string{"project.expenses.created project.expenses/1"}},
	{"PATCH /v5/projects/1/expenses/1", `{"memo":"Fans"}`, []string{"project.expenses.update project.expenses/1"}},
	{"PUT /v5/projects/1/expenses/1", `{"amount":90}`, []string{"project.expenses.update project.expenses/1"}},
	{"PATCH /v5/projects/1/expenses/1", `{"void":true}`, nil}, // only void voids
	{"POST /v5/projects/1/expenses/1/void", "", []string{"project.expenses.void project.expenses/1"}},
	{"DELETE /v5/projects/1/expenses/1", "", []string{"project.expenses.deleted project.expenses/1"}},

	{"DELETE /v5/projects/1", "", []string{"project.deleted project/1"}},
}

// documented are the scopes of the document, in its order.
var documented = strings.Fields(`
	project.created project.updated project.deleted project.date.updated project.linked project.financialkpi project.status.updated
	task.created task.updated task.deleted task.in-progress task.completed
	contact.created contact.updated contact.deleted
	organization.created organization.updated organization.deleted
	relationship.activity.created relationship.activity.updated relationship.activity.deleted
	schedule.event.created
	project.payments.created project.payments.update project.payments.deleted project.payments.void
	project.expenses.created project.expenses.update project.expenses.deleted project.expenses.void`)

// Each scope is fired by the calls that a user would make for it, and by no
// other.
func TestEachScopeIsFiredByItsCallAndOnlyByIt(t *testing.T) {
	s := exampletest.Start(t, albi.New(nil))
	fired := map[string]bool{}
	for _, step := range day {
		method, path, _ := strings.Cut(step.call, " ")
		var got []string
		for _, w := range s.Play(method, path, step.body) {
			var body struct {
				Entity, Scope string
				EntityId      json.Number
			}
			if err := json.Unmarshal([]byte(w.Body), &body); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			fired[body.Scope] = true
			got = append(got, body.Scope+" "+body.Entity+"/"+body.EntityId.String())
		}
		if diff := cmp.Diff(step.fires, got); diff != "" {
			t.Errorf("%s %s (-want +fired):\n%s", step.call, step.body, diff)
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(documented)), slices.Sorted(maps.Keys(fired))); diff != "" {
		t.Errorf("scopes (-documented +fired):\n%s", diff)
	}
}

// The body is a POST of JSON with these three members and no other.
func TestTheBodyIsAsDocumented(t *testing.T) {
	s := exampletest.Start(t, albi.New(nil))
	got := s.Play("POST", "/v5/projects", `{"name":"Water damage, Elm St"}`)
	if len(got) != 1 || got[0].Method != "POST" || got[0].Header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %v, want one POST of JSON", got)
	}
	exampletest.Same(t, exampletest.Sample(t, "payload.json"), got[0].Body)
}

// A webhook gets the events that match its scopes, and no others.
func TestAWebhookGetsItsScopesOnly(t *testing.T) {
	s := exampletest.Start(t, albi.New(nil))
	status, answer := s.Manage("POST", "/subscriptions", `{"url":"`+s.Receiver("finance")+`","allow_private":true,
		"scopes":["project.status.updated","project.payments.*"],"payload":"albi","sign":{"scheme":"none"}}`)
	if status != 201 {
		t.Fatalf("%d: %s", status, answer)
	}
	var got, want []string
	for _, step := range day {
		for _, fired := range step.fires {
			if scope, _, _ := strings.Cut(fired, " "); scope == "project.status.updated" || strings.HasPrefix(scope, "project.payments.") {
				want = append(want, scope)
			}
		}
		method, path, _ := strings.Cut(step.call, " ")
		for _, w := range s.Play(method, path, step.body) {
			if w.Subscription == "finance" {
				got = append(got, w.Field("Scope"))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scopes (-want +sent):\n%s", diff)
	}
}

// What the API refuses fires nothing.
func TestRefusedCallsFireNothing(t *testing.T) {
	s := exampletest.Start(t, albi.New(nil))
	s.Play("POST", "/v5/projects", `{"name":"Water damage, Elm St"}`)
	s.Play("POST", "/v5/projects/1/payments", `{"amount":500}`)
	s.Play("POST", "/v5/projects/1/payments/1/void", "")
	s.Play("POST", "/v5/projects", `{"name":"Mold, Elm St"}`)
	s.Play("POST", "/v5/projects/1/links", `{"project_id":2}`)
	for _, c := range []struct{ call, body string }{
		{"POST /v5/projects/1/payments/1/void", ""}, {"POST /v5/projects/1/links", ""}, {"POST /v5/projects/1/links", `{"project_id":2}`},
		{"PATCH /v5/projects/1", `{"start":"2026-03-02"}`}, {"DELETE /v5/tasks/9", ""},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		status, _ := s.Call(method, path, c.body)
		if got := s.Told(); status < 400 || len(got) > 0 {
			t.Errorf("%s %s: answered %d, fired %v; want a refusal and nothing", c.call, c.body, status, got)
		}
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, append(documented, "Entity", "EntityId", "Scope")...)
}
