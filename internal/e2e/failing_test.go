package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// about is what a webhook about a subscription says of it.
type about struct {
	ID, URL, Status, Reason string
	Failing                 string `json:"failing_since"`
	Failures                int    `json:"failures_in_a_row"`
	Disables                string `json:"disables_at"`
}

func readAbout(t *testing.T, a arrival) (of about) {
	t.Helper()
	if err := json.Unmarshal(a.Body.Data, &of); err != nil {
		t.Fatalf("%v: %s", err, a.Raw)
	}
	return of
}

// Of a receiver that takes nothing one is warned, and told when its subscription
// is disabled, by webhooks that only those get who ask for them; each once, over
// kills; and what it is owed is held until it is released. The twin that runs
// days is TestDisabledAfterDaysOfFailures in package deliver.
func TestFailingIsTold(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	bad, ops, all := receive(t, status(500)), receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(
		subscribe("bad", bad, "scopes project.** sidehook.**\n\t\t\tdisable_after 3s\n\t\t\tretry 100ms 100ms 200ms 200ms 200ms 300ms 300ms 1s 1s 1s 1s 1s 1s\n\t\t\torder none")+
			subscribe("ops", ops, "scopes sidehook.subscription.failing sidehook.subscription.disabled")+
			subscribe("all", all, "scopes **"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	all.wait(1)
	var subs []struct {
		ID, Status, Reason string
		Failing            string `json:"failing_since"`
	}
	until(t, "it is disabled", func() bool {
		p.get("/sidehook/subscriptions", &subs)
		i := slices.IndexFunc(subs, func(s struct {
			ID, Status, Reason string
			Failing            string `json:"failing_since"`
		}) bool {
			return s.ID == "bad"
		})
		return subs[i].Status == "disabled" && subs[i].Reason == "failing" && subs[i].Failing != ""
	})
	made := len(bad.all())
	if made < 10 {
		t.Errorf("it was disabled after %d attempts", made)
	}
	p.kill() // perhaps before it is told
	p.start()
	told := ops.distinct(3)
	p.kill()
	p.start()
	var got []string
	for _, a := range told {
		of := readAbout(t, a)
		if of.ID != "bad" || !strings.HasSuffix(of.URL, "/…") || of.Failing == "" || a.Body.Entity.Type != "subscription" {
			t.Errorf("told: %s", a.Raw)
		}
		if limit := mustTime(t, of.Failing).Add(3 * time.Second); of.Failures < 3 || (of.Disables != "") != (a.Body.Type == "sidehook.subscription.failing") ||
			of.Disables != "" && !mustTime(t, of.Disables).Equal(limit) {
			t.Errorf("told: %s, and it is disabled at %v", a.Raw, limit)
		}
		got = append(got, a.Body.Type)
	}
	slices.Sort(got)
	if want := []string{"sidehook.subscription.disabled", "sidehook.subscription.failing", "sidehook.subscription.failing"}; !slices.Equal(got, want) {
		t.Errorf("told %v", got)
	}
	p.call("POST", "/api/projects", `{"name":"Wall"}`)
	until(t, "what it is owed is held", func() bool {
		var held []struct{ ID string }
		p.get("/sidehook/deliveries?subscription=bad&state=held", &held)
		return len(held) == 2 // two projects, and nothing about itself
	})
	bad.respond(nil)
	if out, err := p.cli("subscriptions", "release", "bad", "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	bad.distinct(2)
	until(t, "all is settled", p.settled)
	if n := len(tally(ops.took()).seen); n != 3 {
		t.Errorf("%d webhooks told of it, want 3", n)
	}
	for _, a := range append(all.all(), bad.all()...) {
		if strings.HasPrefix(a.Body.Type, "sidehook.") {
			t.Errorf("somebody who did not ask, or whom it is about, was told: %s", a.Raw)
		}
	}
}

// Subscriptions that tell of each other, and both fail, make no endless chain;
// and of what is others' nobody is told, nor finds it, nor has missed it.
func TestNobodyIsToldOfWhatIsOthers(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	gone, mine, others, ops := receive(t, status(410)), receive(t, nil), receive(t, nil), receive(t, status(410))
	p := start(t, withAPI(subscribe("ops", ops, "scopes sidehook.subscription.*\n\t\t\ttenant acme"), perSpace, api.URL))
	ann, ben := p.user("ann", "acme"), p.user("ben", "acme")
	tell := func(r *receiver) string {
		return strings.Replace(subscription(r, ""), `["project.**"]`, `["sidehook.subscription.disabled"]`, 1)
	}
	id := ann.do("POST", "/subscriptions", subscription(gone, "")).want(201).text("id")
	if list, _ := ann.do("POST", "/subscriptions", tell(mine)).want(201).fields["unmatched"].([]any); len(list) > 0 {
		t.Errorf("its pattern is unmatched: %v", list)
	}
	ben.do("POST", "/subscriptions", tell(others)).want(201)
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	if of := readAbout(t, mine.wait(1)[0]); of.ID != id || of.Status != "gone" || of.Reason != "gone" {
		t.Errorf("told %+v", of)
	}
	until(t, "the operator was told", func() bool { return len(ops.all()) > 0 })
	until(t, "the operator's is gone as well", func() bool {
		return p.operate("GET", "/subscriptions/ops", "").text("status") == "gone"
	})
	p.kill()
	p.start()
	if n := len(tally(mine.took()).seen); n != 1 {
		t.Errorf("%d webhooks came, want 1", n)
	}
	if n := len(others.all()); n != 0 {
		t.Errorf("another owner was told: %s", others.all()[0].Raw)
	}
	for who, want := range map[*user]int{&ann: 1, &ben: 0} { // the operator's own is told of too, and is neither's
		list := who.do("GET", "/events?resource=subscription", "").want(200)
		if n := len(list.data()); n != want {
			t.Errorf("%v finds %d events about subscriptions, want %d: %s", who.header, n, want, list.raw)
		}
		late := who.do("POST", "/subscriptions", tell(mine)).want(201).text("id")
		missed := who.do("POST", "/replays/count", fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["missed"]}`, late)).want(200)
		if n := missed.fields["deliveries"]; n != float64(want) {
			t.Errorf("%v has missed %v, want %d", who.header, n, want)
		}
	}
	for _, ev := range p.operate("GET", "/events?resource=subscription", "").want(200).data() {
		ben.do("GET", "/events/"+ev["id"].(string), "").want(404)
	}
}

// What is told of a subscription stays true after a death: it is not told again,
// as another event, when its receiver says the same again.
func TestADeathMakesNoSecondEventOfASubscription(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	ops := receive(t, nil)
	var others []string
	for i := range 4 {
		others = append(others, subscribe(fmt.Sprint("gone", i), receive(t, status(410)), fmt.Sprintf("scopes project.created\n\t\t\tfilter `after.name == \"N%d\"`", i)))
	}
	p := start(t, withAPI(subscribe("ops", ops, "scopes sidehook.subscription.*")+strings.Join(others, ""), perSpace, api.URL))
	for i := range others {
		p.call("POST", "/api/projects", fmt.Sprintf(`{"name":"N%d"}`, i))
		ops.distinct(i + 1)
		p.kill()
		p.start()
	}
	until(t, "nothing is under way", func() bool {
		return len(p.operate("GET", "/deliveries?state=pending", "").want(200).data()) == 0
	})
	told := map[string]int{}
	for _, ev := range p.operate("GET", "/events?resource=subscription", "").want(200).data() {
		told[fmt.Sprint(ev["entity"])]++
	}
	for entity, n := range told {
		if n != 1 {
			t.Errorf("%d events of %s, want 1", n, entity)
		}
	}
	if len(told) != len(others) {
		t.Errorf("told of %d subscriptions, want %d", len(told), len(others))
	}
}
