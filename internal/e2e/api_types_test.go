package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/examples/crud"
)

// scopesOf returns the scopes of a list of event types.
func scopesOf(list []map[string]any) (scopes []string) {
	for _, t := range list {
		scopes = append(scopes, t["scope"].(string))
	}
	return scopes
}

// fits reports what is wrong with data by the schema of an event type.
func fits(t *testing.T, eventType answer, data []byte) error {
	t.Helper()
	text, err := json.Marshal(eventType.fields["schema"])
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Schema != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("the schema is %q", schema.Schema)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return resolved.Validate(v)
}

// echoAPI creates what it is sent, with an id.
func echoAPI(t *testing.T) *httptest.Server {
	t.Helper()
	var last atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doc := map[string]any{}
		if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
			t.Error(err)
		}
		doc["id"] = last.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(doc)
	}))
	t.Cleanup(api.Close)
	return api
}

// What there is to subscribe to is told with what it looks like, learned from the
// traffic, without anybody's values and without the fields that only others have.
func TestEventTypes(t *testing.T) {
	api := echoAPI(t)
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann, bob := p.user("ann", "acme"), p.user("bob", "other")
	all := ann.do("GET", "/event_types", "").want(200).data()
	want := []string{"project.created", "project.deleted", "project.gap", "project.updated",
		"sidehook.subscription.disabled", "sidehook.subscription.failing", "sidehook.test"}
	if got := scopesOf(all); !slices.Equal(got, want) {
		t.Fatalf("there are %v, want %v", got, want)
	}
	if all[0]["description"] != "A project was created." || all[0]["learned"] != false || all[2]["learned"] != true {
		t.Errorf("before any event: %v", all[0])
	}
	var paged []string
	for path := "/event_types?limit=2"; path != ""; {
		page := ann.do("GET", path, "").want(200)
		paged = append(paged, scopesOf(page.data())...)
		if path = ""; page.text("next") != "" {
			path = "/event_types?limit=2&cursor=" + page.text("next")
		}
	}
	if !slices.Equal(paged, want) {
		t.Errorf("by pages there are %v", paged)
	}
	if got := scopesOf(ann.do("GET", "/event_types?scope=*.created&scope=project.gap&resource=project", "").want(200).data()); !slices.Equal(got, []string{"project.created", "project.gap"}) {
		t.Errorf("some are %v", got)
	}

	ann.do("POST", "/subscriptions", subscription(r, "")).want(201)
	p.call("POST", "/api/projects", `{"name":"Roof of the palace","budget":12.5,"secret_plan":{"buy":"Umbrella Corp"}}`, "X-Space", "acme")
	data := r.wait(1)[0].Body.Data
	created := func(u user) answer { return u.do("GET", "/event_types/project.created", "").want(200) }
	until(t, "it is learned", func() bool { return created(ann).fields["learned"] == true })
	if err := fits(t, created(ann), data); err != nil {
		t.Errorf("what was sent does not fit: %v", err)
	}
	if err := fits(t, created(ann), []byte(`{"id":1}`)); err == nil {
		t.Error("anything fits")
	}
	if got := created(bob); strings.Contains(got.raw, "secret_plan") || got.fields["learned"] != false {
		t.Errorf("another tenant is told %s", got.raw)
	}
	p.call("POST", "/api/projects", `{"name":"Hall","budget":1}`, "X-Space", "other")
	until(t, "it is learned", func() bool { return strings.Contains(created(bob).raw, "budget") })
	if got := created(bob).raw; strings.Contains(got, "secret_plan") || strings.Contains(got, "Hall") {
		t.Errorf("another tenant is told %s", got)
	}
	for _, raw := range []string{created(ann).raw, p.operate("GET", "/event_types/project.created", "").want(200).raw} {
		if !strings.Contains(raw, "secret_plan") || strings.Contains(raw, "palace") || strings.Contains(raw, "Umbrella") {
			t.Errorf("the one who had it, and the operator, are told %s", raw)
		}
	}
	for _, scope := range want[4:6] {
		own := ann.do("GET", "/event_types/"+scope, "").want(200)
		example := own.fields["example"].(map[string]any)
		data, err := json.Marshal(example["data"])
		if err == nil {
			err = fits(t, own, data)
		}
		if err != nil || example["type"] != scope || own.fields["learned"] != true {
			t.Errorf("%s: %v: %s", scope, err, own.raw)
		}
		if err := fits(t, own, []byte(`{"id":"x"}`)); err == nil {
			t.Errorf("%s: anything fits", scope)
		}
		ann.do("POST", "/subscriptions", strings.Replace(subscription(r, ""), "project.**", scope, 1)).want(201)
	}
	ann.do("GET", "/event_types/projct.created", "").want(404)
	ann.do("GET", "/event_types?scop=x", "").want(400)

	before := created(ann).raw
	p.stop()
	p.start()
	if got := created(ann).raw; got != before {
		t.Errorf("after a restart it is %s, and was %s", got, before)
	}
}

// A test sends an example of the type that is wanted, once however often the call
// is repeated.
func TestSendingAnExampleOfAnEventType(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	r.wait(1)
	eventType := func() answer { return ann.do("GET", "/event_types/project.created", "").want(200) }
	until(t, "it is learned", func() bool { return eventType().fields["learned"] == true })
	test := "/subscriptions/" + id + "/test"
	first := ann.do("POST", test, `{"event_type": "project.created"}`, "Idempotency-Key", "one").want(202)
	got := r.wait(2)[1]
	if got.Body.Type != "project.created" || got.ID != first.text("event") || got.Body.Entity.ID != "example" || got.Body.Entity.Type != "project" {
		t.Errorf("it got %s", got.Raw)
	}
	if err := fits(t, eventType(), got.Body.Data); err != nil || strings.Contains(got.Raw, "Roof") {
		t.Errorf("what was sent does not fit: %v: %s", err, got.Raw)
	}
	again := ann.do("POST", test, `{"event_type": "project.created"}`, "Idempotency-Key", "one").want(202)
	if again.raw != first.raw || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat: %s, not %s", again.raw, first.raw)
	}
	ann.do("POST", test, `{"event_type": "project.updated"}`, "Idempotency-Key", "one").want(422)
	ann.do("POST", test, `{"event_type": "projct.updated"}`).want(422)
	ann.do("POST", test, `{"event": "project.updated"}`).want(422)
	ann.do("POST", test, "").want(202)
	if got := r.wait(3)[2]; got.Body.Type != "sidehook.test" || string(got.Body.Data) != fmt.Sprintf(`{"example":true,"subscription":%q}`, id) {
		t.Errorf("without a type it got %s", got.Raw)
	}
	until(t, "all is settled", p.settled)
	if n := len(r.all()); n != 3 {
		t.Errorf("%d webhooks came, want 3", n)
	}
	chunks := ann.do("POST", "/subscriptions", subscription(r, `, "for": {"project": {"chunk": {"size": 10}}}`)).want(201).text("id")
	ann.do("POST", "/subscriptions/"+chunks+"/test", `{"event_type": "project.created"}`).want(202)
	if got := r.wait(4)[3]; !strings.Contains(got.Raw, `"chunk":{"number":0,"events":1}`) {
		t.Errorf("an example is not what the subscription is for its resource: %s", got.Raw)
	}
}

// What a path names is a part of the scope; such types are told as they are
// declared.
func TestEventTypesWithParameters(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, strings.Replace(withAPI("", perSpace, api.URL), "resource project /api/projects", "resource {collection} /api/{collection}", 1))
	ann := p.user("ann", "acme")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	read := func(scope string) answer { return ann.do("GET", "/event_types/"+scope, "").want(200) }
	until(t, "it is learned", func() bool { return read("projects.created").fields["learned"] == true })
	got := read("%7Bcollection%7D.created")
	if got.text("scope") != "{collection}.created" || !strings.Contains(got.raw, `"parameters":["collection"]`) || !strings.Contains(got.raw, `"type":"collection.created"`) {
		t.Errorf("it is told as %s", got.raw)
	}
	if list := scopesOf(ann.do("GET", "/event_types?scope=*.created", "").want(200).data()); !slices.Equal(list, []string{"{collection}.created"}) {
		t.Errorf("there are %v", list)
	}
}

// Tests of one subscription that come too fast are refused, without an event, and
// those of another are not; a repeat of one that was sent is answered as before, and
// who waits as long as the answer says may go on.
func TestTestsOfASubscriptionArePaced(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r, other := receive(t, nil), receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	path := "/subscriptions/" + ann.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id") + "/test"
	theirs := "/subscriptions/" + ann.do("POST", "/subscriptions", subscription(other, "")).want(201).text("id") + "/test"
	first := ann.do("POST", path, "", "Idempotency-Key", "one").want(202)
	sent := 1
	var refused answer
	until(t, "one is refused", func() bool {
		refused = ann.do("POST", path, "")
		if refused.status == 202 {
			sent++
		}
		return refused.status != 202
	})
	refused.want(429)
	if got := refused.header.Get("Retry-After"); got != "1" || refused.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(refused.text("detail"), "try again in 1s") {
		t.Errorf("Retry-After %q, %s", got, refused.raw)
	}
	if again := ann.do("POST", path, "", "Idempotency-Key", "one").want(202); again.raw != first.raw {
		t.Errorf("a repeat: %s, not %s", again.raw, first.raw)
	}
	ann.do("POST", theirs, "").want(202)
	until(t, "another one may be sent", func() bool { return ann.do("POST", path, "").status == 202 })
	sent++
	until(t, "all is settled", p.settled)
	if n := len(r.distinct(sent)); n != sent || sent < 6 {
		t.Errorf("%d webhooks came, and %d tests were accepted", n, sent)
	}
	if n := len(p.operate("GET", "/events?scope=sidehook.test", "").want(200).data()); n != sent+1 {
		t.Errorf("%d events, want %d", n, sent+1)
	}
}

// A caller of many subscriptions, made anew even, does not flood the one receiver that
// they all lead to: tests and retries are paced for the caller as a whole. Others, and
// the operator, go on.
func TestACallerDoesNotFloodByManySubscriptions(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann, bob := p.user("ann", "acme"), p.user("bob", "acme")
	start := time.Now()
	asked, refused := 0, 0
	var last answer
	for range 40 {
		path := "/subscriptions/" + ann.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
		if last = ann.do("POST", path+"/test", ""); last.status == 202 {
			asked++
		} else if refused++; last.want(429).header.Get("Retry-After") == "" {
			t.Errorf("%v %s", last.header, last.raw)
		}
		ann.do("DELETE", path, "").want(204)
	}
	if most := 20 + int(time.Since(start)/(500*time.Millisecond)) + 1; asked > most || asked < 20 {
		t.Errorf("%d tests were sent within %v, and %d refused", asked, time.Since(start), refused)
	}
	theirs := "/subscriptions/" + bob.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
	bob.do("POST", theirs+"/test", "").want(202)
	var done []map[string]any
	until(t, "it is delivered", func() bool {
		done = bob.do("GET", "/deliveries?state=delivered", "").want(200).data()
		return len(done) == 1
	})
	again := "/deliveries/" + done[0]["id"].(string) + "/retry"
	until(t, "a retry is refused", func() bool { return bob.do("POST", again, "").status == 429 })
	until(t, "the operator retries", func() bool { return p.operate("POST", again, "").status == 200 })
}
