package rules_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

const fuzzed = `{
	"resources": [{"name": "project", "path": "/p", "ignore": ["updated_at"], "keys": ["links.id"], "redact": ["password"],
		"version": "rev",
		"on": [{"method": "PUT", "path": "{id}", "operation": "upsert"},
		       {"method": "POST", "path": "bulk", "operation": "create", "each": "response.body.items"}],
		"emit": [
			{"scope": "project.status", "when": "changed(\"status\")"},
			{"scope": "project.over", "when": "crossed_up(\"n\", 10)", "unknown": "emit"},
			{"scope": "project.link", "each": "additions(\"links\")", "related": [{"name": "l", "expr": "item"}]}]}]
}`

var startOfTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// FuzzDerive sends two calls of hostile bodies about one entity.
func FuzzDerive(f *testing.F) {
	p := compile(f, []byte(fuzzed))
	for i, body := range []string{
		`{"id":1,"status":"a","n":1}`, `{"items":[{"id":1},{"id":1},2,null]}`, `[{"op":"copy","from":"","path":"/a"}]`,
		`{"data":{"id":"1","type":"p","attributes":{"links":[{"id":1},{"id":1}]}}}`, `a[b][]=1&a[b]=2&a=`, `{"a":1,"a":{"a":[]}}`,
		`{"id":1,"rev":1e999999999,"n":-0.0,"links":[{"id":"a.b"},{"id":"*"}],"":{"":null}}`, "\xff\xfe{", `[[[[[[`,
		`{"password":"p","links":{"x":{"password":"q"}}}`, `{"id":"b","slug":"a","status":"a","n":1}`, `{"id":"a","slug":"b","status":"a","n":1}`,
		`{"items":[{"status":409},{"id":1,"status":200,"body":{"id":1}}],"errors":[{"id":1}]}`, `{"ids":[1,"1","a"],"data":{"status":"a"}}`,
	} {
		f.Add(uint8(i), uint8(i*7), "application/json", body, `{"id":1,"status":"b","n":11,"links":[{"id":2}]}`, `{"id":1}`, uint16(200))
		f.Add(uint8(i*5), uint8(i), "application/json-patch+json", body, body, body, uint16(204))
	}
	f.Fuzz(func(t *testing.T, how, ending uint8, mediaType, request, answer, get string, status uint16) {
		known := map[webhook.EntityKey]webhook.Snapshot{}
		for n := range 3 {
			x := fuzzedExchange(n, how, ending, mediaType, request, answer, int(status))
			if how&64 != 0 {
				x.Before = &webhook.Observation{Status: 200, Received: x.Started, Body: webhook.Body{Bytes: []byte(get)}}
			}
			var seen []rules.Seen
			if ending&64 != 0 {
				seen = []rules.Seen{{Observation: &webhook.Observation{Status: 200, Received: x.Ended, Body: webhook.Body{Bytes: []byte(get)}}}}
			}
			maps.Copy(known, derivedTwice(t, p, x, known, seen))
			how, request, answer = how+1, answer, get
		}
	})
}

func fuzzedExchange(n int, how, ending uint8, mediaType, request, answer string, status int) *webhook.Exchange {
	calls := [...][2]string{{"POST", "/p"}, {"PUT", "/p/1"}, {"PATCH", "/p/1"}, {"DELETE", "/p/1"}, {"POST", "/p/bulk"}, {"PATCH", "/p/a"}, {"PUT", "/p/b"}, {"DELETE", "/p/b"}, {"PATCH", "/p"}, {"DELETE", "/p"}}
	call := calls[int(how&63)%len(calls)]
	h := webhook.Header{"Content-Type": {mediaType}}
	start := startOfTime.Add(time.Duration(n) * time.Minute)
	return &webhook.Exchange{
		ID: webhook.ExchangeID{15: byte(n)}, Started: start, Ended: start.Add(time.Second), Ending: webhook.Ending(ending & 3),
		Request:  webhook.Request{Method: call[0], Path: call[1], Header: h, Body: webhook.Body{Bytes: []byte(request)}},
		Response: webhook.Response{Status: status, Header: h, Body: webhook.Body{Bytes: []byte(answer)}},
	}
}

// derivedTwice checks what must hold of every exchange, and returns its snapshots.
func derivedTwice(t *testing.T, p *rules.Program, x *webhook.Exchange, known map[webhook.EntityKey]webhook.Snapshot, seen []rules.Seen) map[webhook.EntityKey]webhook.Snapshot {
	t.Helper()
	run := func() (rules.Derived, []webhook.Snapshot) {
		plan := p.Plan(x)
		var before []webhook.Snapshot
		unique := map[webhook.EntityKey]bool{}
		for _, key := range plan.Keys(nil) {
			if unique[key] {
				t.Fatalf("%v is planned twice", key)
			}
			unique[key] = true
			if alias := known[key].Alias; alias != "" {
				key.ID = alias
			}
			s := known[key]
			s.Key = key
			before = append(before, s)
		}
		d, err := p.Derive(x, plan, before, seen)
		if err != nil {
			t.Fatal(err)
		}
		return d, before
	}
	d, before := run()
	again, _ := run()
	if diff := cmp.Diff(d, again); diff != "" {
		t.Fatalf("deriving again differs:\n%s", diff)
	}
	sequences := map[webhook.EntityKey]uint64{}
	for _, s := range before {
		sequences[s.Key] = s.Sequence
	}
	kept := map[webhook.EntityKey]webhook.Snapshot{}
	for _, s := range d.Snapshots {
		was, told := sequences[s.Key] // not of one that is parted from another
		if step := s.Sequence - was; told && step > 1 {
			t.Fatalf("%v: sequence steps by %d", s.Key, step)
		}
		mustBeJSON(t, s.Body)
		kept[s.Key] = s
	}
	ids := map[webhook.EventID]bool{}
	for i := range d.Events {
		checkEvent(t, &d.Events[i], kept)
		if ids[d.Events[i].ID] {
			t.Fatalf("event %s is there twice", d.Events[i].ID)
		}
		ids[d.Events[i].ID] = true
	}
	return kept
}

func checkEvent(t *testing.T, e *webhook.Event, kept map[webhook.EntityKey]webhook.Snapshot) {
	t.Helper()
	if err := webhook.CheckScope(e.Scope); err != nil {
		t.Fatal(err)
	}
	if e.Key.ID != "" && e.Sequence != kept[e.Key].Sequence {
		t.Fatalf("%s has sequence %d, its entity %d", e.Scope, e.Sequence, kept[e.Key].Sequence)
	}
	if e.Operation == webhook.Updated && e.Before != nil && e.After != nil && len(e.Changes) == 0 && len(e.Provenance.Unknown) == 0 {
		t.Fatalf("%s: both states are known and nothing changed:\n%s\n%s", e.Scope, e.Before, e.After)
	}
	mustBeJSON(t, e.Before)
	mustBeJSON(t, e.After)
	for _, c := range e.Changes {
		mustBeJSON(t, c.Old)
		mustBeJSON(t, c.New)
	}
	for _, r := range e.Related {
		mustBeJSON(t, r.Value)
	}
}

func mustBeJSON(t *testing.T, raw []byte) {
	t.Helper()
	if raw == nil {
		return
	}
	if _, err := tree.Parse(string(raw)); err != nil {
		t.Fatal(fmt.Errorf("%q: %w", raw, err))
	}
}
