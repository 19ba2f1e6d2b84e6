package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// fullEvent has a value in every field.
func fullEvent() *webhook.Event {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	return &webhook.Event{
		ID: "evt_1", Position: 7, Scope: "order.updated", Sequence: 3,
		Key:      webhook.EntityKey{API: "shop", Tenant: "acme", Resource: "order", ID: "9007199254740993"},
		Exchange: webhook.NewExchangeID(noon), Cause: webhook.ExchangeID{1}, Time: noon, Recorded: noon.Add(time.Second),
		Operation: webhook.Updated, Before: raw(`{"a":1}`), After: raw(`{"a":2}`),
		Changes: []webhook.FieldChange{{Path: "a", Old: raw("1"), New: raw("2")}, {Path: `b\.c`}},
		Item:    raw("[]"), Related: []webhook.Related{{Name: "label", Value: raw(`"x"`), Resource: "label"}}, Attrs: raw("{}"),
		Tenant: "acme", Unowned: true, Actor: "ann", Params: map[string]string{"id": "1"},
		Request: webhook.EventRequest{ID: "r", Method: "PATCH", Path: "/a", Trace: "00-1"}, SkipKey: "sync",
		Provenance: webhook.Provenance{
			Before: webhook.FromSnapshot, BeforeAge: time.Second, After: webhook.FromFetch,
			Confidence: webhook.Proven, Unknown: []string{"x", ""}, Concurrent: true,
		},
		Gap: &webhook.Gap{Reason: webhook.GapStore, Detail: "full", From: noon, To: noon}, DryRun: true,
	}
}

func fullSnapshot() webhook.Snapshot {
	return webhook.Snapshot{
		Key:      webhook.EntityKey{API: "shop", Tenant: "acme", Resource: "order", ID: "1"},
		Sequence: 3, Deleted: true, Body: json.RawMessage("{}"), Unknown: []string{"a", "b"}, Seen: noon, Stale: noon.Add(time.Second), Found: noon.Add(-time.Hour),
		Via: webhook.FromResponse, Version: "v", ETag: `"e"`, View: "w", Tenant: "t", Exchange: webhook.ExchangeID{1},
		Concurrent: true, Until: noon, Alias: "a", Name: "n", Parent: "/p",
	}
}

func fullDelivery() *webhook.Delivery {
	return &webhook.Delivery{
		ID: "dlv_1", Event: "evt_1", Subscription: "crm", Position: 7, Lane: "l", Bytes: 1 << 20, Priority: webhook.Replaying,
		Unjudged: true, State: webhook.Exhausted, Reason: "why", Attempts: 2, Requests: 3,
		Due: noon, Created: noon, Settled: noon, Chunk: &webhook.Chunk{Number: 3, Further: [][8]byte{{1}, {2}}},
		Earlier: &webhook.Earlier{State: webhook.Delivered, Reason: "r", Attempts: 4, Priority: webhook.Retrying, Settled: noon},
	}
}

func fullAttempt() webhook.Attempt {
	return webhook.Attempt{
		Delivery: "dlv_1", Number: 2, Started: noon, Latency: time.Second, Outcome: webhook.Throttled, Status: 429,
		Error: "e", URL: "https://a", Sent: webhook.Header{"A": {"b"}, "Webhook-Id": {"c"}},
		Received: webhook.Header{"C": {"d", ""}, "Date": {"e", ""}, "Vary": {"f"}},
		Answer:   []byte("no"), CutShort: true, RetryAt: noon, TimedOut: true,
	}
}

func fullState() webhook.SubscriptionState {
	return webhook.SubscriptionState{
		ID: "crm", Number: 4, Status: webhook.Paused, Reason: "operator", Since: noon,
		HeldThrough: 9, WaitUntil: noon, Failures: 2, Timeouts: 4, Opened: 3, OpenUntil: noon, OpenSince: noon, FailingSince: noon, Warned: 1,
	}
}

// near is an exchange that no snapshot of the tests has.
var near = webhook.ExchangeID{9}

func appendSnapshot(buf []byte, s *webhook.Snapshot) []byte { return wire.AppendSnapshot(buf, s, near) }

func decodeSnapshot(data []byte) (webhook.Snapshot, error) { return wire.DecodeSnapshot(data, near) }

// again returns what decoding v's encoding gives.
func again[T any](t *testing.T, data []byte, decode func([]byte) (T, error)) T {
	t.Helper()
	got, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEveryFieldComesBack(t *testing.T) {
	same := func(name string, want, got any) {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error("want(-) got(+):\n", diff)
			}
		})
	}
	e, s, d, a, st := fullEvent(), fullSnapshot(), fullDelivery(), fullAttempt(), fullState()
	same("event", e, again(t, wire.AppendEvent(nil, e), wire.DecodeEvent))
	same("snapshot", s, again(t, appendSnapshot(nil, &s), decodeSnapshot))
	same("delivery", d, again(t, wire.AppendDelivery(nil, d), wire.DecodeDelivery))
	d.Event = webhook.NewEventID(webhook.NewExchangeID(noon), s.Key, "order.updated", "")
	d.ID = webhook.NewDeliveryID(d.Event, "crm", 0)
	same("delivery with ids of ours", d, again(t, wire.AppendDelivery(nil, d), wire.DecodeDelivery))
	same("attempt", a, again(t, wire.AppendAttempt(nil, &a), wire.DecodeAttempt))
	same("state", st, again(t, wire.AppendState(nil, &st), wire.DecodeState))
	same("zero event", &webhook.Event{}, again(t, wire.AppendEvent(nil, &webhook.Event{}), wire.DecodeEvent))
	near := wire.AppendSnapshot(nil, &s, s.Exchange)
	nearby, err := wire.DecodeSnapshot(near, s.Exchange)
	if err != nil || len(near) >= len(appendSnapshot(nil, &s)) {
		t.Errorf("%d bytes, %v", len(near), err)
	}
	same("snapshot near its exchange", s, nearby)
	same("zero snapshot", webhook.Snapshot{}, again(t, appendSnapshot(nil, &webhook.Snapshot{}), decodeSnapshot))
	for name, e := range variants() {
		same(name, e, again(t, wire.AppendEvent(nil, e), wire.DecodeEvent))
	}
	same("zero delivery", &webhook.Delivery{}, again(t, wire.AppendDelivery(nil, &webhook.Delivery{}), wire.DecodeDelivery))
}

// variants are events of which something else follows from other fields.
func variants() map[string]*webhook.Event {
	of := func(change func(e *webhook.Event)) *webhook.Event {
		e := fullEvent()
		change(e)
		return e
	}
	named := func(e *webhook.Event) { e.ID = webhook.NewEventID(e.Exchange, e.Key, e.Scope, "") }
	return map[string]*webhook.Event{
		"an id of its exchange":      of(named),
		"an id of another exchange":  of(func(e *webhook.Event) { named(e); e.Exchange = near }),
		"a scope of its own":         of(func(e *webhook.Event) { e.Scope = "orders.updated" }),
		"an operation of its own":    of(func(e *webhook.Event) { e.Operation, e.Scope = "moved", "order.moved" }),
		"a method of its own":        of(func(e *webhook.Event) { e.Request.Method = "MOVE" }),
		"the key's tenant":           of(func(e *webhook.Event) { e.Tenant = e.Key.Tenant }),
		"no tenant":                  of(func(e *webhook.Event) { e.Tenant = "" }),
		"another tenant":             of(func(e *webhook.Event) { e.Tenant = "umbrella" }),
		"a parameter that is the id": of(func(e *webhook.Event) { e.Params["order"] = e.Key.ID }),
		"no id, and an empty parameter": of(func(e *webhook.Event) {
			e.Key.ID, e.Params = "", map[string]string{"a": ""}
		}),
		"a uuid":             of(func(e *webhook.Event) { e.Request.ID = "0b7a3a34-6a3c-4f0e-9f0b-3a0b3f1f5c7d" }),
		"a uuid in capitals": of(func(e *webhook.Event) { e.Request.ID = "0B7A3A34-6A3C-4F0E-9F0B-3A0B3F1F5C7D" }),
		"no uuid":            of(func(e *webhook.Event) { e.Request.ID = "0b7a3a34+6a3c-4f0e-9f0b-3a0b3f1f5c7d" }),
		"sources of their own": of(func(e *webhook.Event) {
			e.Provenance.Before, e.Provenance.After, e.Provenance.Confidence, e.Provenance.Concurrent = "a", "b", "c", false
		}),
		"a time at that of its exchange": of(func(e *webhook.Event) { e.Time = e.Exchange.Time() }),
		"a time long before":             of(func(e *webhook.Event) { e.Time = noon.AddDate(-200, 0, 0) }),
		"no exchange":                    of(func(e *webhook.Event) { e.Exchange = webhook.ExchangeID{} }),
		"an exchange of the far future":  of(func(e *webhook.Event) { e.Exchange = webhook.ExchangeID{255, 255, 255} }),
	}
}

// FuzzDecodeRecords gives the same hostile bytes to every decoder: none may
// panic, and what one accepts it encodes and decodes to the same again.
func FuzzDecodeRecords(f *testing.F) {
	s, a, st := fullSnapshot(), fullAttempt(), fullState()
	f.Add(wire.AppendEvent(nil, fullEvent()))
	f.Add(appendSnapshot(nil, &s))
	f.Add(wire.AppendDelivery(nil, fullDelivery()))
	f.Add(wire.AppendAttempt(nil, &a))
	f.Add(wire.AppendState(nil, &st))
	f.Fuzz(func(t *testing.T, data []byte) {
		stable(t, data, wire.DecodeEvent, wire.AppendEvent)
		stable(t, data, pointer(decodeSnapshot), appendSnapshot)
		stable(t, data, wire.DecodeDelivery, wire.AppendDelivery)
		stable(t, data, pointer(wire.DecodeAttempt), wire.AppendAttempt)
		stable(t, data, pointer(wire.DecodeState), wire.AppendState)
	})
}

func pointer[T any](decode func([]byte) (T, error)) func([]byte) (*T, error) {
	return func(data []byte) (*T, error) { v, err := decode(data); return &v, err }
}

func stable[T any](t *testing.T, data []byte, decode func([]byte) (*T, error), encode func([]byte, *T) []byte) {
	t.Helper()
	v, err := decode(data)
	if err != nil {
		return
	}
	second, err := decode(encode(nil, v))
	if err != nil {
		t.Fatalf("%T: its own encoding: %v", v, err)
	}
	if diff := cmp.Diff(v, second, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%T: decoded(-) again(+):\n%s", v, diff)
	}
}
