package rules_test

import (
	"maps"
	"testing"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// snapshotOf returns the snapshot of task 5 after a PATCH of it by q, answered with the
// entity in the given language.
func snapshotOf(t *testing.T, p *rules.Program, q webhook.Request, language string) webhook.Snapshot {
	t.Helper()
	x := taskCall("PATCH")
	x.Request.Caller, x.Request.Query = q.Caller, q.Query
	maps.Copy(x.Request.Header, q.Header)
	x.Response.Header = webhook.Header{"Content-Type": {"application/json"}}
	if language != "" {
		x.Response.Header["Content-Language"] = []string{language}
	}
	x.Response.Body.Bytes = []byte(`{"id":5,"title":"B","n":1,"m":2}`)
	plan := p.Plan(x)
	got, err := p.Derive(x, plan, make([]webhook.Snapshot, len(plan.Keys(nil))), nil)
	if err != nil || len(got.Snapshots) != 1 {
		t.Fatalf("%d snapshots, %v", len(got.Snapshots), err)
	}
	return got.Snapshots[0]
}

// A snapshot spares the GET before a call whose rules read the state before only if
// whoever calls would be shown the same; where none does, whoever saw it.
func TestTrusts(t *testing.T) {
	const reads, reads0 = `, "emit": [{"scope": "task.named", "when": "changed(\"title\")"}]`, ""
	ann, bob := webhook.Request{Caller: []byte("ann")}, webhook.Request{Caller: []byte("bob")}
	with := func(q webhook.Request, name, value string) webhook.Request {
		q.Header = webhook.Header{name: {value}}
		return q
	}
	same := func(s *webhook.Snapshot) {}
	for _, c := range []struct {
		name, rules, method string
		seen, call          webhook.Request
		language            string
		is                  func(*webhook.Snapshot)
		age                 time.Duration
		want                bool
	}{
		{"the same caller", reads, "PATCH", ann, ann, "", same, 0, true},
		{"another caller", reads, "PATCH", ann, bob, "", same, 0, false},
		{"another caller, and no rule asks", reads0, "PATCH", ann, bob, "", same, 0, true},
		{"another caller of a delete", reads, "DELETE", ann, bob, "", same, 0, true},
		{"the service saw it", reads, "PATCH", ann, bob, "", func(s *webhook.Snapshot) { s.View = "get#service" }, 0, true},
		{"the service was answered", reads, "PATCH", ann, bob, "", func(s *webhook.Snapshot) { s.View = "said#service" }, 0, true},
		{"what was set", reads, "PATCH", ann, ann, "", func(s *webhook.Snapshot) { s.View = "echo" + s.View[len("answer"):] }, 0, false},
		{"gone, for another caller", reads, "PATCH", ann, bob, "", func(s *webhook.Snapshot) { s.Deleted, s.Body = true, nil }, 0, true},
		{"a delete of what is gone", reads0, "DELETE", ann, ann, "", func(s *webhook.Snapshot) { s.Deleted, s.Body = true, nil }, 0, false},
		{"stale", reads, "PATCH", ann, ann, "", func(s *webhook.Snapshot) { s.Stale = s.Seen }, 0, false},
		{"young enough", reads, "PATCH", ann, ann, "", same, 10*time.Minute - 1, true},
		{"too old", reads, "PATCH", ann, ann, "", same, 10 * time.Minute, false},
		{"an If-Match that says otherwise", reads, "PATCH", ann, with(ann, "If-Match", `"a"`), "", func(s *webhook.Snapshot) { s.ETag = `"b"` }, 0, false},
		{"an If-Match that says so", reads, "PATCH", ann, with(ann, "If-Match", `"a"`), "", func(s *webhook.Snapshot) { s.ETag = `"a"` }, 0, true},
		{"doubts of the same caller", reads, "PATCH", ann, ann, "", func(s *webhook.Snapshot) { s.Unknown = []string{"n"} }, 0, true},
		{"doubts, left by another caller since", reads, "PATCH", ann, ann, "", func(s *webhook.Snapshot) {
			s.Unknown, s.View = []string{"n"}, "answer#b "+s.View
		}, 0, false},
		{"another caller since, and no doubts", reads, "PATCH", ann, ann, "", func(s *webhook.Snapshot) { s.View = "answer#b " + s.View }, 0, true},
		{"another version of the API", reads, "PATCH", ann, with(ann, "Api-Version", "2"), "", same, 0, false},
		{"the same version of the API", reads, "PATCH", with(ann, "Api-Version", "2"), with(ann, "Api-Version", "2"), "", same, 0, true},
		{"the same language", reads, "PATCH", with(ann, "Accept-Language", "de"), with(ann, "Accept-Language", "de"), "de", same, 0, true},
		{"another language", reads, "PATCH", with(ann, "Accept-Language", "de"), with(ann, "Accept-Language", "fr"), "de", same, 0, false},
		{"another language, on which nothing depends", reads, "PATCH", with(ann, "Accept-Language", "de"), with(ann, "Accept-Language", "fr"), "", same, 0, true},
		{"never seen", reads, "PATCH", ann, ann, "", func(s *webhook.Snapshot) { *s = webhook.Snapshot{Key: s.Key} }, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, []byte(`{"resources": [{"name": "task", "path": "/tasks"`+c.rules+`}]}`))
			snap := snapshotOf(t, p, c.seen, c.language)
			c.is(&snap)
			if got := p.Match(c.method, "/tasks/5").Trusts(&snap, &c.call, nil, c.age); got != c.want {
				t.Errorf("of view %q: got %v, want %v", snap.View, got, c.want)
			}
		})
	}
}
