package rules_test

import (
	"testing"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// A GET after a call is made again where it shows the state from before the call,
// though that should have changed: of what was told to be done, for the API may lag;
// of an unknown outcome, for it may be done yet.
func TestLags(t *testing.T) {
	const was = `{"id":5,"title":"A","n":1,"rev":7}`
	alter := func(x *webhook.Exchange, status int, ending webhook.Ending) *webhook.Exchange {
		x.Response = webhook.Response{Status: status, Header: webhook.Header{}}
		x.Ending = ending
		if ending == webhook.Unknown {
			x.Response.Body.Missing = webhook.CutOff
		}
		return x
	}
	patch := func(status int, ending webhook.Ending) *webhook.Exchange {
		return alter(taskCall("PATCH"), status, ending)
	}
	create := func(ending webhook.Ending) *webhook.Exchange {
		x := alter(taskCall("PATCH"), 201, ending)
		x.Request.Method, x.Request.Path = "POST", "/tasks"
		x.Response.Header["Location"] = []string{"/tasks/5"}
		return x
	}
	sets := func(status int, ending webhook.Ending, body string) *webhook.Exchange {
		x := patch(status, ending)
		x.Request.Body.Bytes = []byte(body)
		return x
	}
	accepted := create(webhook.Completed)
	accepted.Response.Status = 202
	several := patch(204, webhook.Completed)
	several.Request.Path, several.Request.Body.Bytes = "/tasks", []byte(`[{"id":6,"title":"B"},{"id":5,"title":"B"}]`)
	reads := taskCall("PATCH")
	reads.Request.Method = "GET"
	const versioned = `, "version": "rev"`
	for _, c := range []struct {
		name, rules string
		x           *webhook.Exchange
		before      string
		status      int
		shown       string
		want        bool
	}{
		{"done, and not shown", "", patch(204, webhook.Completed), was, 200, was, true},
		{"done, and shown", "", patch(204, webhook.Completed), was, 200, `{"id":5,"title":"B","n":1,"rev":8}`, false},
		{"done, and something else shown", "", patch(204, webhook.Completed), was, 200, `{"id":5,"title":"A","n":2,"rev":7}`, false},
		{"done, and nothing known before", "", patch(204, webhook.Completed), "", 200, was, false},
		{"done, and nothing there", "", patch(204, webhook.Completed), was, 404, "", false},
		{"done, and of the same version", versioned, patch(204, webhook.Completed), was, 200, `{"id":5,"title":"A","n":2,"rev":7}`, true},
		{"done, and older", versioned, patch(204, webhook.Completed), was, 200, `{"id":5,"title":"B","n":1,"rev":6}`, true},
		{"done, and newer", versioned, patch(204, webhook.Completed), was, 200, `{"id":5,"title":"A","n":1,"rev":8}`, false},
		{"done, and of no version", versioned, patch(204, webhook.Completed), was, 200, `{"id":5,"title":"A","n":1}`, true},
		{"done, and of no version before", versioned, patch(204, webhook.Completed), `{"id":5,"title":"A","n":1}`, 200, was, true},
		{"done, to what it was", "", sets(204, webhook.Completed, `{"title":"A"}`), was, 200, was, false},
		{"done, and what it emptied is gone", "", sets(204, webhook.Completed, `{"title":"B","n":null}`), was, 200, `{"id":5,"title":"A","rev":7}`, false},
		{"done, and what it emptied is there", "", sets(204, webhook.Completed, `{"title":"B","n":null}`), was, 200, was, true},
		{"done, and what it set is not there", "", sets(204, webhook.Completed, `{"title":"B","n":2}`), was, 200, `{"id":5,"title":"A","rev":7}`, true},
		{"done, and what it emptied never was", "", sets(204, webhook.Completed, `{"title":"B","x":null}`), was, 200, was, true},
		{"accepted for later, and not there", "", accepted, "", 404, "", false},
		{"accepted for later", "", patch(202, webhook.Completed), was, 200, was, false},
		{"unknown, and not shown", "", patch(0, webhook.Unknown), was, 200, was, true},
		{"unknown, and shown as before in other words", "", patch(0, webhook.Unknown), was, 200, `{"id":"5","title":"A","n":1,"rev":"7"}`, true},
		{"unknown, and nothing known before", "", patch(0, webhook.Unknown), "", 200, was, false},
		{"unknown, and shown", "", patch(0, webhook.Unknown), was, 200, `{"id":5,"title":"B","n":1,"rev":8}`, false},
		{"deleted, as far as is known, and shown", "", alter(taskCall("DELETE"), 0, webhook.Unknown), was, 200, was, true},
		{"deleted, as far as is known, never seen, and shown", "", alter(taskCall("DELETE"), 0, webhook.Unknown), "", 200, was, true},
		{"deleted, as far as is known, and not there", "", alter(taskCall("DELETE"), 0, webhook.Unknown), was, 404, "", false},
		{"created, and not there", "", create(webhook.Completed), "", 404, "", true},
		{"created, and shown", "", create(webhook.Completed), "", 200, was, false},
		{"created, and the API fails", "", create(webhook.Completed), "", 500, "", false},
		{"one of several", "", several, was, 200, was, false},
		{"a call that changes nothing", "", reads, was, 200, was, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, []byte(`{"resources": [{"name": "task", "path": "/tasks"`+c.rules+`}]}`))
			snap := webhook.Snapshot{Key: webhook.EntityKey{API: rules.DefaultAPI, Resource: "task", ID: "5"}}
			if c.before != "" {
				snap.Sequence, snap.Body, snap.View, snap.Seen = 3, []byte(c.before), "get", c.x.Started
			}
			seen := &webhook.Observation{
				Requested: c.x.Ended, Received: c.x.Ended, Status: c.status,
				Header: webhook.Header{"Content-Type": {"application/json"}}, Body: webhook.Body{Bytes: []byte(c.shown)},
			}
			if got := p.Lags(c.x, &snap, seen); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if plan := p.Plan(c.x); len(plan.Subjects) == 2 && (!plan.Lags(1, &snap, seen) || plan.Lags(0, &webhook.Snapshot{Key: plan.Subjects[0].Key}, seen)) {
				t.Error("it lags for 5, and for 6 nothing is known")
			}
		})
	}
}
