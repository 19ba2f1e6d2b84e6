package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// linking is a handler whose rule relates another project to the event's.
func linking(api string) string {
	return strings.Replace(looking(api), "resource project /api/projects", `resource project /api/projects {
			emit project.linked instead when changed("parent") {
				related parent after.parent {
					resource project
				}
				related note after.parent.name
			}
		}`, 1)
}

// relatedOf returns what a webhook says is related to its entity.
func relatedOf(t *testing.T, a arrival) map[string]any {
	t.Helper()
	var body struct{ Related map[string]any }
	if err := json.Unmarshal([]byte(a.Raw), &body); err != nil {
		t.Fatalf("%v: %s", err, a.Raw)
	}
	return body.Related
}

// An entity that a rule relates to the event's is sent as the subscriber's own GET
// of it shows it, if the subscriber asks for that, and not at all if none does.
// What is no entity, and what others get, is as it was recorded.
func TestARelatedEntityIsSentAsTheSubscriberSeesIt(t *testing.T) {
	api, s := newLimited(t)
	a, all := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("a", a, `scopes project.linked
			payload full
			order subscription
			credential Authorization "Bearer a"
			related parent {
				expand owner
				query load-only id name
			}`)+subscribe("all", all, `scopes project.linked
			payload full
			order subscription`), linking(s.URL), s.URL))
	ours, theirs, child := p.create("a"), p.create("b"), p.create("a")
	for _, c := range []struct {
		parent string
		a, all map[string]any // what is related
	}{
		{`{"id":` + ours + `,"name":"X","salary":7}`,
			map[string]any{"parent": map[string]any{"id": 1.0, "team": "a", "status": "new", "owner": map[string]any{"name": "the owner", "secret": 1.0}}, "note": "X"},
			map[string]any{"parent": map[string]any{"id": 1.0, "name": "X", "salary": 7.0}, "note": "X"}},
		{`{"id":` + theirs + `,"name":"Y"}`,
			map[string]any{"parent": nil, "note": "Y"},
			map[string]any{"parent": map[string]any{"id": 2.0, "name": "Y"}, "note": "Y"}},
		{`{"name":"Z"}`,
			map[string]any{"parent": nil, "note": "Z"},
			map[string]any{"parent": map[string]any{"name": "Z"}, "note": "Z"}},
		{`null`,
			map[string]any{"parent": nil, "note": nil},
			map[string]any{"parent": nil, "note": nil}},
	} {
		p.call("PATCH", "/api/projects/"+child, `{"parent":`+c.parent+`}`)
		until(t, "it is told", p.settled)
		for _, told := range []struct {
			to   *receiver
			want map[string]any
		}{{a, c.a}, {all, c.all}} {
			got := told.to.all()
			if len(got) == 0 {
				t.Fatalf("of %s nothing came", c.parent)
			}
			if diff := cmp.Diff(told.want, relatedOf(t, got[len(got)-1])); diff != "" {
				t.Errorf("of %s (-want +sent):\n%s", c.parent, diff)
			}
		}
	}
	if len(a.all()) != 4 || len(all.all()) != 4 {
		t.Errorf("%d and %d webhooks came, want 4 each", len(a.all()), len(all.all()))
	}
	want := []string{fmt.Sprintf("/api/projects/%s?expand=owner&load-only=id,name", ours), fmt.Sprintf("/api/projects/%s?expand=owner&load-only=id,name", theirs)}
	if diff := cmp.Diff(want, api.gets("a")); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// As long as it cannot be told how a related entity is shown, nothing is sent, and
// no attempt is spent.
func TestARelatedEntityIsAskedForAgain(t *testing.T) {
	api, s := newLimited(t)
	a := receive(t, nil)
	api.answers(func(_, _ string, asked int) int {
		if asked <= 2 {
			return 503
		}
		return 0
	})
	p := start(t, caddyfile(subscribe("a", a, `scopes project.linked
			payload full
			retry none
			credential Authorization "Bearer a"
			related parent {
				expand owner
			}`), linking(s.URL), s.URL))
	ours, child := p.create("a"), p.create("a")
	p.call("PATCH", "/api/projects/"+child, `{"parent":{"id":`+ours+`}}`)
	got := a.wait(1)
	if parent, _ := relatedOf(t, got[0])["parent"].(map[string]any); parent["owner"] == nil {
		t.Errorf("sent %s", got[0].Raw)
	}
	until(t, "all is settled", p.settled)
	if ds := p.deliveriesOf("a"); len(ds) != 1 || ds[0].State != "delivered" || ds[0].Attempts != 1 {
		t.Errorf("deliveries %+v", ds)
	}
}
