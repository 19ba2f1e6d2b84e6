package derive_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// shows returns a Get that answers body, once started has run.
func shows(body string, started func(n int)) derive.Get {
	n := 0
	return func(_ context.Context, path string) *webhook.Observation {
		o := &webhook.Observation{Requested: time.Now(), Status: 200, Header: webhook.Header{"Content-Type": {"application/json"}}}
		n++
		started(n)
		o.Body.Bytes = fmt.Appendf(nil, body, strings.TrimPrefix(path, "/projects/"), n)
		o.Received = time.Now()
		return o
	}
}

// A GET during which a call on its entity was open says nothing: it is made
// again. What the last one showed is an exchange of its own, in the journal.
func TestARefreshIsMadeAgainUnlessItsEntityWasAtRest(t *testing.T) {
	l := openLine(t, t.TempDir())
	defer func() { l.close() }()
	parent := webhook.EntityKey{API: rules.DefaultAPI, Resource: "project", ID: "9"}
	l.service = shows(`{"id":%q,"n":%d,"name":"Roof","status":"open"}`, func(n int) {
		if n == 1 {
			c := l.traffic.Enter(t.Context(), parent, 0)
			c.Leave(webhook.NewExchangeID(time.Now()), time.Now())
			c.Settle()
		}
	})
	l.run()
	l.patch("9", 0)
	l.child("1", `["9"]`)
	l.seen.wait(t, "refreshed", 1)
	l.seen.wait(t, "recorded", 3)
	events := l.events()
	last := events[len(events)-1]
	if last.Key != parent || last.Sequence != 2 || !strings.Contains(string(last.After), `"n":2`) || last.Cause != events[1].Exchange {
		t.Errorf("the last of %d events is %+v, want the parent as the second GET showed it, caused by the child", len(events), last)
	}
}

// The GET waits for a call on its entity that has ended and may not be journaled
// yet: else that would seem to have changed nothing.
func TestARefreshWaitsForWhatIsNotJournaled(t *testing.T) {
	l := openLine(t, t.TempDir())
	defer func() { l.close() }()
	settled := make(chan struct{})
	l.service = shows(`{"id":%q,"n":%d}`, func(int) {
		select {
		case <-settled:
		default:
			t.Error("a GET before the call was settled")
		}
	})
	l.run()
	c := l.traffic.Enter(t.Context(), webhook.EntityKey{API: rules.DefaultAPI, Resource: "project", ID: "9"}, 0)
	c.Leave(webhook.NewExchangeID(time.Now()), time.Now())
	l.child("1", `["9"]`)
	l.seen.wait(t, "recorded", 1)
	l.patch("3", 0) // time for a GET
	l.seen.wait(t, "recorded", 2)
	close(settled)
	c.Settle()
	l.seen.wait(t, "refreshed", 1)
}

// While a call is open that may be on the entity, though its path does not name it,
// nothing is taken for its state: the GET waits for such a call, and is made again
// if one came meanwhile.
func TestARefreshHeedsCallsThatMayBeOnItsEntity(t *testing.T) {
	for _, test := range []struct {
		name string
		in   int // the GET during which the call comes; 0: it is open before
	}{{"open", 0}, {"comes", 1}} {
		t.Run(test.name, func(t *testing.T) {
			l := openLine(t, t.TempDir())
			defer func() { l.close() }()
			parent := webhook.EntityKey{API: rules.DefaultAPI, Resource: "project", ID: "9"}
			came, over := make(chan *derive.Call, 1), make(chan struct{})
			if test.in == 0 {
				came <- l.traffic.EnterList(parent)
			}
			l.service = shows(`{"id":%q,"n":%d,"name":"Roof","status":"open"}`, func(n int) {
				if n == test.in {
					came <- l.traffic.EnterList(parent)
					return
				}
				select {
				case <-over:
				default:
					t.Error("a GET while the call was open")
				}
			})
			l.run()
			l.child("1", `["9"]`)
			list := <-came
			l.seen.wait(t, "recorded", 1)
			l.patch("3", 0) // time for a GET
			l.seen.wait(t, "recorded", 2)
			if n := l.seen.counted("refreshed"); n > 0 {
				t.Errorf("%d refreshed while the call was open", n)
			}
			close(over)
			list.Drop()
			l.seen.wait(t, "refreshed", 1)
		})
	}
}

// A refresh refreshes nothing: entities that name each other are no loop.
func TestARefreshCausesNoRefresh(t *testing.T) {
	l := openLine(t, t.TempDir())
	defer func() { l.close() }()
	gets := 0
	l.service = shows(`{"id":%q,"n":%d,"name":"Roof","parents":["1","2"]}`, func(n int) { gets = n })
	l.run()
	l.patch("2", 0)
	l.child("1", `["1","2"]`) // itself too
	l.seen.wait(t, "refreshed", 1)
	l.seen.wait(t, "recorded", 3)
	l.patch("3", 0)
	l.seen.wait(t, "recorded", 4)
	if gets != 1 {
		t.Errorf("%d GETs, want 1", gets)
	}
}

// What the caller lends is used before the service; with neither, and when the
// process ends, nothing is asked, and that is told.
func TestWhoRefreshes(t *testing.T) {
	l := openLine(t, t.TempDir())
	defer func() { l.close() }()
	l.run()
	l.child("1", `["9","8"]`)
	l.seen.wait(t, "not refreshed", 2)

	c := l.traffic.EnterUnnamed(project5)
	x := l.exchange("2", `{"id":"2","parents":["9"],"name":"Roof","a":1,"b":2}`)
	c.Leave(x.ID, time.Now())
	c.Lend(shows(`{"id":%q,"n":%d}`, func(int) {}))
	c.Settle()
	l.end(x)
	l.seen.wait(t, "refreshed", 1)

	l.service = shows(`{"id":%q,"n":%d}`, func(int) { t.Error("a GET while the process ends") })
	l.traffic.Close()
	l.child("3", `["9"]`)
	l.seen.wait(t, "not refreshed", 3)
}

// A refresh that was under way when the process ended is made up for by the next,
// as the service; where nobody may ask any more, or the rules are gone by which what
// it shows would be read, a gap says so.
func TestARefreshThatWasCutIsMadeUpFor(t *testing.T) {
	shown := `{"id":%q,"n":%d,"name":"Roof","status":"open"}`
	for name, c := range map[string]struct {
		service derive.Get
		gone    bool // the configuration
		want    string
	}{
		"the service asks": {shows(shown, func(int) {}), false, `project.updated 9 #2 fetch {"id":"9","n":1,"name":"Roof","status":"open"}`},
		"nobody may ask":   {nil, false, `project.gap  #0 none `},
		"nobody can read":  {shows(shown, func(int) {}), true, `project.gap  #0 none `},
	} {
		t.Run(name, func(t *testing.T) {
			dir, asked := t.TempDir(), make(chan struct{})
			l := openLine(t, dir)
			l.service = func(ctx context.Context, _ string) *webhook.Observation {
				close(asked)
				<-ctx.Done()
				return &webhook.Observation{Error: "cut"}
			}
			l.run()
			l.patch("9", 0)
			l.child("1", `["9"]`)
			<-asked
			l.close()
			for range 2 { // and once only
				l = openLine(t, dir)
				l.service, l.faulty.forgot = c.service, c.gone
				l.run()
				<-l.deriver.CaughtUp()
				l.until("the note is forgotten", func() bool {
					notes, err := l.store.Notes(t.Context(), "refresh/", 10)
					return err == nil && len(notes) == 0
				})
				l.until("it is told", func() bool { return slices.Contains(told(l.events()), c.want) })
				l.close()
			}
			l = openLine(t, dir)
			n := 0
			for _, line := range told(l.events()) {
				if line == c.want {
					n++
				}
			}
			if l.close(); n != 1 {
				t.Errorf("%d times %s, want once", n, c.want)
			}
		})
	}
}

// until waits for a condition of what l keeps.
func (l *line) until(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("%s: not in 20 s", what)
		}
	}
}

// The note that an entity is to be refreshed goes only when what the GET showed is on
// disk: else the machine could lose both, and a journal that cannot write the one.
func TestARefreshIsOwedUntilItIsOnDisk(t *testing.T) {
	for became, want := range map[string]int{"refreshed": 0, "not refreshed": 1} {
		t.Run(became, func(t *testing.T) {
			l := openLine(t, t.TempDir())
			defer func() { l.close() }()
			l.damaged = new(damaged)
			l.damaged.down.Store(want > 0)
			l.service = shows(`{"id":%q,"n":%d,"name":"Roof","status":"open"}`, func(int) {})
			l.run()
			l.patch("9", 0)
			l.child("1", `["9"]`)
			l.seen.wait(t, became, 1)
			l.traffic.Drain(10 * time.Second) // what is under way ends by itself
			owed, err := l.store.Notes(t.Context(), "refresh/", 10)
			if err != nil || len(owed) != want {
				t.Errorf("%d are owed, want %d; %v", len(owed), want, err)
			}
			if n := l.damaged.unsynced.Load(); n > 0 {
				t.Errorf("%d ends were not synced", n)
			}
		})
	}
}
