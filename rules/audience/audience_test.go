package audience_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sidehook/sidehook/rules/audience"
	"github.com/sidehook/sidehook/webhook"
)

// kept returns a subscription made through the API, of a tenant.
func kept(id, tenant, filter string, scopes ...webhook.Pattern) *webhook.Subscription {
	return &webhook.Subscription{ID: webhook.SubscriptionID(id), Tenant: tenant, Filter: filter, Scopes: scopes, Payload: "standard"}
}

// However subscriptions came and went, those that are there want what they would
// want had they been given at once; and what there was before a change stays what
// it was.
func TestChangesComeToWhatGivingThemAtOnceComesTo(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	patterns := []webhook.Pattern{"**", "project.**", "project.*", "project.updated", "project/updated", "*.updated", "task.**", "project.gap", "*.*"}
	tenants := []string{"", "acme", "other", webhook.AnyTenant}
	var events []*webhook.Event
	for _, tenant := range []string{"", "acme", "other", "third"} {
		for _, scope := range []string{"project.updated", "project.gap", "task.created", "project.status.updated"} {
			e := updated()
			e.Tenant, e.Scope = tenant, scope
			events = append(events, e)
		}
	}
	unowned := updated()
	unowned.Unowned = true
	events = append(events, unowned)
	s := subscribers(t, nil)
	var list []*webhook.Subscription
	for range 600 {
		before, beforeList := s, slices.Clone(list)
		switch n := rnd.IntN(10); {
		case n < 3 && len(list) > 0:
			i := rnd.IntN(len(list))
			s = s.Without(list[i].ID)
			list = slices.Delete(list, i, i+1)
		case n < 5 && len(list) > 0:
			i := rnd.IntN(len(list))
			sub := kept(string(list[i].ID), tenants[rnd.IntN(4)], "", patterns[rnd.IntN(len(patterns))])
			list[i] = sub
			s = with(t, s, sub)
		default:
			sub := kept(fmt.Sprint("s", rnd.Int64()), tenants[rnd.IntN(4)], "", patterns[rnd.IntN(len(patterns))], patterns[rnd.IntN(len(patterns))])
			list = append(list, sub)
			s = with(t, s, sub)
		}
		e := events[rnd.IntN(len(events))]
		if diff := cmp.Diff(wanted(t, subscribers(t, nil, list...), e), wanted(t, s, e)); diff != "" {
			t.Fatalf("%s of %q (-at once +by changes):\n%s", e.Scope, e.Tenant, diff)
		}
		if diff := cmp.Diff(wanted(t, subscribers(t, nil, beforeList...), e), wanted(t, before, e)); diff != "" {
			t.Fatalf("what was there before has changed:\n%s", diff)
		}
	}
}

func with(t testing.TB, s *audience.Subscribers, sub *webhook.Subscription) *audience.Subscribers {
	t.Helper()
	out, err := s.With(sub)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// costly is a filter that spends a good part of what all may spend.
const costly = `any(1..10000, # < 0)`

// What costs much is let through unjudged when all have spent what they may;
// what is cheap is judged all the same, and so is what the configuration says.
func TestCostlyFiltersTakeNothingFromCheapOnes(t *testing.T) {
	var subs []*webhook.Subscription
	for i := range 50 {
		subs = append(subs, kept(fmt.Sprint("costly", i), "", costly, "**"))
	}
	static := subscription("static", "**")
	static.Filter = costly
	subs = append(subs, kept("cheap", "", `entity.status == "open"`, "**"), static, kept("wants", "", `entity.status == "done"`, "**"))
	wants, err := subscribers(t, nil, subs...).Want(updated())
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, w := range wants {
		got = append(got, string(w.Subscription.ID)+map[bool]string{true: "?"}[w.Unjudged])
	}
	if slices.Contains(got, "static") || slices.Contains(got, "static?") {
		t.Error("a filter of the configuration was not judged")
	}
	if slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "cheap") }) || !slices.Contains(got, "wants") {
		t.Errorf("cheap filters were not judged: %v", got)
	}
	unjudged := 0
	for _, name := range got {
		if strings.HasPrefix(name, "costly") && strings.HasSuffix(name, "?") {
			unjudged++
		}
	}
	if unjudged < 40 || unjudged == 50 {
		t.Errorf("%d of 50 costly ones were let through unjudged; some are judged, not all", unjudged)
	}
}

// One filter has no more than its share of what all may spend, though nobody else
// spends anything.
func TestOneFilterSpendsItsShareAtMost(t *testing.T) {
	for filter, want := range map[string]int{costly: 0, `any(1..30000, # < 0)`: 1} {
		wants, err := subscribers(t, nil, kept("one", "", filter, "**")).Want(updated())
		if err != nil || len(wants) != want || want == 1 && !wants[0].Unjudged {
			t.Errorf("%s: wanted by %+v, %v, want %d that is not judged", filter, wants, err, want)
		}
	}
}

// What on_change of callers costs is counted as filters are: paths that lead into a
// large object, and many paths against many changes. Cheap ones are judged all the
// same, and so is what the configuration says.
func TestCostlyPathsOfOnChangeAreBounded(t *testing.T) {
	large := updated()
	text := strings.Repeat("x", 300_000)
	large.Changes = []webhook.FieldChange{{
		Path: "owner", Old: json.RawMessage(`{"name":"a` + text + `","phone":1}`), New: json.RawMessage(`{"name":"b` + text + `","phone":1}`),
	}}
	many := updated()
	many.Changes = nil
	for i := range 3000 {
		many.Changes = append(many.Changes, webhook.FieldChange{Path: fmt.Sprint("field", i), New: json.RawMessage(`1`)})
	}
	var paths []string
	for i := range 200 {
		paths = append(paths, fmt.Sprint("other", i))
	}
	for name, c := range map[string]struct {
		e        *webhook.Event
		onChange []string
		judged   bool // one alone is
	}{
		"a large object": {large, []string{"owner.phone"}, true},
		"many paths":     {many, paths, false},
	} {
		t.Run(name, func(t *testing.T) {
			var subs []*webhook.Subscription
			add := func(s *webhook.Subscription, onChange ...string) {
				s.OnChange = onChange
				subs = append(subs, s)
			}
			for i := range 50 {
				add(kept(fmt.Sprint("costly", i), "", "", "**"), c.onChange...)
			}
			add(subscription("static", "**"), c.onChange...)
			if len(c.e.Changes) == 1 {
				add(kept("cheap", "", "", "**"), "status")
			}
			wants, err := subscribers(t, nil, subs...).Want(c.e)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range wants {
				if !strings.HasPrefix(string(w.Subscription.ID), "costly") || !w.Unjudged {
					t.Errorf("%s was let through, unjudged: %t", w.Subscription.ID, w.Unjudged)
				}
			}
			if n := len(wants); n < 40 || (n == 50) == c.judged {
				t.Errorf("%d of 50 costly ones were let through unjudged", n)
			}
		})
	}
}

// Who is told why also pays for no more than one may cost: what takes longer is said
// to, where telling that none of the fields has changed would take all those steps.
func TestTellingWhyIsBoundedForOnChangeToo(t *testing.T) {
	many := updated()
	many.Changes = nil
	for i := range 3000 {
		many.Changes = append(many.Changes, webhook.FieldChange{Path: fmt.Sprint("field", i), New: json.RawMessage(`1`)})
	}
	costly, cheap, both := kept("costly", "", "", "**"), kept("cheap", "", "", "**"), kept("both", "", "entity.status == \"open\"", "**")
	for i := range 200 {
		costly.OnChange = append(costly.OnChange, fmt.Sprint("other", i))
	}
	cheap.OnChange, both.OnChange = []string{"status"}, []string{"field7"}
	static := subscription("static", "**")
	static.OnChange = costly.OnChange
	want := map[webhook.SubscriptionID]string{
		"costly": "takes too long", "cheap": "its on_change (status) names none", "both": "its filter is not true", "static": "names none of the fields",
	}
	for _, j := range subscribers(t, nil, costly, cheap, both, static).Judge(many) {
		if !strings.Contains(j.Why, want[j.Subscription]) || j.Wanted != (j.Subscription == "costly") {
			t.Errorf("%s: wanted %t: %s", j.Subscription, j.Wanted, j.Why)
		}
	}
}

// A filter of a caller's that is too large is refused.
func TestFiltersOfCallersAreBounded(t *testing.T) {
	for text, want := range map[string]string{
		`entity.a == 1` + strings.Repeat(` || entity.a == 1`, 110):                               "parts",
		`any(entity.a, any(#.b, any(#.c, any(#.d, # == 1))))`:                                    "loops",
		`entity.a matches "[a-z]{900}"`:                                                          "instructions",
		`entty.a == 1`:                                                                           "entity",
		`entity.budget > 10000 && any(entity.tags, # matches "^urgent-[0-9]{4}$")`:               "",
		`entity.email matches "^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[a-z]{2,24}$"`:                "",
		`entity.status in ["a", "b", "c"] && (entity.owner.id == "u1" || actor != "robot")`:      "",
		`entity.name matches "(?i)\\b(fire|flood|storm|quake)\\b" or len(changes) > 3`:           "",
		`entity.id matches "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"`:     "",
		`resource == "project" and operation == "updated" and previous.status != entity.status `: "",
	} {
		err := audience.CheckFilter(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

// tenThousand returns subscriptions of n callers, of which few want an event:
// by tenant, by scope, by filter.
func tenThousand(tenants, scopes int, filter string) (subs []*webhook.Subscription) {
	for i := range 10_000 {
		f := ""
		if filter != "" {
			f = fmt.Sprintf(filter, i)
		}
		subs = append(subs, kept(fmt.Sprint("s", i), fmt.Sprint("t", i%tenants), f, webhook.Pattern(fmt.Sprintf("r%d.**", i%scopes))))
	}
	return subs
}

func benchWant(b *testing.B, subs []*webhook.Subscription) {
	s := subscribers(b, nil, subs...)
	e := updated()
	e.Scope, e.Tenant = "r0.updated", "t0"
	for b.Loop() {
		if _, err := s.Want(e); err != nil {
			b.Fatal(err)
		}
	}
}

// Matching an event against 10,000 subscriptions.
func BenchmarkWantOfManyTenants(b *testing.B) { benchWant(b, tenThousand(1000, 1, "")) }
func BenchmarkWantOfManyScopes(b *testing.B)  { benchWant(b, tenThousand(1, 1000, "")) }
func BenchmarkWantCheapFilters(b *testing.B) {
	benchWant(b, tenThousand(1, 1, "entity.budget > %d000000"))
}

func BenchmarkWantCostlyFilters(b *testing.B) {
	benchWant(b, tenThousand(1, 1, "any(1..90000, # * %d < 0)"))
}

// One change among 10,000 subscriptions of one tenant.
func BenchmarkOneChangeOfTenThousand(b *testing.B) {
	subs := tenThousand(1, 20, "entity.budget > %d")
	s := subscribers(b, nil, subs...)
	for b.Loop() {
		s = with(b, s, subs[5000])
	}
}

func BenchmarkTenThousandAtOnce(b *testing.B) {
	subs := tenThousand(1, 20, "entity.budget > %d")
	for b.Loop() {
		subscribers(b, nil, subs...)
	}
}
