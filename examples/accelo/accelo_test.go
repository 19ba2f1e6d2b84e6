package accelo_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/accelo"
	"github.com/sidehook/sidehook/examples/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

const subscriptions = "/api/v0/webhooks/subscriptions"

// as is the header of a call of somebody.
func as(who string) []string { return []string{"Authorization", "Bearer " + who + "-token"} }

func start(t *testing.T) *exampletest.Stage {
	return exampletest.Start(t, accelo.New(nil), "SIDEHOOK_KEY=a key of at least twenty-four bytes")
}

// subscribe makes who's subscription to an event, and returns its id.
func subscribe(t *testing.T, s *exampletest.Stage, who, event, to string) string {
	t.Helper()
	status, raw := s.Call("POST", subscriptions, `{"trigger_url":"`+s.Receiver(to)+`","event_id":"`+event+`"}`, as(who)...)
	var got struct {
		Response struct {
			Subscription struct {
				ID string `json:"subscription_id"`
			}
		}
	}
	if err := json.Unmarshal([]byte(raw), &got); err != nil || status != 201 {
		t.Fatalf("subscribe: %d %v %s", status, err, raw)
	}
	return got.Response.Subscription.ID
}

// play makes a call of the API as who and returns what each receiver got: its
// name and the form of the body.
func play(s *exampletest.Stage, who, method, path, body string) []string {
	return exampletest.Names(s.Play(method, path, body, as(who)...), func(w exampletest.Webhook) string {
		return w.Subscription + " " + w.Body
	})
}

// The types are the document's, in its envelope.
func TestTypesAreAsDocumented(t *testing.T) {
	s := start(t)
	status, raw := s.Call("GET", subscriptions+"/types.json", "", as("alice")...)
	if status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	exampletest.SameSet(t, "response.types", exampletest.Sample(t, "types.json"), raw)
}

// A subscription is made with a body of JSON, as documented, and answered in the
// document's envelope.
func TestCreateAnswersAsDocumented(t *testing.T) {
	s := start(t)
	status, raw := s.Call("POST", subscriptions, `{"trigger_url": "https://google.com/asda/asd", "event_id": "assign_task"}`, as("support")...)
	if status != 201 {
		t.Fatalf("%d %s", status, raw)
	}
	exampletest.Same(t, exampletest.Sample(t, "created.json"), raw, "response.subscription.subscription_id", "response.subscription.trigger_url")
}

// The same calls are in .json, .xml and .yml, and a form makes a subscription too.
func TestFormats(t *testing.T) {
	s := start(t)
	form := url.Values{"trigger_url": {s.Receiver("form")}, "event_id": {"create_quote"}}.Encode()
	status, raw := s.Call("POST", subscriptions+".xml", form, append(as("alice"), "Content-Type", "application/x-www-form-urlencoded")...)
	if status != 201 || !strings.Contains(raw, "<meta>") || !strings.Contains(raw, "<event_id>create_quote</event_id>") {
		t.Errorf("%d %s", status, raw)
	}
	if status, raw := s.Call("GET", subscriptions+".yml", "", as("alice")...); status != 200 || !strings.Contains(raw, "event_id: create_quote") {
		t.Errorf("%d %s", status, raw)
	}
}

// Each event is fired by the calls that a user would make for it, and by no other.
func TestEachEventIsFiredByItsCallAndOnlyByIt(t *testing.T) {
	s := start(t)
	for _, event := range []string{"assign_task", "unassign_task", "create_quote", "create_request", "update_request_status"} {
		subscribe(t, s, "alice", event, event)
	}
	for _, step := range []struct {
		call, body string
		fires      []string
	}{
		{"POST /api/v0/tasks", `{"title":"Plan"}`, []string{}},
		{"PATCH /api/v0/tasks/1", `{"title":"Plan it"}`, []string{}},
		{"PATCH /api/v0/tasks/1", `{"assignee_id":3}`, []string{"assign_task event_id=assign_task&trigger_table=task&object_id=1"}},
		{"PATCH /api/v0/tasks/1", `{"assignee_id":3}`, []string{}},
		{"PATCH /api/v0/tasks/1", `{"assignee_id":null}`, []string{"unassign_task event_id=unassign_task&trigger_table=task&object_id=1"}},
		{"DELETE /api/v0/tasks/1", "", []string{}},
		{"POST /api/v0/quotes", `{"title":"Roof"}`, []string{"create_quote event_id=create_quote&trigger_table=quote&object_id=1"}},
		{"PATCH /api/v0/quotes/1", `{"total":100}`, []string{}},
		{"POST /api/v0/requests", `{"title":"Leak"}`, []string{"create_request event_id=create_request&trigger_table=request&object_id=1"}},
		{"PATCH /api/v0/requests/1", `{"title":"A leak"}`, []string{}},
		{"PATCH /api/v0/requests/1", `{"status":"closed"}`, []string{"update_request_status event_id=update_request_status&trigger_table=request&object_id=1"}},
	} {
		method, path, _ := strings.Cut(step.call, " ")
		if diff := cmp.Diff(step.fires, play(s, "alice", method, path, step.body)); diff != "" {
			t.Errorf("%s %s (-want +fired):\n%s", step.call, step.body, diff)
		}
	}
}

// A webhook is a POST of a form.
func TestABodyIsAForm(t *testing.T) {
	s := start(t)
	subscribe(t, s, "alice", "create_quote", "alice")
	got := s.Play("POST", "/api/v0/quotes", `{"title":"Roof"}`, as("alice")...)
	if len(got) != 1 || got[0].Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("got %v", got)
	}
}

// "If Alice registers to receive notifications whenever a task assignee changes.
// She will not receive notifications for any tasks she cannot view".
func TestNobodyHearsOfWhatHeCannotView(t *testing.T) {
	s := start(t)
	subscribe(t, s, "alice", "create_quote", "alice")
	subscribe(t, s, "support", "create_quote", "support")
	if got := play(s, "support", "POST", "/api/v0/quotes", `{"title":"Raise","private":true}`); len(got) != 1 || !strings.HasPrefix(got[0], "support ") {
		t.Errorf("of a private one heard %v", got)
	}
	if got := play(s, "support", "POST", "/api/v0/quotes", `{"title":"Roof"}`); len(got) != 2 {
		t.Errorf("of a public one heard %v", got)
	}
}

// "Only pro users and up can utilise webhooks": others may register them.
func TestOnlyProUsersSubscriptionsFire(t *testing.T) {
	s := start(t)
	subscribe(t, s, "bob", "create_quote", "bob")
	subscribe(t, s, "alice", "create_quote", "alice")
	if got := play(s, "bob", "POST", "/api/v0/quotes", `{"title":"Roof"}`); len(got) != 1 || !strings.HasPrefix(got[0], "alice ") {
		t.Errorf("heard %v", got)
	}
}

// Each sees and deletes its own.
func TestListAndDelete(t *testing.T) {
	s := start(t)
	id := subscribe(t, s, "alice", "create_quote", "alice")
	if status, raw := s.Call("DELETE", subscriptions+"/"+id, "", as("bob")...); status != 404 || !strings.Contains(raw, `"status":"not_found"`) {
		t.Errorf("bob deletes: %d %s", status, raw)
	}
	if _, raw := s.Call("GET", subscriptions, "", as("alice")...); !strings.Contains(raw, id) {
		t.Errorf("alice lists %s", raw)
	}
	if status, raw := s.Call("DELETE", subscriptions+"/"+id, "", as("alice")...); status != 200 {
		t.Errorf("alice deletes: %d %s", status, raw)
	}
	if got := play(s, "alice", "POST", "/api/v0/quotes", `{"title":"Roof"}`); len(got) != 0 {
		t.Errorf("still came %v", got)
	}
}

// Errors come in the product's envelope too.
func TestErrorsAreInTheEnvelope(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		who, body string
		status    int
		want      string
	}{
		{"alice", `{"trigger_url": "https://your-domain.com/callback", "event_id": "assign_tasks"}`, 422, `"message":"no rule earns assign_tasks: did you mean assign_task?"`},
		{"alice", `{"event_id": "assign_task"}`, 422, `"status":"unprocessable_entity"`},
		{"nobody", `{}`, 401, ``},
	} {
		status, raw := s.Call("POST", subscriptions, c.body, as(c.who)...)
		if status != c.status || !strings.Contains(raw, c.want) {
			t.Errorf("%s %s: %d %s", c.who, c.body, status, raw)
		}
	}
}

// "If your trigger url takes more than 10 seconds to respond to webhook delivery,
// we will cancel the request. If this occurs too many times, we will delete your
// webhook subscription automatically."
func TestTimeoutsDelete(t *testing.T) {
	s := start(t)
	subscribe(t, s, "alice", "create_quote", "alice")
	status, raw := s.Manage("GET", "/subscriptions", "")
	var got struct {
		Data []struct {
			Timeout     string
			DeleteAfter int `json:"delete_after"`
		}
	}
	if err := json.Unmarshal([]byte(raw), &got); err != nil || status != 200 || len(got.Data) != 1 || got.Data[0].Timeout != "10s" || got.Data[0].DeleteAfter != 20 {
		t.Errorf("%d %v %s", status, err, raw)
	}
}

// Every row of the document is in the README.
func TestReadme(t *testing.T) {
	exampletest.Readme(t, "assign_task", "unassign_task", "create_quote", "create_request", "update_request_status",
		"trigger_url", "event_id", "content_type", "10 second", "delete your webhook", "pro users", "view access", "subscriptions/types", "meta")
}
