package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/webhook"
)

// received returns the events that the CloudEvents SDK reads from p, sent as it
// would be; all are valid.
func received(t *testing.T, p webhook.Payload) []cloudevents.Event {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://crm.example.com/hooks", bytes.NewReader(p.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", p.ContentType)
	for _, h := range p.Headers {
		if i := strings.IndexFunc(h.Value, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' }); i >= 0 {
			t.Errorf("the header %s is not encoded: %q", h.Name, h.Value)
		}
		// The SDK leaves out this step of the specification (HTTP binding, 3.1.3.2).
		value, err := url.PathUnescape(h.Value)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(h.Name, value)
	}
	var events []cloudevents.Event
	if cehttp.IsHTTPBatch(req.Header) {
		events, err = cehttp.NewEventsFromHTTPRequest(req)
	} else {
		var one *cloudevents.Event
		if one, err = cehttp.NewEventFromHTTPRequest(req); err == nil {
			events = append(events, *one)
		}
	}
	if err != nil {
		t.Fatalf("%v: %s", err, p.Body)
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			t.Errorf("%v: %s", err, p.Body)
		}
	}
	return events
}

// strange is an event whose names are such as headers cannot carry.
func strange() *webhook.Event {
	e := at(updated())
	e.Position = 42
	e.Key.API, e.Key.ID = "shop é", `5"5% ü`
	return e
}

func TestCloudEvents(t *testing.T) {
	for _, mode := range []string{"cloudevents", "cloudevents_binary"} {
		p := render(t, strange(), nil, func(s *webhook.Subscription) { s.Payload, s.Fields = mode, []string{"status"} })
		got := received(t, p)[0]
		type attributes struct {
			ID, Source, Type, Subject, Version, DataType string
			Time                                         time.Time
			More                                         map[string]any
		}
		want := attributes{
			ID: "evt_1", Source: "/sidehook/shop%20%C3%A9", Type: "project.updated", Subject: `project/5"5% ü`, Version: "1.0",
			DataType: "application/json", Time: noon.UTC(), More: map[string]any{"sequence": "00000000000000000042"},
		}
		is := attributes{got.ID(), got.Source(), got.Type(), got.Subject(), got.SpecVersion(), got.DataContentType(), got.Time(), got.Extensions()}
		if diff := cmp.Diff(want, is); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
		standard := render(t, strange(), nil, func(s *webhook.Subscription) { s.Fields = []string{"status"} })
		if diff := cmp.Diff(string(standard.Body), string(got.Data())); diff != "" {
			t.Errorf("%s: its data is not the standard payload (-want +got):\n%s", mode, diff)
		}
		if p.ID != "evt_1" {
			t.Errorf("%s: webhook-id is %s", mode, p.ID)
		}
		// The SDK would read others as well: a source is a URI reference.
		sent := string(p.Body)
		for _, h := range p.Headers {
			sent += fmt.Sprintf("%s:%q", h.Name, h.Value)
		}
		if !strings.Contains(sent, `"source":"/sidehook/shop%20%C3%A9"`) && !strings.Contains(sent, `Ce-Source:"/sidehook/shop%2520%25C3%25A9"`) {
			t.Errorf("%s: the source is no URI: %s", mode, sent)
		}
	}
}

// An event without entity or time has no subject and no time, rather than empty ones.
func TestCloudEventOfNothing(t *testing.T) {
	e := &webhook.Event{ID: "evt_2", Scope: "ping", Key: webhook.EntityKey{API: "default"}}
	for _, mode := range []string{"cloudevents", "cloudevents_binary"} {
		p := render(t, e, nil, func(s *webhook.Subscription) { s.Payload = mode })
		if got := received(t, p)[0]; got.Subject() != "" || !got.Time().IsZero() || bytes.Contains(p.Body, []byte("subject")) {
			t.Errorf("%s: subject %q, time %v: %s", mode, got.Subject(), got.Time(), p.Body)
		}
	}
}

// chunkOf renders a chunk of two events.
func chunkOf(t *testing.T, payloads map[string]mapping.Payload, change func(*webhook.Subscription)) webhook.Payload {
	t.Helper()
	sub := subscription("crm", "**")
	sub.Chunk.Size = 10
	change(sub)
	x := webhook.ExchangeID{1}
	var events []*webhook.Event
	var owing webhook.Owing
	for _, id := range []string{"55", "56"} {
		e := at(updated())
		e.Key.ID, e.Exchange = id, x
		e.ID = webhook.NewEventID(x, e.Key, e.Scope, "")
		events = append(events, e)
		owing.Add(e, sub, false, noon)
	}
	d := owing.Deliveries[0]
	p, err := subscribers(t, payloads, sub).Render(events[0], &d, events[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != d.WebhookID() || !strings.HasPrefix(p.ID, "chk_") {
		t.Errorf("webhook-id is %s, want %s", p.ID, d.WebhookID())
	}
	return p
}

func TestAChunkOfCloudEventsIsABatch(t *testing.T) {
	p := chunkOf(t, nil, func(s *webhook.Subscription) { s.Payload = "cloudevents" })
	events := received(t, p)
	if p.ContentType != "application/cloudevents-batch+json" || len(events) != 2 || events[0].Subject() != "project/55" || events[1].Subject() != "project/56" {
		t.Errorf("%s: %s", p.ContentType, p.Body)
	}
}

// In a chunk each event is what it would be sent as alone, with its id.
func TestChunkPayloads(t *testing.T) {
	for _, payload := range []string{"standard", "thin", "full"} {
		p := chunkOf(t, nil, func(s *webhook.Subscription) { s.Payload, s.Fields = payload, []string{"status"} })
		var got struct {
			Type, Timestamp string
			Chunk           struct{ Number, Events int }
			Data            []map[string]json.RawMessage
		}
		if err := json.Unmarshal(p.Body, &got); err != nil {
			t.Fatalf("%s: %v: %s", payload, err, p.Body)
		}
		if got.Type != "project.updated" || got.Timestamp != "2024-01-15T12:00:00Z" || got.Chunk.Events != 2 || len(got.Data) != 2 {
			t.Fatalf("%s: %s", payload, p.Body)
		}
		for i, id := range []string{"55", "56"} {
			e := at(updated())
			e.Key.ID, e.Exchange = id, webhook.ExchangeID{1}
			e.ID = webhook.NewEventID(e.Exchange, e.Key, e.Scope, "")
			alone := render(t, e, nil, func(s *webhook.Subscription) { s.Payload, s.Fields = payload, []string{"status"} })
			var want map[string]json.RawMessage
			if err := json.Unmarshal(alone.Body, &want); err != nil {
				t.Fatal(err)
			}
			want["id"], _ = json.Marshal(e.ID)
			if diff := cmp.Diff(want, got.Data[i]); diff != "" {
				t.Errorf("%s, event %d (-want +got):\n%s", payload, i, diff)
			}
		}
	}
}

// A payload of the configuration sees the events of a chunk, and of what it sees
// else, the first's.
func TestAPayloadSeesTheEventsOfAChunk(t *testing.T) {
	own := map[string]mapping.Payload{"own": {Fields: []mapping.Field{
		{Key: "First", Expr: "id"}, {Key: "N", Expr: "len(events)"}, {Key: "Ids", Expr: "map(events, #.id)"},
		{Key: "Budgets", Expr: "map(events, #.entity.budget)"}, {Key: "Was", Expr: "events[1].previous.status"}, {Key: "Scope", Expr: "events[1].scope"},
	}}}
	p := chunkOf(t, own, func(s *webhook.Subscription) { s.Payload = "own" })
	want := `{"First":"55","N":2,"Ids":["55","56"],"Budgets":[15000,15000],"Was":"open","Scope":"project.updated"}`
	if diff := cmp.Diff(want, string(p.Body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := p.Resolve("events.1.id"); err != nil || got != "56" {
		t.Errorf("{events.1.id} is %q, %v", got, err)
	}
}

func TestFormOfAChunk(t *testing.T) {
	p := chunkOf(t, nil, func(s *webhook.Subscription) { s.Payload, s.ContentType = "thin", "form" })
	if text := string(p.Body); !strings.Contains(text, "chunk%5Bevents%5D=2") || !strings.Contains(text, "data%5B1%5D%5Bentity%5D%5Bid%5D=56") {
		t.Errorf("got %s", text)
	}
}
