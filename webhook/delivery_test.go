package webhook_test

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

func TestADeliveryAfterAnAttempt(t *testing.T) {
	schedule := webhook.Schedule{5 * time.Second, time.Minute}
	for _, c := range []struct {
		name     string
		spent    int // attempts before
		outcome  webhook.Outcome
		state    webhook.DeliveryState
		attempts int
		due      time.Duration // from the attempt's end, at least; a tenth more at most
	}{
		{"accepted", 0, webhook.Accepted, webhook.Delivered, 1, 0},
		{"aborted", 0, webhook.Aborted, webhook.Refused, 1, 0},
		{"stopped: due at once, nothing spent", 0, webhook.Stopped, webhook.Pending, 0, 0},
		{"throttled: nothing spent", 1, webhook.Throttled, webhook.Pending, 1, later.Sub(ended)},
		{"our own fault", 0, webhook.Broken, webhook.Dead, 0, 0},
		{"failed once", 0, webhook.Failed, webhook.Pending, 1, 5 * time.Second},
		{"failed twice", 1, webhook.Failed, webhook.Pending, 2, time.Minute},
		{"failed for the last time", 2, webhook.Failed, webhook.Exhausted, 3, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := webhook.Delivery{State: webhook.Pending, Attempts: c.spent, Requests: 4, Due: began}
			a := attempt(c.outcome, 0, later)
			a.Number = 5
			got := d.After(*a, schedule)
			if got.State != c.state || got.Attempts != c.attempts || got.Requests != 5 {
				t.Errorf("got %s after %d attempts and %d requests, want %s after %d and 5", got.State, got.Attempts, got.Requests, c.state, c.attempts)
			}
			if final := c.state.Final(); final != got.Settled.Equal(ended) || final != got.Due.IsZero() {
				t.Errorf("settled %v and due %v in state %s", got.Settled, got.Due, got.State)
			}
			if wait := got.Due.Sub(ended); !c.state.Final() && (wait < c.due || wait > c.due+c.due/10) {
				t.Errorf("due %v after the attempt, want %v and a tenth more at most", wait, c.due)
			}
			if retries := c.outcome == webhook.Failed && !c.state.Final(); retries != (got.Priority == webhook.Retrying) {
				t.Errorf("priority is %d", got.Priority)
			}
		})
	}
}

// What is withheld by a subscriber's own GET was not sent: it is no attempt, and no
// request.
func TestWhatIsWithheldSpendsNothing(t *testing.T) {
	for outcome, want := range map[webhook.Outcome]struct {
		state webhook.DeliveryState
		due   time.Time
	}{
		webhook.Hidden:  {state: webhook.NotVisible},
		webhook.NotYet:  {webhook.Pending, later},
		webhook.Unasked: {webhook.Pending, later},
		webhook.Denied:  {webhook.Pending, ended},
	} {
		a := attempt(outcome, 0, later)
		a.Number, a.Error = 5, "why"
		got := webhook.Delivery{State: webhook.Pending, Attempts: 1, Requests: 4, Due: began}.After(*a, webhook.Schedule{time.Second})
		if got.State != want.state || got.Attempts != 1 || got.Requests != 4 || !got.Due.Equal(want.due) || got.Reason != "why" || got.Priority != webhook.Live {
			t.Errorf("%s: %+v", outcome, got)
		}
	}
}

func TestARetryByHandBeginsTheScheduleAnew(t *testing.T) {
	d := webhook.Delivery{State: webhook.Exhausted, Reason: "attempt 10, the last: 500", Attempts: 10, Requests: 12, Settled: began}
	got := d.Retry(later)
	want := webhook.Delivery{State: webhook.Pending, Requests: 12, Due: later, Priority: webhook.Retrying}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Every id is made of what it names, and of nothing else.
func TestIDsSayTheSameForTheSame(t *testing.T) {
	x, y := webhook.NewExchangeID(began), webhook.NewExchangeID(began)
	key := webhook.EntityKey{API: "crm", Resource: "project", ID: "1"}
	other := key
	other.Tenant = "1"
	all := map[string]webhook.EventID{
		"":                    webhook.NewEventID(x, key, "project.updated", ""),
		"another exchange":    webhook.NewEventID(y, key, "project.updated", ""),
		"another tenant":      webhook.NewEventID(x, other, "project.updated", ""),
		"another scope":       webhook.NewEventID(x, key, "project.renamed", ""),
		"another element":     webhook.NewEventID(x, key, "project.updated", "0"),
		"parts cut elsewhere": webhook.NewEventID(x, webhook.EntityKey{API: "crm", Resource: "project1"}, "project.updated", ""),
	}
	seen := map[webhook.EventID]string{}
	for name, id := range all {
		if before, twice := seen[id]; twice {
			t.Errorf("%q and %q have the same id %s", name, before, id)
		}
		seen[id] = name
	}
	if again := webhook.NewEventID(x, key, "project.updated", ""); again != all[""] {
		t.Errorf("the same event has the ids %s and %s", again, all[""])
	}
	d := webhook.NewDeliveryID(all[""], "crm", 0)
	if d != webhook.NewDeliveryID(all[""], "crm", 0) || d == webhook.NewDeliveryID(all[""], "crm", 1) || d == webhook.NewDeliveryID(all[""], "erp", 0) {
		t.Errorf("a delivery's id %s is not its event's, subscription's and run's alone", d)
	}
}

func TestAnExchangeIDReadsBack(t *testing.T) {
	id := webhook.NewExchangeID(began)
	if got, err := webhook.ParseExchangeID(id.String()); err != nil || got != id {
		t.Errorf("%s reads as %s, %v", id, got, err)
	}
	for _, s := range []string{"", "exc_", "evt_" + id.String()[4:], id.String() + "0", id.String()[:29] + "u"} {
		if got, err := webhook.ParseExchangeID(s); err == nil {
			t.Errorf("%q reads as %s", s, got)
		}
	}
}
