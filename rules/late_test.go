package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/cases"
	"github.com/sidehook/sidehook/webhook"
)

// What is derived out of its turn (it was in quarantine) tells of an entity that
// nobody touched since as ever. Of one that changed since it is a gap: what this call
// did cannot be told apart. A delete of what is gone since tells nothing.
func TestLate(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "task", "path": "/tasks"}]}`))
	const gap = `task.gap task/5 #4 rule_error: %s /tasks/5 was done and set aside, because a rule failed; the entity has changed since, and what this call changed cannot be told apart (`
	live := webhook.Snapshot{Body: []byte(`{"id":5,"title":"A","n":1}`)}
	gone := webhook.Snapshot{Deleted: true}
	for _, c := range []struct {
		name, method string
		snap         webhook.Snapshot
		since        time.Duration // when that was seen, since the call ended
		want         string
	}{
		{"delete", "DELETE", live, -time.Second, `task.deleted task/5 #4 was {"id":5,"title":"A","n":1} (snapshot → response, observed)`},
		{"delete of what changed since", "DELETE", live, time.Second, fmt.Sprintf(gap, "DELETE") + `snapshot → none, inferred)`},
		{"delete in its turn, seen since", "delete", live, time.Second, `task.deleted task/5 #4 was {"id":5,"title":"A","n":1} (snapshot → response, observed)`},
		{"update in its turn, seen since", "patch", live, time.Second, `task.updated task/5 #4 title: "A" → "B" (snapshot → response, observed)`},
		{"delete of what is gone since", "DELETE", gone, time.Second, ""},
		{"update", "PATCH", live, -time.Second, `task.updated task/5 #4 title: "A" → "B" (snapshot → response, observed)`},
		{"update of what changed since", "PATCH", live, time.Second, fmt.Sprintf(gap, "PATCH") + `snapshot → response, observed)`},
		{"update of what is gone since", "PATCH", gone, time.Second, fmt.Sprintf(gap, "PATCH") + `none → response, observed)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			late := c.method == strings.ToUpper(c.method)
			x := taskCall(strings.ToUpper(c.method))
			snap := c.snap
			snap.Key = webhook.EntityKey{API: rules.DefaultAPI, Resource: "task", ID: "5"}
			snap.Sequence, snap.View, snap.Seen = 3, "answer", x.Ended.Add(c.since)
			got, err := p.Derive(x, p.Plan(x), []webhook.Snapshot{snap}, []rules.Seen{{Late: late}})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for i := range got.Events {
				lines = append(lines, cases.Line(&got.Events[i]))
			}
			if want := []string{c.want}; !slices.Equal(lines, want) && (c.want != "" || lines != nil) {
				t.Errorf("got %q, want %q", lines, want)
			}
			for _, next := range got.Snapshots {
				if late && c.since > 0 && (next.Deleted != snap.Deleted || string(next.Body) != string(snap.Body)) {
					t.Errorf("what is known since is lost: %+v", next)
				}
			}
		})
	}
}

// taskCall is a call on task 5 that succeeded.
func taskCall(method string) *webhook.Exchange {
	h := webhook.Header{"Content-Type": {"application/json"}}
	x := &webhook.Exchange{
		ID: webhook.NewExchangeID(startOfTime), API: rules.DefaultAPI, Started: startOfTime, Ended: startOfTime.Add(time.Millisecond),
		Request: webhook.Request{Method: method, Path: "/tasks/5", Header: h}, Response: webhook.Response{Status: 204},
	}
	if method == "PATCH" {
		x.Request.Body.Bytes = []byte(`{"title":"B"}`)
		x.Response = webhook.Response{Status: 200, Header: h, Body: webhook.Body{Bytes: []byte(`{"id":5,"title":"B","n":1}`)}}
	}
	return x
}
