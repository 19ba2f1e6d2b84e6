package derive_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// A call of this process that came before those of the dead one are asked about
// may have made what their GET shows: the change is its own, and of the dead call
// nothing is known but its request.
func TestAGetThatComesAfterANewCallTellsNothingOfADeadOne(t *testing.T) {
	const is = `{"id":"7","n":5,"name":"Wing","status":"open"}`
	dead := map[string]func(*line){
		"answered": func(l *line) {
			x := l.exchange("7", "")
			x.Response.Status, x.Request.Body.Bytes = 204, []byte(`{"name":"Wing"}`)
			l.end(x)
		},
		"in flight": func(l *line) { l.begin(l.exchange("7", "")) },
	}
	came := map[string]func(*line){
		"answered": func(l *line) { l.live("7", is) },
		"quiet":    func(l *line) { l.live("7", "") },
		"bulk": func(l *line) {
			c := l.traffic.EnterUnnamed(project5)
			l.leave(c, l.exchange("7", is))
			c.About([]webhook.EntityKey{projectKey("7")})
			c.Settle()
		},
	}
	changed := map[string]string{"answered": `name "Roof" "Wing"`}
	for how, dies := range dead {
		for n := range 2 * len(came) {
			what, waited := slices.Sorted(maps.Keys(came))[n/2], n%2 == 1
			comes := came[what]
			t.Run(fmt.Sprintf("%s then %s, waited %v", how, what, waited), func(t *testing.T) {
				dir := t.TempDir()
				l := openLine(t, dir)
				l.patch("7", 1)
				l.run().seen.wait(t, "recorded", 1)
				l.close()
				l = openLine(t, dir)
				dies(l)
				l.close()
				l = openLine(t, dir)
				defer func() { l.close() }()
				l.service = showsBody(is)
				if waited { // the store was not open yet
					l.traffic.Expect()
					comes(l)
					l.open()
				} else {
					l.open()
					comes(l)
				}
				l.run().seen.wait(t, "recorded", 2)
				events := l.events()
				if len(events) != 3 {
					t.Fatalf("%d events: %v", len(events), told(events))
				}
				one, two := &events[1], &events[2]
				if one.Provenance.After == webhook.FromFetch || !one.Provenance.Concurrent || changes(one) != changed[how] {
					t.Errorf("the dead call is told as %s, by %+v", changes(one), one.Provenance)
				}
				if string(two.After) != is || how == "answered" && changes(two) != "n 1 5" {
					t.Errorf("the new call is told as %s %s", two.After, changes(two))
				}
				if g := events[1].Gap; how == "in flight" && (g == nil || !strings.Contains(g.Detail, "another call on the entity came before")) {
					t.Errorf("gap %+v", g)
				}
			})
		}
	}
}

func changes(e *webhook.Event) string {
	var all []string
	for _, c := range e.Changes {
		all = append(all, fmt.Sprintf("%s %s %s", c.Path, c.Old, c.New))
	}
	return strings.Join(all, ", ")
}

// One that was refused changed nothing, and one on another entity neither.
func TestAGetTellsOfADeadCallIfNoOtherCameOnItsEntity(t *testing.T) {
	for name, comes := range map[string]func(*line){
		"refused": func(l *line) { l.traffic.Enter(t.Context(), projectKey("7"), 0).Drop() },
		"another": func(l *line) { l.live("8", `{"id":"8","n":5,"name":"Roof","status":"open"}`) },
		"created": func(l *line) {
			c := l.traffic.EnterUnnamed(project5)
			l.leave(c, l.exchange("8", `{"id":"8","n":5,"name":"Roof","status":"open"}`))
			c.About([]webhook.EntityKey{projectKey("8")})
			c.Settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := openLine(t, dir)
			x := l.quiet("7")
			l.close()
			l = openLine(t, dir)
			defer func() { l.close() }()
			l.service = showsBody(`{"id":"7","n":3,"name":"Roof","status":"open"}`)
			l.open()
			comes(l)
			records := 2
			if name == "refused" {
				records = 1
			}
			l.run().seen.wait(t, "recorded", records)
			if events := l.events(); !slices.ContainsFunc(events, func(e webhook.Event) bool {
				return e.Exchange == x.ID && e.Provenance.After == webhook.FromFetch
			}) {
				t.Errorf("%v", told(events))
			}
		})
	}
}

// live journals an update of a project as a call of this process, answered with
// body or, if that is empty, 204 and a GET of its own.
func (l *line) live(id, body string) {
	l.t.Helper()
	key := webhook.EntityKey{API: rules.DefaultAPI, Resource: "project", ID: id}
	c, x := l.traffic.Enter(l.t.Context(), key, 0), l.exchange(id, body)
	x.Request.Body.Bytes = []byte(`{"n":5}`)
	if body == "" {
		x.Response.Status, x.Response.Body = 204, webhook.Body{}
	}
	l.leave(c, x)
	if body != "" {
		c.Settle()
		return
	}
	c.Observe(key, func(ctx context.Context) *webhook.Observation { return l.service(ctx, "") })
}

// leave journals x as the end of c.
func (l *line) leave(c *derive.Call, x *webhook.Exchange) {
	l.t.Helper()
	l.begin(x)
	x.Ended = time.Now()
	x.Overlapped = c.Leave(x.ID, x.Ended)
	if err := l.journal.End(l.t.Context(), x, true); err != nil {
		l.t.Fatal(err)
	}
}

// showsBody returns a service that shows the same to every GET.
func showsBody(body string) derive.Get {
	return func(context.Context, string) *webhook.Observation {
		now := time.Now()
		return &webhook.Observation{
			Requested: now, Received: now.Add(time.Millisecond), Status: 200, Service: true,
			Header: webhook.Header{"Content-Type": {"application/json"}}, Body: webhook.Body{Bytes: []byte(body)},
		}
	}
}
