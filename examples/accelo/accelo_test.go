package accelo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

// Each call is in .json, .xml and .yml, and what is sent may be a form.
func TestFormats(t *testing.T) {
	s := start(t)
	form := url.Values{"trigger_url": {s.Receiver("form")}, "event_id": {"create_quote"}}.Encode()
	document := `{"trigger_url":"` + s.Receiver("json") + `","event_id":"create_quote"}`
	for extension, c := range map[string]struct{ ok, event, title string }{
		".json": {`"meta":{"message":"Everything executed as expected."`, `"event_id":"create_quote"`, `"event_title":"Quote created"`},
		".xml":  {`<meta><message>Everything executed as expected.</message>`, `<event_id>create_quote</event_id>`, `<event_title>Quote created</event_title>`},
		".yml":  {"meta:\n    message: Everything executed as expected.", "event_id: create_quote", "event_title: Quote created"},
	} {
		want := func(what string, status, wantStatus int, raw string, parts ...string) {
			t.Helper()
			for _, part := range parts {
				if status != wantStatus || !strings.Contains(raw, part) {
					t.Errorf("%s%s: %d %s; want %d and %s in it", what, extension, status, raw, wantStatus, part)
				}
			}
		}
		status, raw := s.Call("GET", subscriptions+"/types"+extension, "", as("alice")...)
		want("types", status, 200, raw, c.ok, c.event, c.title)
		for kind, body := range map[string]string{"application/x-www-form-urlencoded": form, "application/json": document} {
			status, raw := s.Call("POST", subscriptions+extension, body, append(as("alice"), "Content-Type", kind)...)
			want("create", status, 201, raw, c.event, "ok_created")
		}
		status, raw = s.Call("GET", subscriptions+extension, "", as("alice")...)
		want("list", status, 200, raw, c.ok, c.event)
		id := subscribe(t, s, "alice", "create_quote", "alice")
		status, raw = s.Call("DELETE", subscriptions+"/"+id+extension, "", as("alice")...)
		want("delete", status, 200, raw, c.ok)
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
		{"PATCH /api/v0/tasks/1", `{"assignee_id":4}`, []string{"assign_task event_id=assign_task&trigger_table=task&object_id=1",
			"unassign_task event_id=unassign_task&trigger_table=task&object_id=1"}},
		{"PATCH /api/v0/tasks/1", `{"assignee_id":null}`, []string{"unassign_task event_id=unassign_task&trigger_table=task&object_id=1"}},
		{"POST /api/v0/tasks", `{"title":"Build","assignee_id":3}`, []string{}}, // made so: nobody was assigned by an update
		{"PUT /api/v0/tasks/2", `{"title":"Build","assignee_id":4}`, []string{"assign_task event_id=assign_task&trigger_table=task&object_id=2",
			"unassign_task event_id=unassign_task&trigger_table=task&object_id=2"}}, // from one to another
		{"DELETE /api/v0/tasks/2", "", []string{}},
		{"DELETE /api/v0/tasks/1", "", []string{}},
		{"POST /api/v0/quotes", `{"title":"Roof"}`, []string{"create_quote event_id=create_quote&trigger_table=quote&object_id=1"}},
		{"PATCH /api/v0/quotes/1", `{"total":100}`, []string{}},
		{"POST /api/v0/requests", `{"title":"Leak"}`, []string{"create_request event_id=create_request&trigger_table=request&object_id=1"}},
		{"PATCH /api/v0/requests/1", `{"title":"A leak"}`, []string{}},
		{"PATCH /api/v0/requests/1", `{"status":"open"}`, []string{}},
		{"PATCH /api/v0/requests/1", `{"status":"closed"}`, []string{"update_request_status event_id=update_request_status&trigger_table=request&object_id=1"}},
	} {
		method, path, _ := strings.Cut(step.call, " ")
		got := play(s, "alice", method, path, step.body)
		slices.Sort(got) // each event has a receiver of its own
		if diff := cmp.Diff(step.fires, got); diff != "" {
			t.Errorf("%s %s (-want +fired):\n%s", step.call, step.body, diff)
		}
	}
}

// A webhook is a POST of a form.
func TestABodyIsAForm(t *testing.T) {
	s := start(t)
	subscribe(t, s, "alice", "create_quote", "alice")
	got := s.Play("POST", "/api/v0/quotes", `{"title":"Roof"}`, as("alice")...)
	if len(got) != 1 || got[0].Method != "POST" || got[0].Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("got %v", got)
	}
	if _, signed := got[0].Header["Webhook-Signature"]; signed {
		t.Errorf("it is signed, and no document says so: %v", got[0].Header)
	}
}

// JSON comes to whoever asks for it when he subscribes, and the answer says so.
func TestABodyIsJSONIfAsked(t *testing.T) {
	s := start(t)
	status, raw := s.Call("POST", subscriptions, `{"trigger_url":"`+s.Receiver("alice")+`","event_id":"create_quote","content_type":"application/json"}`, as("alice")...)
	if status != 201 || !strings.Contains(raw, `"content_type":"application/json"`) {
		t.Fatalf("%d %s", status, raw)
	}
	got := s.Play("POST", "/api/v0/quotes", `{"title":"Roof"}`, as("alice")...)
	if len(got) != 1 || got[0].Header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %v", got)
	}
	exampletest.Same(t, `{"event_id":"create_quote","trigger_table":"quote","object_id":1}`, got[0].Body)
}

// "If Alice registers to receive notifications whenever a task assignee changes.
// She will not receive notifications for any tasks she cannot view".
func TestNobodyHearsOfWhatHeCannotView(t *testing.T) {
	s := start(t)
	subscribe(t, s, "alice", "assign_task", "alice")
	subscribe(t, s, "support", "assign_task", "support")
	s.Play("POST", "/api/v0/tasks", `{"title":"Raise","private":true}`, as("support")...)
	s.Play("POST", "/api/v0/tasks", `{"title":"Roof"}`, as("support")...)
	if got := play(s, "support", "PATCH", "/api/v0/tasks/1", `{"assignee_id":1}`); len(got) != 1 || !strings.HasPrefix(got[0], "support ") {
		t.Errorf("of a private one heard %v", got)
	}
	if got := play(s, "support", "PATCH", "/api/v0/tasks/2", `{"assignee_id":1}`); len(got) != 2 {
		t.Errorf("of a public one heard %v", got)
	}
}

// "Only pro users and up can utilise webhooks": others may register them.
func TestOnlyProUsersSubscriptionsFire(t *testing.T) {
	s := start(t)
	for _, who := range []string{"alice", "bob", "carol"} {
		subscribe(t, s, who, "create_quote", who)
	}
	got := play(s, "bob", "POST", "/api/v0/quotes", `{"title":"Roof"}`)
	slices.Sort(got)
	if len(got) != 2 || !strings.HasPrefix(got[0], "alice ") || !strings.HasPrefix(got[1], "carol ") {
		t.Errorf("heard %v", got)
	}
}

// "We do not limit the amount of webhooks per deployment or user".
func TestAUserMayHaveManyWebhooks(t *testing.T) {
	s := start(t)
	for range 150 {
		subscribe(t, s, "alice", "create_quote", "alice")
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
		{"alice", `{"event_id": "assign_task"}`, 422, `"more_info":"https://affinitylive.jira.com/wiki/display/APIS/Status+Codes#unprocessable_entity"`},
		{"alice", `{"event_id": "assign_task"}`, 422, `"message":"trigger_url is missing`},
		{"alice", `{"trigger_url": "https://your-domain.com/callback"}`, 422, `"message":"event_id is missing`},
		{"alice", `{"trigger_url": "https://your-domain.com/callback", "event_id": 7}`, 422, `"message":"event_id: this is a number: write a text"`},
		{"alice", `{"trigger_url": "https://your-domain.com/callback", "event_id": "*"}`, 422, `"message":"event_id is one of those that subscriptions/types lists"`},
		{"alice", `{"trigger_url": "https://your-domain.com/callback", "event_id": "assign_task", "content_type": "text/csv"}`, 422,
			`"message":"content_type is application/x-www-form-urlencoded or application/json"`},
		{"alice", ``, 422, `"message":"event_id is missing; trigger_url is missing`},
		{"nobody", `{}`, 401, `{"meta":{"message":"who are you?","more_info":"https://affinitylive.jira.com/wiki/display/APIS/Status+Codes#unauthorized","status":"unauthorized"},"response":null}`},
	} {
		status, raw := s.Call("POST", subscriptions, c.body, as(c.who)...)
		envelope := strings.HasSuffix(strings.TrimSpace(raw), `},"response":null}`)
		if status != c.status || !strings.Contains(raw, c.want) || !envelope {
			t.Errorf("%s %s: %d %s", c.who, c.body, status, raw)
		}
	}
}

// "If your trigger url takes more than 10 seconds to respond to webhook delivery,
// we will cancel the request. If this occurs too many times, we will delete your
// webhook subscription automatically."
func TestTimeoutsDelete(t *testing.T) {
	s := start(t)
	cancelled := make(chan bool, 10)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		cancelled <- true
	}))
	defer slow.Close()
	if status, raw := s.Call("POST", subscriptions, `{"trigger_url":"`+slow.URL+`","event_id":"create_quote"}`, as("alice")...); status != 201 {
		t.Fatalf("%d %s", status, raw)
	}
	status, raw := s.Manage("GET", "/subscriptions", "")
	var got struct {
		Data []struct {
			ID          string
			DeleteAfter int `json:"delete_after"`
		}
	}
	if err := json.Unmarshal([]byte(raw), &got); err != nil || status != 200 || len(got.Data) != 1 || got.Data[0].DeleteAfter != 20 {
		t.Fatalf("%d %v %s", status, err, raw)
	}
	// Two are too many from now on: the test need not wait for twenty.
	if status, raw := s.Manage("PATCH", "/subscriptions/"+got.Data[0].ID, `{"delete_after":2}`); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	for range 2 {
		if status, raw := s.Call("POST", "/api/v0/quotes", `{"title":"Roof"}`, as("alice")...); status != 201 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	s.Until("both are cancelled", func() bool { return len(cancelled) == 2 })
	_, raw = s.Manage("GET", "/deliveries", "")
	if err := json.Unmarshal([]byte(raw), &got); err != nil || len(got.Data) != 2 {
		t.Fatalf("%v %s", err, raw)
	}
	for _, d := range got.Data {
		s.Until("its attempt is kept", func() bool {
			_, raw := s.Manage("GET", "/deliveries/"+d.ID+"/attempts", "")
			var attempts struct {
				Data []struct{ Milliseconds float64 }
			}
			if err := json.Unmarshal([]byte(raw), &attempts); err != nil {
				t.Fatalf("%v %s", err, raw)
			}
			if len(attempts.Data) == 0 {
				return false
			}
			if took := attempts.Data[0].Milliseconds; took < 10_000 || took > 20_000 {
				t.Errorf("cancelled after %v ms, want 10 s", took)
			}
			return true
		})
	}
	s.Until("the subscription is deleted", func() bool {
		_, raw := s.Call("GET", subscriptions, "", as("alice")...)
		return strings.Contains(raw, `"subscriptions":[]`)
	})
}

// Every row of the document is in the README.
func TestReadme(t *testing.T) {
	exampletest.Readme(t, "assign_task", "unassign_task", "create_quote", "create_request", "update_request_status",
		"trigger_url", "event_id", "content_type", "10 second", "delete your webhook", "pro users", "view access", "subscriptions/types", "meta", "do not limit", "listing", "POST …/subscriptions", "automatically", "an error")
}
