package payload_test

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sidehook/sidehook/rules/audience"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/rules/payload"
	"github.com/sidehook/sidehook/webhook"
)

var noon = time.Date(2024, 1, 15, 13, 0, 0, 0, time.FixedZone("", 3600))

// render renders e for one subscription, after change.
func render(t testing.TB, e *webhook.Event, payloads map[string]mapping.Payload, change func(*webhook.Subscription)) webhook.Payload {
	t.Helper()
	sub := subscription("crm", "**")
	if change != nil {
		change(sub)
	}
	out, err := subscribers(t, payloads, sub).Render(e, &webhook.Delivery{Subscription: "crm"})
	if err != nil {
		t.Fatal(err)
	}
	if sub.ContentType != "form" && !json.Valid(out.Body) {
		t.Fatalf("not JSON: %s", out.Body)
	}
	return out
}

func at(e *webhook.Event) *webhook.Event { e.Time = noon; return e }

func TestStandardPayload(t *testing.T) {
	created := at(updated())
	created.Operation, created.Before, created.Changes = webhook.Created, nil, nil
	deleted := at(updated())
	deleted.Operation, deleted.After, deleted.Changes = webhook.Deleted, nil, nil
	blind := at(updated())
	blind.Before, blind.After, blind.Changes = nil, nil, nil
	same := at(updated())
	same.Changes = nil
	called := at(updated())
	called.Operation, called.Before, called.After, called.Changes, called.Sequence = webhook.Called, nil, nil, nil, 0
	called.Item = json.RawMessage(`{"n":1.0}`)
	gap := at(updated())
	gap.Scope, gap.Operation, gap.Before, gap.After, gap.Changes = "project.gap", webhook.Missed, nil, nil, nil
	gap.Gap = &webhook.Gap{Reason: webhook.GapTooLarge, Detail: "the body was <larger>", From: noon, To: noon.Add(time.Second)}

	for name, c := range map[string]struct {
		event *webhook.Event
		want  string
	}{
		"updated":                   {at(updated()), `{"type":"project.updated","timestamp":"2024-01-15T12:00:00Z","data":{"id":55,"status":"done","budget":15000.00,"owner":{"email":"b@x"},"links":[1]},"previous":{"status":"open","owner":{"email":"a@x"},"links":null},"entity":{"type":"project","id":"55","sequence":7}}`},
		"created":                   {created, `{"type":"project.updated","timestamp":"2024-01-15T12:00:00Z","data":{"id":55,"status":"done","budget":15000.00,"owner":{"email":"b@x"},"links":[1]},"entity":{"type":"project","id":"55","sequence":7}}`},
		"deleted, last known state": {deleted, `{"type":"project.updated","timestamp":"2024-01-15T12:00:00Z","data":{"id":55,"status":"open","budget":15000.00,"owner":{"email":"a@x"}},"entity":{"type":"project","id":"55","sequence":7}}`},
		"nothing known":             {blind, `{"type":"project.updated","timestamp":"2024-01-15T12:00:00Z","data":null,"entity":{"type":"project","id":"55","sequence":7}}`},
		"nothing changed":           {same, `{"type":"project.updated","timestamp":"2024-01-15T12:00:00Z","data":{"id":55,"status":"done","budget":15000.00,"owner":{"email":"b@x"},"links":[1]},"previous":{},"entity":{"type":"project","id":"55","sequence":7}}`},
		"called outside a resource": {called, `{"type":"project.updated","timestamp":"2024-01-15T12:00:00Z","data":{"n":1.0},"entity":{"type":"project","id":"55"}}`},
		"gap":                       {gap, `{"type":"project.gap","timestamp":"2024-01-15T12:00:00Z","data":{"reason":"too_large","detail":"the body was <larger>","from":"2024-01-15T12:00:00Z","to":"2024-01-15T12:00:01Z"},"entity":{"type":"project","id":"55","sequence":7}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, c.event, nil, nil)
			if diff := cmp.Diff(c.want, string(got.Body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPayloadEnvelope(t *testing.T) {
	e := updated()
	e.Request.Trace = "00-1-2-01"
	got := render(t, e, nil, nil)
	if got.ID != "evt_1" || got.ContentType != "application/json" || got.Trace != "00-1-2-01" {
		t.Errorf("got id %s, content type %s, trace %s", got.ID, got.ContentType, got.Trace)
	}
}

func TestThinAndFull(t *testing.T) {
	e := at(updated())
	e.Tenant, e.Actor, e.Params = "acme", "ann", map[string]string{"id": "55"}
	e.Request = webhook.EventRequest{ID: "r1", Method: "PUT", Path: "/p/55"}
	e.Related = []webhook.Related{{Name: "label", Value: json.RawMessage(`{"n":1.0}`)}, {Name: "none"}}
	e.Attrs, e.Item = json.RawMessage(`{"a":1}`), json.RawMessage(`"i"`)
	thin := render(t, e, nil, func(s *webhook.Subscription) { s.Payload = "thin" })
	if want := `{"type":"project.updated","timestamp":"2024-01-15T12:00:00Z","entity":{"type":"project","id":"55","sequence":7}}`; string(thin.Body) != want {
		t.Errorf("thin: got %s", thin.Body)
	}
	full := render(t, e, nil, func(s *webhook.Subscription) { s.Payload = "full" })
	_, rest, _ := strings.Cut(string(full.Body), `"sequence":7},`)
	want := `"id":"evt_1","operation":"updated","before":{"id":55,"status":"open","budget":15000.00,"owner":{"email":"a@x"}},` +
		`"changes":[{"path":"status","old":"open","new":"done"},{"path":"owner.email","old":"a@x","new":"b@x"},{"path":"links","new":[1]}],` +
		`"api":"shop","tenant":"acme","actor":"ann","params":{"id":"55"},"request":{"method":"PUT","path":"/p/55","id":"r1"},` +
		`"provenance":{"before":"snapshot","after":"response","confidence":"observed"},"related":{"label":{"n":1.0},"none":null},"attributes":{"a":1},"item":"i"}`
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Errorf("full (-want +got):\n%s", diff)
	}
}

func TestTheItemOfACallOutsideResourcesIsItsEntity(t *testing.T) {
	e := at(updated())
	e.Operation, e.Before, e.After, e.Changes, e.Sequence = webhook.Called, nil, nil, nil, 0
	e.Item = json.RawMessage(`{"n":1.0,"secret":2}`)
	full := render(t, e, nil, func(s *webhook.Subscription) { s.Payload, s.Fields = "full", []string{"n"} })
	if strings.Contains(string(full.Body), "secret") || !strings.HasSuffix(string(full.Body), `"item":{"n":1.0}}`) {
		t.Errorf("full, limited to n: got %s", full.Body)
	}
	own := map[string]mapping.Payload{"own": {Fields: []mapping.Field{{Key: "N", Expr: "entity.n"}}}}
	if got := render(t, e, own, func(s *webhook.Subscription) { s.Payload = "own" }); string(got.Body) != `{"N":1.0}` {
		t.Errorf("own: got %s", got.Body)
	}
}

func TestFieldsLimitDataAndPrevious(t *testing.T) {
	e := at(updated())
	e.After = json.RawMessage(`{"id":55, "status":"done","owner":{"email":"b@x","phone":"1"},"links":[{"id":1,"url":"x"},{"id":2,"url":"y"}]}`)
	e.Changes = append(e.Changes, webhook.FieldChange{Path: "boss", Old: json.RawMessage(`{"email":"c@x","phone":"2"}`), New: json.RawMessage(`null`)})
	for fields, want := range map[string]string{
		"id owner.email": `"data":{"id":55,"owner":{"email":"b@x"}},"previous":{"owner":{"email":"a@x"}}`,
		"status":         `"data":{"status":"done"},"previous":{"status":"open"}`,
		"links.*.id":     `"data":{"links":[{"id":1},{"id":2}]},"previous":{}`,
		"links.0":        `"data":{"links":[{"id":1,"url":"x"}]},"previous":{"links":null}`,
		"*.email":        `"data":{"owner":{"email":"b@x"},"links":[]},"previous":{"owner":{"email":"a@x"},"boss":{"email":"c@x"}}`,
		"owner":          `"data":{"owner":{"email":"b@x","phone":"1"}},"previous":{"owner":{"email":"a@x"}}`,
		"nothing":        `"data":{},"previous":{}`,
	} {
		got := string(render(t, e, nil, func(s *webhook.Subscription) { s.Fields = strings.Fields(fields) }).Body)
		_, got, _ = strings.Cut(got, `Z",`)
		got, _, _ = strings.Cut(got, `,"entity"`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fields %s (-want +got):\n%s", fields, diff)
		}
	}
}

func TestFieldsHideInFullToo(t *testing.T) {
	e := at(updated())
	e.Changes = append(e.Changes, webhook.FieldChange{Path: "owner", New: json.RawMessage(`{"email":"x","secret":"hush"}`)})
	e.Before = json.RawMessage(`{"status":"open","owner":{"secret":"hush"}}`)
	e.After = json.RawMessage(`{"status":"open","owner":{"secret":"hush"}}`)
	got := string(render(t, e, nil, func(s *webhook.Subscription) { s.Payload, s.Fields = "full", []string{"status", "owner.email"} }).Body)
	if strings.Contains(got, "hush") {
		t.Errorf("a field that is not among fields was sent: %s", got)
	}
}

func TestPrevious(t *testing.T) {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	got := payload.Previous([]webhook.FieldChange{
		{Path: "a", Old: raw(`15000.00`), New: raw(`1`)}, {Path: "b.c", Old: raw(`1`)}, {Path: `d\.e`, New: raw(`2`)},
		{Path: "b.x.y", Old: raw(`null`)}, {Path: "links.5.url", Old: raw(`"u"`)}, {Path: `\e`, Old: raw(`{"z":[1]}`)},
	})
	want := `{"a":15000.00,"b":{"c":1,"x":{"y":null}},"d.e":null,"links":{"5":{"url":"u"}},"":{"z":[1]}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := payload.Previous(nil); string(got) != `{}` {
		t.Errorf("of nothing: %s", got)
	}
}

// What can be nested change by change says the same as what has to be put together.
func TestPreviousNests(t *testing.T) {
	for paths, want := range map[string]string{
		"a b.c b.d e":            `{"a":0,"b":{"c":1,"d":2},"e":3}`,
		"b.d a b.c":              `{"b":{"d":0,"c":2},"a":1}`,
		"e.x.y e.x.z e.w a":      `{"e":{"x":{"y":0,"z":1},"w":2},"a":3}`,
		"a.b.c a.d a.b.e":        `{"a":{"b":{"c":0,"e":2},"d":1}}`,
		"a a! a.c":               `{"a":0,"a!":1}`,
		"a.c a":                  `{"a":1}`,
		"a a":                    `{"a":1}`,
		"a. .a a..b * \\e a\\.b": `{"":4,"a.b":5}`,
	} {
		var changes []webhook.FieldChange
		for i, p := range strings.Fields(paths) {
			changes = append(changes, webhook.FieldChange{Path: p, Old: json.RawMessage(strconv.Itoa(i))})
		}
		if got := payload.Previous(changes); string(got) != want {
			t.Errorf("%s: got %s, want %s", paths, got, want)
		}
	}
}

func TestNamedPayload(t *testing.T) {
	payloads := map[string]mapping.Payload{
		"albi": {Fields: []mapping.Field{{Key: "Entity", Expr: "resource"}, {Key: "EntityId", Expr: "int(id)"}, {Key: "Scope", Expr: "scope"}}},
		"lead": {Fields: []mapping.Field{
			{Key: "event", Expr: "scope"}, {Key: "secret", Expr: "subscription.secret"}, {Key: "payload", Expr: "entity"},
			{Key: "meta", Fields: []mapping.Field{{Key: "at", Expr: "unix(time)"}, {Key: "when", Expr: "rfc3339(time)"}, {Key: "n", Expr: "subscription.number"}}},
			{Key: "budget", Expr: "entity.budget"}, {Key: "old", Expr: "previous.owner.email"}, {Key: "first", Expr: "changes[0].path"},
			{Key: "none", Expr: "entity.nothing.here"}, {Key: "opt", Expr: "subscription.options.a"}, {Key: "sum", Expr: "entity.budget + 1"},
			{Key: "many", Expr: "len(events)"}, {Key: "one", Expr: "events[0].entity.id"}, {Key: "label", Expr: "related.label"},
		}},
		"array": {Expr: `map(changes, .path)`},
		"pick":  {Expr: `pick(entity, "id", "owner.email")`},
		"text":  {Expr: `"hello"`},
	}
	e := at(updated())
	e.Related = []webhook.Related{{Name: "label", Value: json.RawMessage(`{"n":1.50}`)}}
	for name, want := range map[string]string{
		"albi": `{"Entity":"project","EntityId":55,"Scope":"project.updated"}`,
		"lead": `{"event":"project.updated","secret":"s3","payload":{"id":55,"status":"done","budget":15000.00,"owner":{"email":"b@x"},"links":[1]},` +
			`"meta":{"at":1705320000,"when":"2024-01-15T12:00:00Z","n":3},"budget":15000.00,"old":"a@x","first":"status","none":null,"opt":1,"sum":15001,` +
			`"many":1,"one":55,"label":{"n":1.50}}`,
		"array": `["status","owner.email","links"]`,
		"pick":  `{"id":55,"owner":{"email":"b@x"}}`,
		"text":  `"hello"`,
	} {
		got := render(t, e, payloads, func(s *webhook.Subscription) {
			s.Payload, s.Number, s.Secrets, s.Options = name, 3, []webhook.Secret{webhook.NewSecret("s3")}, json.RawMessage(`{"a":1}`)
		})
		if diff := cmp.Diff(want, string(got.Body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A payload of one's own sees of the entity what `fields` lets through.
func TestFieldsHideFromAPayloadOfOnesOwn(t *testing.T) {
	payloads := map[string]mapping.Payload{"p": {Fields: []mapping.Field{
		{Key: "data", Expr: "entity"}, {Key: "budget", Expr: "entity.budget"}, {Key: "before", Expr: "before.owner.email ?? before.budget"},
		{Key: "previous", Expr: "previous"}, {Key: "changes", Expr: "map(changes, .path)"}, {Key: "first", Expr: "events[0].entity"}, {Key: "id", Expr: "id"},
	}}}
	got := render(t, at(updated()), payloads, func(s *webhook.Subscription) { s.Payload, s.Fields = "p", []string{"status"} })
	want := `{"data":{"status":"done"},"budget":null,"before":null,"previous":{"status":"open"},"changes":["status"],"first":{"status":"done"},"id":"55"}`
	if diff := cmp.Diff(want, string(got.Body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheSecretIsSentOnlyWhereItIsNamed(t *testing.T) {
	got := render(t, updated(), map[string]mapping.Payload{"p": {Expr: `[subscription, event, events]`}}, func(s *webhook.Subscription) {
		s.Payload, s.Secrets = "p", []webhook.Secret{webhook.NewSecret("hush")}
	})
	if strings.Contains(string(got.Body), "hush") {
		t.Errorf("the secret was sent: %s", got.Body)
	}
}

func TestPayloadErrorsNameTheLine(t *testing.T) {
	for want, p := range map[string]mapping.Payload{
		"payload p: it is empty":                     {},
		"payload p: expression":                      {Expr: "entty"},
		"payload p: a.b: expression `x`":             {Fields: []mapping.Field{{Key: "a", Fields: []mapping.Field{{Key: "b", Expr: "x"}}}}},
		"payload p: a stands there twice":            {Fields: []mapping.Field{{Key: "a", Expr: "1"}, {Key: "a", Expr: "2"}}},
		"payload p: a has no value: write":           {Fields: []mapping.Field{{Key: "a"}}},
		"payload p: a has an expression and a block": {Fields: []mapping.Field{{Key: "a", Expr: "1", Fields: []mapping.Field{{Key: "b", Expr: "1"}}}}},
		"payload p: it has an expression and lines":  {Expr: "1", Fields: []mapping.Field{{Key: "a", Expr: "1"}}},
	} {
		if _, err := audience.New(nil, map[string]mapping.Payload{"p": p}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := audience.New(nil, map[string]mapping.Payload{"full": {Expr: "1"}}); err == nil {
		t.Error("a payload called full: no error")
	}
}

func TestForm(t *testing.T) {
	payloads := map[string]mapping.Payload{"p": {Fields: []mapping.Field{
		{Key: "a b", Expr: "entity.budget"}, {Key: "n", Expr: "nil"}, {Key: "t", Expr: `"ä&\n"`}, {Key: "o", Expr: "entity.owner"},
		{Key: "l", Expr: "[1, true, nil]"}, {Key: "rows", Expr: `[{"x": 1}, {"x": 2}]`}, {Key: "e", Expr: "[]"},
	}}}
	got := render(t, updated(), payloads, func(s *webhook.Subscription) { s.Payload, s.ContentType = "p", "form" })
	want := "a+b=15000.00&n=&t=%C3%A4%26%0A&o%5Bemail%5D=b%40x&l%5B%5D=1&l%5B%5D=true&l%5B%5D=&rows%5B0%5D%5Bx%5D=1&rows%5B1%5D%5Bx%5D=2"
	if string(got.Body) != want || got.ContentType != "application/x-www-form-urlencoded" {
		t.Errorf("got %s of %s\nwant %s", got.Body, got.ContentType, want)
	}
	if v, err := url.ParseQuery(string(got.Body)); err != nil || v.Get("t") != "ä&\n" {
		t.Errorf("it reads back as %v, %v", v, err)
	}
	deep := updated()
	deep.After = json.RawMessage(strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000))
	if got := render(t, deep, nil, func(s *webhook.Subscription) { s.ContentType = "form" }); len(got.Body) > 40_000 {
		t.Errorf("a deep document of 10 KB makes a form of %d bytes", len(got.Body))
	}
	sub := subscription("crm", "**")
	sub.Payload, sub.ContentType = "p", "form"
	s := subscribers(t, map[string]mapping.Payload{"p": {Expr: `"text"`}}, sub)
	if _, err := s.Render(updated(), &webhook.Delivery{Subscription: "crm"}); err == nil {
		t.Error("a text as a form: no error")
	}
}

func TestResolve(t *testing.T) {
	e := at(updated())
	e.Params, e.Key.ID = map[string]string{"id": "55"}, "9007199254740993"
	e.After = json.RawMessage(`{"budget":15000.00,"name":"Ä \"x\"","big":9007199254740993,"o":{"a":[1]},"null":null,"a.b":7,"links":[{"id":3}]}`)
	p := render(t, e, nil, func(s *webhook.Subscription) {
		s.Number, s.Options = 3, json.RawMessage(`{"topic":"t"}`)
		s.Headers = []webhook.HeaderTemplate{{Name: "X-T", Value: "{webhook_id} {timestamp} {scope}"}}
		s.Sign = webhook.Signing{Scheme: webhook.SignHMAC, Over: "{webhook_id}.{timestamp}.{body}", As: "t={timestamp},v1={signature}"}
	})
	for name, want := range map[string]string{
		"scope": "project.updated", "event.id": "evt_1", "id": "9007199254740993", "resource": "project", "api": "shop",
		"operation": "updated", "sequence": "7", "subscription.id": "crm", "subscription.name": "crm", "subscription.number": "3",
		"subscription.options.topic": "t", "subscription.options.none": "", "entity.budget": "15000.00", "entity.name": `Ä "x"`,
		"entity.big": "9007199254740993", "entity.o": `{"a":[1]}`, "entity.null": "", "entity.none.x": "", `entity.a\.b`: "7",
		"entity.links.0.id": "3", "params.id": "55", "params.x": "", "tenant": "", "time": "2024-01-15T12:00:00Z",
		"previous.status": "open", "changes.0.path": "status", "provenance.confidence": "observed", "item": "", "request.method": "",
	} {
		got, err := p.Resolve(name)
		if err != nil || got != want {
			t.Errorf("{%s}: got %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"nope", "event.nope", "body", "a..b", "params"} {
		if got, err := p.Resolve(name); err == nil {
			t.Errorf("{%s}: got %q, want an error", name, got)
		}
	}
}

func TestRenderFailsForAnUnknownSubscriptionAndAnEndlessPayload(t *testing.T) {
	sub := subscription("crm", "**")
	sub.Payload = "p"
	s := subscribers(t, map[string]mapping.Payload{"p": {Expr: "1..999999999"}}, sub)
	for _, id := range []webhook.SubscriptionID{"crm", "other"} {
		if _, err := s.Render(updated(), &webhook.Delivery{Subscription: id}); err == nil {
			t.Errorf("%s: no error", id)
		}
	}
}

// FuzzRender renders hostile entities, paths and fields: no panic, and of JSON
// comes JSON, as a form too.
func FuzzRender(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":null}]},"":1}`, `{"b":2}`, "a.b", "a.*.c", "standard")
	f.Add(`[[1]]`, `"x"`, `a\.b`, "**", "full")
	f.Add(` {"a":"\u00e9\n"} `, `null`, "a", "0", "p")
	f.Fuzz(func(t *testing.T, after, old, path, fields, payload string) {
		sub := subscription("crm", "**")
		sub.Payload, sub.Fields, sub.OnChange, sub.Filter = payload, strings.Fields(fields), strings.Fields(fields), "entity.a == previous.a"
		s, err := audience.New([]*webhook.Subscription{sub}, map[string]mapping.Payload{"p": {Expr: "{'x': entity.a[0].b, 'y': changes}"}})
		if err != nil {
			return
		}
		e := at(updated())
		e.After, e.Provenance.Unknown = json.RawMessage(after), []string{path}
		e.Changes = append(e.Changes, webhook.FieldChange{Path: path, Old: json.RawMessage(old), New: e.After})
		if _, err := s.Want(e); err != nil {
			t.Fatal(err)
		}
		out, err := s.Render(e, &webhook.Delivery{Subscription: "crm"})
		if err != nil {
			t.Fatal(err)
		}
		if json.Valid([]byte(after)) && json.Valid([]byte(old)) && !json.Valid(out.Body) {
			t.Fatalf("not JSON: %s", out.Body)
		}
		sub.ContentType = "form"
		out, err = s.Render(e, &webhook.Delivery{Subscription: "crm"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := url.ParseQuery(string(out.Body)); err != nil {
			t.Fatalf("not a form: %s", out.Body)
		}
	})
}

func BenchmarkRenderStandard1KB(b *testing.B) {
	e := at(updated())
	e.After = json.RawMessage(`{"id":55,"notes":"` + strings.Repeat("x", 990) + `"}`)
	s := subscribers(b, nil, subscription("crm", "**"))
	d := &webhook.Delivery{Subscription: "crm"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Render(e, d); err != nil {
			b.Fatal(err)
		}
	}
}
