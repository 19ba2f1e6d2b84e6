package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/sidehook/sidehook/examples/crud"
)

// cloudEventsOf returns the events that the SDK reads from a request.
func cloudEventsOf(t *testing.T, r request) []cloudevents.Event {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://crm.example.com/", bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.header
	if cehttp.IsHTTPBatch(req.Header) {
		events, err := cehttp.NewEventsFromHTTPRequest(req)
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	e, err := cehttp.NewEventFromHTTPRequest(req)
	if err != nil {
		t.Fatalf("%v: %v: %s", err, r.header, r.body)
	}
	return []cloudevents.Event{*e}
}

// In structured mode, in binary mode and as a batch, what arrives is CloudEvents
// to those who know nothing of us.
func TestCloudEventsArrive(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	text, got := "", map[string]<-chan request{}
	for name, lines := range map[string]string{
		"structured": "payload cloudevents", "binary": "payload cloudevents_binary", "batch": "payload cloudevents\n\t\t\tchunk 10",
	} {
		url, c := requests(t)
		got[name] = c
		text += fmt.Sprintf("\n\t\tsubscription %s %s {\n\t\t\tscopes project.**\n\t\t\tsecret %s\n\t\t\t%s\n\t\t}", name, url, secret, lines)
	}
	p := start(t, caddyfile(text, projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	seen := map[string]bool{}
	for name, c := range got {
		r := <-c
		events := cloudEventsOf(t, r)
		if len(events) != 1 {
			t.Fatalf("%s: %d events", name, len(events))
		}
		e := events[0]
		if err := e.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if e.Type() != "project.created" || e.Subject() != "project/1001" || e.Source() != "/sidehook/default" || e.Time().IsZero() || !bytes.Contains(e.Data(), []byte(`"name":"Roof"`)) {
			t.Errorf("%s: %s", name, e)
		}
		if id := r.header.Get("webhook-id"); name == "batch" && !strings.HasPrefix(id, "chk_") || name != "batch" && id != e.ID() {
			t.Errorf("%s: webhook-id is %s, and the event's id %s", name, id, e.ID())
		}
		seen[e.ID()] = true
	}
	if len(seen) != 1 {
		t.Errorf("one event has the ids %v", seen)
	}
}
