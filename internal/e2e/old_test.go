package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// These are about what is days old. No binary is run for days: what it finds in its
// directory was recorded that long ago.

// past is a store that the next start of p finds.
type past struct {
	*badger.Store
	t *testing.T
}

// remember fills the directory of p, which does not run.
func (p *process) remember(fill func(past)) {
	p.t.Helper()
	s, err := badger.Open(badger.Options{Dir: filepath.Join(p.dir, "data", "store")})
	if err != nil {
		p.t.Fatal(err)
	}
	fill(past{s, p.t})
	if err := s.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// owe records a change of a project, that long ago, and owes it to subs.
func (s past) owe(id string, op webhook.Operation, ago time.Duration, subs ...webhook.SubscriptionID) webhook.EventID {
	s.t.Helper()
	at := time.Now().Add(-ago).UTC()
	x, key := webhook.NewExchangeID(at), webhook.EntityKey{API: "default", Resource: "project", ID: id}
	body := json.RawMessage(fmt.Sprintf(`{"id":%s,"status":"old"}`, id))
	got, err := s.Record(context.Background(), []store.Record{{Exchange: x, Entities: []webhook.EntityKey{key}, Derive: func(before []webhook.Snapshot) (c store.Consequences, err error) {
		scope := "project." + string(op)
		ev := webhook.Event{ID: webhook.NewEventID(x, key, scope, ""), Scope: scope, Key: key, Exchange: x, Time: at, Operation: op, Sequence: before[0].Sequence + 1}
		snap := webhook.Snapshot{Key: key, Sequence: ev.Sequence, Seen: at, Deleted: op == webhook.Deleted}
		if ev.After = body; snap.Deleted {
			ev.Before, ev.After = body, nil
		}
		snap.Body = ev.After
		c.Snapshots, c.Events = []webhook.Snapshot{snap}, []webhook.Event{ev}
		for _, sub := range subs {
			c.Deliveries = append(c.Deliveries, webhook.Delivery{ID: webhook.NewDeliveryID(ev.ID, sub, 0), Event: ev.ID, Subscription: sub, State: webhook.Pending, Due: at, Created: at})
		}
		return c, nil
	}}})
	if err != nil || got[0].Err != nil {
		s.t.Fatal(err, got)
	}
	return got[0].Events[0].ID
}

// A 400 may be about how the API is asked: what is younger than a day is asked again, and
// goes out when that is mended, or when the parameters are that the API minds. Once a day has
// passed since the change it is a no to the id.
func TestA400CountsAfterADay(t *testing.T) {
	api, s := newLimited(t)
	for _, id := range []string{"1", "2", "3"} {
		api.entities[id] = map[string]any{"id": json.Number(id), "team": "a"}
	}
	a := receive(t, nil)
	p := prepare(t, caddyfile(subscribe("a", a, "scopes project.**\n\t\t\tview_check\n\t\t\tcredential Authorization \"Bearer a\""), looking(s.URL), s.URL))
	p.remember(func(was past) {
		was.owe("1", webhook.Created, 25*time.Hour, "a")
		was.owe("2", webhook.Created, 22*time.Hour, "a")
		was.owe("3", webhook.Created, 25*time.Hour, "a")
	})
	api.answers(func(_, id string, _ int) int {
		if id == "3" {
			return 0
		}
		return 400
	})
	p.start()
	a.wait(1)
	refused := func(state string) func() bool {
		return func() bool {
			return slices.ContainsFunc(p.deliveriesOf("a"), func(d shownDelivery) bool {
				return d.State == state && strings.Contains(d.Reason, "answered 400") && d.Attempts == 0
			})
		}
	}
	until(t, "what is older than a day is settled", refused("not_visible"))
	until(t, "what is younger waits", refused("pending"))
	api.answers(nil)
	for _, got := range a.wait(2) {
		if got.Body.Entity.ID == "1" {
			t.Errorf("what was refused for a day is sent: %s", got.Raw)
		}
	}
	until(t, "all is settled", p.settled)
}

// A 400 to the parameters of `expand` alone says nothing of the entity, however old the
// change is: it is asked again, and without them, until they are changed.
func TestA400ToTheParametersNeverCounts(t *testing.T) {
	api, s := newLimited(t)
	api.entities["1"] = map[string]any{"id": json.Number("1"), "team": "a"}
	api.minds = "expand"
	a := receive(t, nil)
	file := func(expand string) string {
		return caddyfile(subscribe("a", a, "scopes project.**\n\t\t\tview_check\n\t\t\tcredential Authorization \"Bearer a\""+expand), looking(s.URL), s.URL)
	}
	p := prepare(t, file("\n\t\t\texpand owner"))
	p.remember(func(was past) { was.owe("1", webhook.Created, 25*time.Hour, "a") })
	p.start()
	until(t, "it says why it waits", func() bool {
		ds := p.deliveriesOf("a")
		return len(ds) == 1 && ds[0].State == "pending" && strings.Contains(ds[0].Reason, "with the parameters of expand and query")
	})
	p.configure(file(""))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	a.wait(1)
	until(t, "all is settled", p.settled)
}

// Of what is deleted the last answer decides, for 30 days; one 404 counts at once when the
// change is older than a minute.
func TestOldAnswersOfTheAPI(t *testing.T) {
	_, s := newLimited(t) // where nothing is
	a := receive(t, nil)
	p := prepare(t, caddyfile(subscribe("a", a, "scopes project.**\n\t\t\tview_check\n\t\t\tcredential Authorization \"Bearer a\""), looking(s.URL), s.URL))
	p.remember(func(was past) {
		saw := func(id string, ago time.Duration) {
			ev := was.owe(id, webhook.Created, ago+time.Hour, "a")
			d, err := was.Delivery(context.Background(), webhook.NewDeliveryID(ev, "a", 0))
			if err != nil {
				t.Fatal(err)
			}
			at := time.Now().Add(-ago)
			made := webhook.Attempt{Delivery: d.ID, Number: 1, Started: at, Outcome: webhook.Accepted}
			key := webhook.EntityKey{API: "default", Resource: "project", ID: id}
			err = was.Settle(context.Background(), webhook.Settlement{Delivery: d.After(made, nil), Attempt: &made, Sights: []webhook.Sight{{Key: key, Visible: true, At: at}}})
			if err != nil {
				t.Fatal(err)
			}
			was.owe(id, webhook.Deleted, 0, "a")
		}
		saw("1", 29*24*time.Hour)
		saw("2", 31*24*time.Hour)
		was.owe("3", webhook.Created, 2*time.Minute, "a")
		was.owe("4", webhook.Created, 0, "a")
	})
	p.start()
	until(t, "what is old is settled", func() bool { return p.count("a", "not_visible") == 2 && p.count("a", "pending") == 1 })
	if got := a.wait(1); len(got) != 1 || got[0].Body.Entity.ID != "1" {
		t.Errorf("sent were %+v", got)
	}
}
