package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// A GET that follows from a call is told as its caller's, with what the call said of
// how things are shown and nothing of its body and its conditions; one that the service
// made is nobody's, and how the caller wanted things shown says nothing of it.
func TestWhatAGETThatFollowsFromACallSaysOfIt(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "task", "path": "/tasks"}]}`))
	cause := taskCall("PATCH")
	cause.ID, cause.API, cause.Config = webhook.ExchangeID{1}, "shop", webhook.ConfigID{7}
	cause.Request.ID, cause.Request.Trace, cause.Request.SkipKey, cause.Request.Caller = "r-1", "00-t", "key", []byte("ann")
	cause.Request.Header = webhook.Header{
		"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}, "Prefer": {"return=minimal"}, "If-Match": {`"1"`},
		"If-None-Match": {"*"}, "Idempotency-Key": {"k"}, "X-Fields": {"id"}, "X-Goog-Fieldmask": {"id"},
		"Accept": {"application/json"}, "Accept-Language": {"de"}, "X-Space": {"acme"},
	}
	o := &webhook.Observation{Requested: cause.Ended, Received: cause.Ended, Status: 200, Header: webhook.Header{"Etag": {"2"}}}
	r := rules.Refreshed{Path: "/tasks/5?lang=de"}
	want := webhook.Request{
		Method: "GET", Path: "/tasks/5", Query: "lang=de", ID: "r-1", Trace: "00-t", SkipKey: "key", Caller: []byte("ann"),
		Header: webhook.Header{"Accept": {"application/json"}, "Accept-Language": {"de"}, "X-Space": {"acme"}},
	}
	got := p.Observed(webhook.ExchangeID{2}, cause, r, o)
	if diff := cmp.Diff(want, got.Request); diff != "" {
		t.Error(diff)
	}
	if got.ID != (webhook.ExchangeID{2}) || got.Cause != cause.ID || got.API != "shop" || got.Config != (webhook.ConfigID{7}) || got.Service || got.Response.Header.Get("Etag") != "2" {
		t.Errorf("got %+v", got)
	}
	o.Service, want.Caller, want.Header = true, nil, webhook.Header{"X-Space": {"acme"}}
	got = p.Observed(webhook.ExchangeID{2}, cause, r, o)
	if diff := cmp.Diff(want, got.Request); diff != "" || !got.Service {
		t.Error("of the service:", got.Service, diff)
	}
}

// What a change refreshes is each entity that its ids name once, never itself, and no
// more than a hundred; a change of nothing that counts, and a GET, refresh nothing.
func TestWhatIsRefreshed(t *testing.T) {
	p := compile(t, []byte(`{"tenant": "request.header[\"X-Space\"]", "resources": [
		{"name": "task", "path": "/tasks", "ignore": ["seen"], "refresh": [{"resource": "task", "id": "after.watchers"}]},
		{"name": "done", "path": "/tasks/done", "singular": true}]}`))
	many := strings.TrimSuffix(strings.Repeat("%d,", 102), ",")
	ids := make([]any, 102)
	for i := range ids {
		ids[i] = i + 100
	}
	for _, c := range []struct {
		name, before, after string
		seed                bool
		want                []string
		skipped             string
	}{
		{name: "each once, and not itself", before: `{"id":5,"title":"A","n":1}`, after: `{"id":5,"title":"B","n":1,"watchers":[7,5,8,7]}`, want: []string{"/tasks/7", "/tasks/8"}},
		{name: "one", before: `{"id":5,"title":"A","n":1}`, after: `{"id":5,"title":"B","n":1,"watchers":"7"}`, want: []string{"/tasks/7"}},
		{name: "none", before: `{"id":5,"title":"A","n":1}`, after: `{"id":5,"title":"B","n":1,"watchers":null}`},
		{name: "nothing changed", before: `{"id":5,"title":"B","n":1,"watchers":7}`, after: `{"id":5,"title":"B","n":1,"watchers":7}`},
		{name: "nothing that counts", before: `{"id":5,"title":"B","n":1,"seen":1,"watchers":7}`, after: `{"id":5,"title":"B","n":1,"seen":2,"watchers":7}`},
		{name: "another resource's path", before: `{"id":5,"title":"A","n":1}`, after: `{"id":5,"title":"B","n":1,"watchers":"done"}`, skipped: "refresh task done: its path is another resource's"},
		{name: "no path", before: `{"id":5,"title":"A","n":1}`, after: `{"id":5,"title":"B","n":1,"watchers":".."}`, skipped: "refresh task ..: there is no path of such an entity"},
		{name: "too many", before: `{"id":5,"title":"A","n":1}`, after: fmt.Sprintf(`{"id":5,"title":"B","n":1,"watchers":[`+many+`]}`, ids...), want: make([]string, 100),
			skipped: "refresh task 201: one call refreshes 100 entities at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := taskCall("PATCH")
			x.Request.Header["X-Space"] = []string{"acme"}
			x.Response.Body.Bytes = []byte(c.after)
			snap := webhook.Snapshot{
				Key: webhook.EntityKey{API: rules.DefaultAPI, Tenant: "acme", Resource: "task", ID: "5"}, Sequence: 1, Body: []byte(c.before), View: "answer", Seen: x.Started,
			}
			got, err := p.Derive(x, p.Plan(x), []webhook.Snapshot{snap}, []rules.Seen{{}})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Refresh) != len(c.want) {
				t.Fatalf("got %v, skipped %q", got.Refresh, got.Skipped)
			}
			for i, r := range got.Refresh {
				_, id, _ := strings.Cut(r.Path, "/tasks/")
				if c.want[i] != "" && r.Path != c.want[i] || r.Key != (webhook.EntityKey{API: rules.DefaultAPI, Tenant: "acme", Resource: "task", ID: id}) {
					t.Errorf("got %+v", r)
				}
			}
			if c.skipped != "" && !slices.Contains(got.Skipped, c.skipped) {
				t.Errorf("skipped %q", got.Skipped)
			}
			seen := p.Observed(webhook.ExchangeID{9}, x, rules.Refreshed{Key: snap.Key, Path: "/tasks/5"}, &webhook.Observation{
				Requested: x.Ended, Received: x.Ended, Status: 200, Header: x.Response.Header, Body: x.Response.Body,
			})
			if got, err := p.Derive(seen, p.Plan(seen), []webhook.Snapshot{snap}, []rules.Seen{{}}); err != nil || len(got.Refresh) > 0 {
				t.Errorf("a GET refreshes %v, %v", got.Refresh, err)
			}
		})
	}
}
