package derive_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// A dead call that renamed its entity is not told by a GET that shows what a call
// under the new name did, whether that one has ended or is open yet.
func TestAGetBehindACallUnderTheNewNameTellsNothingOfADeadRename(t *testing.T) {
	const is = `{"slug":"b","title":"A","n":5}`
	for name, c := range map[string]struct {
		ended bool // before the earlier process's calls are asked about
		shown string
		among int // other calls that are not recorded
	}{
		"ended":                          {true, is, 0},
		"ended, and quiet":               {true, "", 0},
		"ended, amid more than are kept": {true, is, 1 << 14},
		"open":                           {false, is, 0},
		"open, and quiet":                {false, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, dead := openRenamed(t, "")
			defer func() { l.close() }()
			key := page("b")
			l.service = showsBody(is)
			l.open()
			var others []webhook.ExchangeID
			for range c.among {
				other := l.traffic.EnterUnnamed(project5)
				others = append(others, leave(other))
				other.About(nil)
				other.Settle()
			}
			call := l.traffic.Enter(t.Context(), key, 0)
			if !c.ended {
				l.run()
				<-l.deriver.CaughtUp()
			}
			l.leave(call, l.page("b", `{"n":5}`, c.shown))
			if c.shown != "" {
				call.Settle()
			} else {
				call.Observe(key, func(ctx context.Context) *webhook.Observation { return showsBody(is)(ctx, "") })
			}
			for _, id := range others {
				l.traffic.Forget(id)
			}
			if c.ended {
				l.run()
			}
			l.seen.wait(t, "recorded", 2)
			events := l.events()
			if len(events) != 3 {
				t.Fatalf("%d events: %v", len(events), told(events))
			}
			one, two := &events[1], &events[2]
			if one.Exchange != dead.ID || one.Provenance.After == webhook.FromFetch || !one.Provenance.Concurrent || changes(one) != `slug "a" "b"` {
				t.Errorf("the dead call is told as %s, by %+v", changes(one), one.Provenance)
			}
			if two.Key.ID != "a" || string(two.After) != is || changes(two) != "n 1 5" {
				t.Errorf("the new call is told as %s %s %s", two.Key, two.After, changes(two))
			}
		})
	}
}

// A call that is open under the new name while the rename is recorded is one on
// the entity from then on.
func TestACallThatIsOpenUnderANewNameIsOnTheEntity(t *testing.T) {
	l, _ := openRenamed(t, `{"slug":"b","title":"A","n":1}`)
	defer func() { l.close() }()
	l.open()
	first := l.traffic.Enter(t.Context(), page("b"), 0)
	l.run().seen.wait(t, "recorded", 1)
	if !l.traffic.Busy(page("a")) {
		t.Error("nothing is open on the entity")
	}
	second := l.traffic.Enter(t.Context(), page("a"), 0)
	first.Drop()
	if !second.Leave(webhook.NewExchangeID(time.Now()), time.Now()) {
		t.Error("two calls under two names of an entity did not overlap")
	}
	second.Settle()
}

// openRenamed returns a line whose page a was renamed to b by the process before,
// which answered with shown, if it is not empty, and died before it derived that.
func openRenamed(t *testing.T, shown string) (l *line, dead *webhook.Exchange) {
	dir := t.TempDir()
	l = openLine(t, dir)
	l.end(l.page("a", `{"n":1}`, `{"slug":"a","title":"A","n":1}`))
	l.run().seen.wait(t, "recorded", 1)
	l.close()
	l = openLine(t, dir)
	dead = l.end(l.page("a", `{"slug":"b"}`, shown))
	l.close()
	return openLine(t, dir), dead
}

func page(slug string) webhook.EntityKey {
	return webhook.EntityKey{API: rules.DefaultAPI, Resource: "page", ID: slug}
}

// page returns an update of a page, whose path is made of its slug, answered with
// shown or, if that is empty, 204.
func (l *line) page(slug, set, shown string) *webhook.Exchange {
	x := l.exchange("", shown)
	x.Request.Path, x.Request.Body.Bytes = "/pages/"+slug, []byte(set)
	if shown == "" {
		x.Response.Status, x.Response.Body = http.StatusNoContent, webhook.Body{}
	}
	return x
}
