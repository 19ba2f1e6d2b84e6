package storetest

import (
	"fmt"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var sightCases = []storeCase{
	{"what a subscriber saw comes back",
		"For that subscriber and that entity, of that api and tenant.",
		sightComesBack},
	{"the newest sight counts",
		"A change of mind at once; the time to the hour; an older answer changes nothing.",
		newestSight},
	{"a sight goes after its time",
		"And no sooner.",
		sightsGo},
	{"what was withheld changes nothing that is final",
		"Cancelled meanwhile, a delivery stays so; a pending one is due when it says.",
		withheldLate},
}

// sees settles what crm is owed of order id, with what crm saw of it.
func (e *exam) sees(n int, id string, visible bool, at time.Time) {
	e.Helper()
	d := e.record(change{x: exchange(n), order: id, subs: subs("crm")})
	e.claim("crm", 0, far)
	sight := webhook.Sight{Key: order(id), Visible: visible, At: at}
	after := d.After(webhook.Attempt{Started: at, Outcome: webhook.Accepted}, nil)
	e.must(e.Settle(bg, webhook.Settlement{Delivery: after, Attempt: &webhook.Attempt{Number: 1, Started: at}, Sights: []webhook.Sight{sight}}))
}

func (e *exam) sight(sub webhook.SubscriptionID, k webhook.EntityKey) webhook.Sight {
	e.Helper()
	s, err := e.Sight(bg, sub, k)
	e.must(err)
	return s
}

func sightComesBack(e *exam) {
	e.sees(1, "7", true, noon)
	e.sees(2, "8", false, noon)
	for range 2 {
		e.same("seen", webhook.Sight{Key: order("7"), Visible: true, At: noon}, e.sight("crm", order("7")))
		e.same("not seen", webhook.Sight{Key: order("8"), At: noon}, e.sight("crm", order("8")))
		other := order("7")
		other.Tenant = "acme"
		e.same("of another tenant", webhook.Sight{}, e.sight("crm", other))
		e.same("another one's", webhook.Sight{}, e.sight("erp", order("7")))
		e.same("never asked", webhook.Sight{}, e.sight("crm", order("9")))
		e.reopen()
	}
}

func newestSight(e *exam) {
	e.sees(1, "7", true, noon)
	e.sees(2, "7", false, noon.Add(time.Second))
	e.same("a moment later", webhook.Sight{Key: order("7"), At: noon.Add(time.Second)}, e.sight("crm", order("7")))
	e.sees(3, "7", true, noon)
	e.same("an older answer", false, e.sight("crm", order("7")).Visible)
	e.sees(4, "7", false, noon.Add(3*time.Hour))
	e.same("hours later", noon.Add(3*time.Hour), e.sight("crm", order("7")).At)
}

func sightsGo(e *exam) {
	e.sees(1, "old", true, noon)
	for n := range 20 {
		e.sees(2+n, fmt.Sprint(n), true, noon.Add(20*24*time.Hour))
	}
	house := func(now time.Time) {
		for range 3 {
			e.housekeep(store.Keep{Now: now, Sights: month})
		}
	}
	house(noon.Add(month - time.Hour))
	e.same("before", noon, e.sight("crm", order("old")).At)
	house(noon.Add(month + time.Hour))
	e.same("after", webhook.Sight{}, e.sight("crm", order("old")))
	e.same("a newer one", true, e.sight("crm", order("13")).Visible)
	e.reopen()
	e.same("after a restart", webhook.Sight{}, e.sight("crm", order("old")))
}

func withheldLate(e *exam) {
	for n := range 2 {
		e.record(change{x: exchange(1 + n), order: fmt.Sprint(n), subs: subs("crm")})
	}
	ds := e.claim("crm", 0, noon)
	e.must(e.Settle(bg, webhook.Settlement{Delivery: ds[0].Cancel("operator", noon)}))
	for _, d := range ds {
		after := d.After(webhook.Attempt{Started: noon, Outcome: webhook.Unasked, Error: "the API is down", RetryAt: noon.Add(time.Minute)}, nil)
		e.must(e.Settle(bg, webhook.Settlement{Delivery: after, Withheld: true}))
	}
	e.reopen()
	got, err := e.Delivery(bg, ds[0].ID)
	e.must(err)
	e.same("state", webhook.Cancelled, got.State)
	got, err = e.Delivery(bg, ds[1].ID)
	e.must(err)
	e.same("reason", "the API is down", got.Reason)
	e.same("not yet due", 0, len(e.claim("crm", 0, noon.Add(30*time.Second))))
	e.same("due", positions(ds[1:]), positions(e.claim("crm", 0, noon.Add(time.Minute))))
}
