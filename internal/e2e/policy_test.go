package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// The policies of a subscription, one test each. Their twins in package deliver
// run days in milliseconds.

// A receiver that can take twenty a second gets no more, and gets all; not even what has
// gathered while it was paused comes faster.
func TestRateIsKept(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm, free := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\trate 20/s")+
		subscribe("free", free, "scopes project.**"), projects, api.URL))
	p.steer("pause", "crm")
	for range 30 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	free.wait(30)
	p.steer("resume", "crm")
	got := crm.wait(30)
	if least := (30 - 3) * time.Second / 20; got[29].At.Sub(got[0].At) < least {
		t.Errorf("all arrived within %v, want at least %v", got[29].At.Sub(got[0].At), least)
	}
	var ds []struct{ Attempts int }
	p.get("/sidehook/deliveries?subscription=crm&max=100", &ds)
	for _, d := range ds {
		if d.Attempts > 1 {
			t.Errorf("waiting for the rate spent attempts: %v", ds)
		}
	}
}

// A receiver that fails each time is left alone for half a minute after ten
// attempts, and so are the slots of the others; what it is owed waits.
func TestCircuitLeavesAReceiverThatFailsAlone(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	bad, good := receive(t, status(500)), receive(t, nil)
	p := start(t, caddyfile(subscribe("bad", bad, "scopes project.**\n\t\t\torder none\n\t\t\tconcurrency 1")+
		subscribe("good", good, "scopes project.**"), projects, api.URL))
	for range 30 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	good.wait(30)
	var subs []struct{ ID, Status, Circuit string }
	open := func() bool {
		p.get("/sidehook/subscriptions", &subs)
		return subs[0].ID == "bad" && subs[0].Circuit == "open"
	}
	until(t, "the circuit is open", open)
	tried := len(bad.all())
	if tried != 10 {
		t.Errorf("it opened after %d attempts, want 10", tried)
	}
	var ds []struct {
		Attempts      int
		State, Reason string
	}
	spent := func() (n int) {
		ds = nil
		p.get("/sidehook/deliveries?subscription=bad&max=100", &ds)
		for _, d := range ds {
			n += d.Attempts
		}
		return n
	}
	until(t, "all attempts are on disk", func() bool { return spent() == tried })
	p.kill()
	p.start()
	for range 10 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	good.wait(40)
	if !open() || subs[0].Status != "active" || subs[1].Circuit != "closed" {
		t.Errorf("after a restart the subscriptions are %+v", subs)
	}
	var shown struct {
		Circuit string
		Since   time.Time `json:"circuit_open_since"`
		Until   time.Time `json:"circuit_open_until"`
	}
	p.get("/sidehook/api/subscriptions/bad", &shown)
	if shown.Circuit != "open" || shown.Since.Before(bad.all()[0].At.Add(-time.Second)) || shown.Until.Sub(shown.Since) != 30*time.Second {
		t.Errorf("the API shows %+v", shown)
	}
	if out, err := p.cli("subscriptions", "show", "bad", "--address", p.admin); err != nil ||
		!regexp.MustCompile(`(?m)^status +active\nsince +.+\ncircuit +open\ncircuit_open_since +20\S+ \S+\ncircuit_open_until +20`).MatchString(out) {
		t.Errorf("show: %v:\n%s", err, out)
	}
	var h struct {
		Circuits int `json:"circuits_open"`
	}
	if p.get("/sidehook/health", &h); h.Circuits != 1 {
		t.Errorf("health tells of %d open circuits", h.Circuits)
	}
	if n := spent(); n != 10 || len(bad.all()) != 10 {
		t.Errorf("%d attempts spent, %d requests made, want 10", n, len(bad.all()))
	}
	for _, d := range ds {
		if d.State != "pending" || !strings.Contains(d.Reason, "circuit is open until") {
			t.Fatalf("a delivery that waits is shown as %s: %q", d.State, d.Reason)
		}
	}
	bad.respond(nil)
	if out, err := p.cli("subscriptions", "resume", "bad", "--address", p.admin); err != nil {
		t.Errorf("resume: %v: %s", err, out)
	}
	if open() {
		t.Error("the circuit is open after a resume")
	}
	until(t, "all that waited is delivered", func() bool { return len(tally(bad.took()).seen) >= 30 })
}

// An open circuit is half open after half a minute, over a reload too: one delivery is
// attempted, and nothing else until its answer is there. Accepted, all that waited goes
// out; failed, the circuit is open for longer.
func TestAHalfOpenCircuitIsTriedOnce(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	mends, fails, good := receive(t, status(500)), receive(t, status(500)), receive(t, nil)
	config := caddyfile(subscribe("mends", mends, "scopes project.**\n\t\t\torder none")+subscribe("fails", fails, "scopes project.**\n\t\t\torder none")+
		subscribe("good", good, "scopes project.**"), projects, api.URL)
	p := start(t, config)
	post := func(n int) {
		before := len(good.took())
		for range n {
			p.call("POST", "/api/projects", `{"name":"Roof"}`)
		}
		good.wait(before + n)
	}
	post(30)
	type shown struct {
		ID, Circuit string
		Waits       time.Time `json:"circuit_open_until"`
	}
	circuits := func() map[string]shown {
		var subs []shown
		p.get("/sidehook/subscriptions", &subs)
		of := map[string]shown{}
		for _, s := range subs {
			of[s.ID] = s
		}
		return of
	}
	until(t, "both circuits are open", func() bool {
		now := circuits()
		return now["mends"].Circuit == "open" && now["fails"].Circuit == "open"
	})
	tried := map[*receiver]int{}
	for name, r := range map[string]*receiver{"mends": mends, "fails": fails} {
		until(t, "all that was attempted is recorded", func() bool {
			n := 0
			for _, d := range p.deliveriesOf(name) {
				n += d.Attempts
			}
			tried[r] = n
			return n == len(r.all())
		})
	}
	entered, leave := make(chan int, 100), make(chan int)
	for r, answer := range map[*receiver]int{mends: 204, fails: 500} {
		r.respond(func(*arrival) int { entered <- answer; <-leave; return answer })
	}
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	if first, second := <-entered, <-entered; first == second {
		t.Fatalf("one circuit lets two through: %d and %d", first, second)
	}
	post(10)
	for r, before := range tried {
		all := r.all()
		if n := len(all) - before; n != 1 {
			t.Errorf("%d are under way while it is half open, want one", n)
		}
		if waited := all[before].At.Sub(all[before-1].At); waited < 29*time.Second {
			t.Errorf("it was tried again after %v", waited)
		}
	}
	close(leave)
	until(t, "all that waited is delivered", func() bool { return len(tally(mends.took()).seen) == 40 })
	until(t, "the other is open for a minute", func() bool {
		now := circuits()
		return now["mends"].Circuit == "closed" && now["fails"].Circuit == "open" && time.Until(now["fails"].Waits) > 35*time.Second
	})
	if n := len(fails.all()) - tried[fails]; n != 1 {
		t.Errorf("%d attempts were made of the one that fails, want one", n)
	}
}

// A reload that leaves a rate as it is does not begin it anew: nobody gets more by
// it.
func TestARateGoesOnAcrossReloads(t *testing.T) {
	const n, every = 5, 2 * time.Second
	api := crudAPI(t, crud.Options{})
	crm, free := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\trate 30/m")+subscribe("free", free, "scopes project.**"), projects, api.URL))
	for range n {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	free.wait(n)
	for i := range n {
		crm.wait(i + 1)
		if err := p.reload(); err != nil {
			t.Fatal(err)
		}
	}
	got := crm.took()
	if took, least := got[n-1].At.Sub(got[0].At), (n-2)*every; took < least {
		t.Errorf("all came within %v, over a reload each, want %v at least", took, least)
	}
}

// With `order entity hold`, what is newer of an entity waits behind a delivery
// whose schedule ran out, over restarts, until that is retried or released.
func TestOrderHoldsBehindAnExhaustedHead(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, func(a *arrival) int {
		if a.Body.Entity.ID == "1001" {
			return 500
		}
		return 204
	})
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\torder entity hold\n\t\t\tretry 10ms"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	type delivery struct{ ID, State, Reason string }
	var held []delivery
	heads := func(n int) func() bool {
		return func() bool {
			p.get("/sidehook/deliveries?state=held", &held)
			return len(held) == n
		}
	}
	until(t, "the exhausted one is held", heads(1))
	if !strings.Contains(held[0].Reason, "holds its lane") || !strings.Contains(held[0].Reason, "500") {
		t.Errorf("it is held because: %q", held[0].Reason)
	}
	p.call("PATCH", "/api/projects/1001", `{"name":"Roof 2"}`)
	p.call("POST", "/api/projects", `{"name":"Wall"}`)
	crm.wait(1) // of the other entity
	p.kill()
	p.start()
	p.call("POST", "/api/projects", `{"name":"Door"}`)
	crm.wait(2)
	crm.respond(nil)
	if out, err := p.cli("deliveries", "retry", held[0].ID, "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := crm.distinct(4)
	var order []string
	for _, a := range got {
		if a.Body.Entity.ID == "1001" {
			order = append(order, a.Body.Type)
		}
	}
	if strings.Join(order, " ") != "project.created project.updated" {
		t.Errorf("of the held entity arrived %v", order)
	}
	if n := len(crm.all()) - len(crm.took()); n != 2 {
		t.Errorf("%d requests were refused, want the two of the schedule", n)
	}
	if out, err := p.cli("deliveries", "retry", "dlv_none", "--address", p.admin); err == nil {
		t.Errorf("a retry of nothing: %s", out)
	}
	crm.respond(status(500))
	p.call("PATCH", "/api/projects/1001", `{"name":"Roof 3"}`)
	p.call("PATCH", "/api/projects/1002", `{"name":"Wall 3"}`)
	until(t, "two are held", heads(2))
	crm.respond(nil)
	if out, err := p.cli("subscriptions", "release", "crm", "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	crm.wait(6)
	until(t, "nothing is held", heads(0))
}

// A receiver that never answers ends its subscription with `delete_after`, over
// restarts, and what it is owed is held: resumed, the subscription gets what comes, and
// released, what was held. An answer in between, a refusal even, begins the count anew.
func TestDeleteAfterTimeouts(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	stuck := make(chan struct{})
	defer close(stuck)
	var hangs atomic.Bool
	hangs.Store(true)
	var asked atomic.Int64
	crm := receive(t, func(*arrival) int {
		switch n := asked.Add(1); {
		case n == 3:
			return 500
		case hangs.Load():
			<-stuck
		}
		return 204
	})
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tdelete_after 3 timeouts\n\t\t\ttimeout 100ms\n\t\t\tretry 10ms 10ms 10ms 10ms 10ms 10ms"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	var subs []struct{ Status, Reason string }
	disabled := func() bool {
		p.get("/sidehook/subscriptions", &subs)
		return subs[0].Status == "disabled" && subs[0].Reason == "delete_after"
	}
	until(t, "the subscription is disabled", disabled)
	var held []struct{ Attempts int }
	until(t, "that is recorded", func() bool {
		p.get("/sidehook/deliveries?state=held", &held)
		return len(held) == 1 && held[0].Attempts == 6
	})
	p.kill()
	p.start()
	p.call("POST", "/api/projects", `{"name":"Wall"}`)
	until(t, "what it is owed is held", func() bool {
		p.get("/sidehook/deliveries?state=held", &held)
		return len(held) == 2
	})
	if n := len(crm.all()); n != 6 || !disabled() {
		t.Errorf("%d requests were made, want 6; it is %v", n, subs)
	}
	hangs.Store(false)
	p.steer("resume", "crm")
	p.call("POST", "/api/projects", `{"name":"Door"}`)
	if got := crm.wait(1); !strings.Contains(got[0].Raw, "Door") {
		t.Errorf("once resumed, what was held is sent: %s", got[0].Raw)
	}
	if out, err := p.cli("subscriptions", "release", "crm", "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	crm.wait(3)
}

// Options in a block of `for` are those of one resource; the other resource has
// those outside, of filtering, of retrying and of what is sent.
func TestForOneResource(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, func(a *arrival) int {
		if a.Body.Type == "contact.created" {
			return 500
		}
		return 204
	})
	p := start(t, caddyfile(subscribe("crm", crm, `scopes project.** contact.**
			on_change status
			retry 1h
			for contact {
				on_change phone
				payload thin
				retry 10ms 10ms
			}`), projects+"\n\t\tresource contact /api/contacts", api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	p.call("PATCH", "/api/projects/1001", `{"name":"Roof 2"}`)
	p.call("PATCH", "/api/projects/1001", `{"status":"active"}`)
	p.call("POST", "/api/contacts", `{"name":"Ida","email":"ida@holm.example"}`)
	p.call("PATCH", "/api/contacts/501", `{"name":"Ida Holm"}`)
	p.call("PATCH", "/api/contacts/501", `{"phone":"+45 1"}`)
	var order []string
	for _, a := range crm.wait(3) {
		order = append(order, a.Body.Type)
		if thin := a.Body.Data == nil; thin != (a.Body.Entity.Type == "contact") {
			t.Errorf("%s carries %s", a.Body.Type, a.Raw)
		}
	}
	slices.Sort(order)
	if got := strings.Join(order, " "); got != "contact.updated project.created project.updated" {
		t.Errorf("arrived %s", got)
	}
	var exhausted []struct{ Attempts int }
	until(t, "the short schedule ran out", func() bool {
		p.get("/sidehook/deliveries?state=exhausted", &exhausted)
		return len(exhausted) == 1 && exhausted[0].Attempts == 3
	})
}

// What is otherwise for one resource is so of the same subscription: its payload and
// headers name that.
func TestForOneResourceIsTheSameSubscription(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	url, got := requests(t)
	theirs, mine := requests(t)
	const as = `
		payload mine {
			number subscription.number
			name subscription.name
			of resource
		}`
	p := start(t, strings.Replace(withAPI(as+fmt.Sprintf(`
		subscription first %[1]s {
			scopes project.gap
			secret %[2]s
			header X-Number {subscription.number}
		}
		subscription crm %[1]s {
			scopes project.** contact.**
			secret %[2]s
			header X-Number {subscription.number}
			payload mine
			for contact {
				payload mine
				header X-Number {subscription.number}
			}
		}`, url, secret), perSpace, api.URL), "resource project /api/projects", "resource project /api/projects\n\t\t\tresource contact /api/contacts", 1))
	made := p.user("ann", "acme").do("POST", "/subscriptions", fmt.Sprintf(`{"url": %q, "scopes": ["project.**", "contact.**"], "payload": "mine",
		"headers": [{"name": "X-Number", "value": "{subscription.number}"}], "for": {"contact": {"payload": "mine"}}}`, theirs)).want(201)
	names := map[<-chan request]string{got: "crm", mine: made.text("id")}
	numbers := map[<-chan request]string{mine: fmt.Sprint(made.fields["number"])}
	numbers[got] = fmt.Sprint(p.operate("GET", "/subscriptions/crm", "").want(200).fields["number"])
	check := func(when string) {
		t.Helper()
		p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
		p.call("POST", "/api/contacts", `{"name":"Ida","email":"ida@holm.example"}`, "X-Space", "acme")
		for c, name := range names {
			for range 2 {
				r := <-c
				if want := fmt.Sprintf(`{"number":%s,"name":%q,"of":`, numbers[c], name); !strings.HasPrefix(string(r.body), want) || r.header.Get("X-Number") != numbers[c] {
					t.Errorf("%s: %s, X-Number %s, want %s…", when, r.body, r.header.Get("X-Number"), want)
				}
			}
		}
	}
	check("at first")
	until(t, "all is settled", p.settled)
	p.stop()
	p.start()
	check("after a restart")
}

// What a paused subscription is owed for longer than hold_for is expired, and shown so;
// it is not sent when the subscription is resumed, but a replay sends it.
func TestWhatIsHeldForTooLongExpires(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	p := start(t, caddyfile("\t\thold_for 1s\n"+subscribe("crm", crm, "scopes item.updated"), "\t\tresource item /items", api.URL))
	p.call("PATCH", "/items/a", `{"n":1}`)
	crm.wait(1)
	until(t, "all is settled", p.settled)
	if out, err := p.cli("subscriptions", "pause", "crm", "--address", p.admin); err != nil {
		t.Fatal(out)
	}
	p.call("PATCH", "/items/a", `{"n":2}`)
	until(t, "it is held", func() bool { return len(p.operate("GET", "/deliveries?state=held", "").want(200).data()) == 1 })
	p.stop() // a start looks after a second, a process that runs each minute
	p.start()
	var expired []map[string]any
	until(t, "it is expired", func() bool {
		expired = p.operate("GET", "/deliveries?state=expired", "").want(200).data()
		return len(expired) == 1
	})
	if expired[0]["reason"] != "held longer than hold_for" || expired[0]["attempts"] != 0.0 && expired[0]["attempts"] != nil {
		t.Errorf("it is shown as %v", expired[0])
	}
	if out, err := p.cli("subscriptions", "resume", "crm", "--address", p.admin); err != nil {
		t.Fatal(out)
	}
	p.call("PATCH", "/items/b", `{"n":3}`)
	for _, a := range crm.wait(2) {
		if a.Body.Entity.ID == "a" && a.Body.Entity.Sequence == 2 {
			t.Errorf("what has expired was sent: %s", a.Raw)
		}
	}
	at := "/replays/" + p.operate("POST", "/replays", `{"subscription": "crm", "since": 0}`).want(201).text("id")
	until(t, "its replay is done", func() bool { return p.operate("GET", at, "").text("status") == "done" })
	if got := crm.wait(3)[2]; got.Body.Entity.ID != "a" || got.Body.Entity.Sequence != 2 {
		t.Errorf("the replay sent %s", got.Raw)
	}
}
