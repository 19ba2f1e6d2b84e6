package rules_test

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// What is known under a call's key may be of another thing; then it spares no
// GET, and lends it no validator.
func TestKnows(t *testing.T) {
	p := compile(t, []byte(`{"resources": [
		{"name": "repo", "path": "/orgs/{org}/repos", "item": "{name}"},
		{"name": "{kind}", "path": "/all/{kind}/{box}/things"}]}`))
	for name, c := range map[string]struct {
		path string
		snap webhook.Snapshot
		want bool
	}{
		"plain":               {"/orgs/x/repos/a", webhook.Snapshot{}, true},
		"same parent":         {"/orgs/x%2Fy/repos/a", webhook.Snapshot{Parent: "/x%2Fy"}, true},
		"another parent":      {"/orgs/y/repos/a", webhook.Snapshot{Parent: "/x"}, false},
		"name given up":       {"/orgs/x/repos/a", webhook.Snapshot{Name: "b"}, false},
		"by its new name":     {"/orgs/x/repos/b", webhook.Snapshot{Name: "b"}, true},
		"resource from path":  {"/all/red/1/things/a", webhook.Snapshot{Parent: "/1"}, true},
		"another of its path": {"/all/red/2/things/a", webhook.Snapshot{Parent: "/1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := p.Match("DELETE", c.path)
			c.snap.Key.ID, c.snap.Body = "a", []byte(`{}`)
			if got := m.Knows(&c.snap); got != c.want {
				t.Errorf("Knows is %v", got)
			}
			if got := m.Trusts(&c.snap, &webhook.Request{}, nil, time.Second); got != c.want {
				t.Errorf("Trusts is %v", got)
			}
		})
	}
}
