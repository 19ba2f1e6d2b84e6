package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// ids returns the webhook-ids of arrivals, each once.
func ids(all []arrival) map[string]bool {
	set := map[string]bool{}
	for _, a := range all {
		set[a.ID] = true
	}
	return set
}

// bad answers what the deliveries of some items cannot be accepted with, and
// those of as many others can: the circuit stays closed.
func bad(a *arrival) int {
	if strings.HasPrefix(a.Body.Entity.ID, "bad") {
		return 500
	}
	return 204
}

// exhaust makes n events of as many items, of which each delivery is exhausted,
// beside as many that are delivered.
func exhaust(t *testing.T, p *process, n int) {
	t.Helper()
	for i := range n {
		p.call("PATCH", "/items/bad"+itoa(i), `{"n":1}`)
		p.call("PATCH", "/items/good"+itoa(i), `{"n":1}`)
	}
	until(t, "all are exhausted", func() bool {
		var ds []struct{ State string }
		p.get("/sidehook/deliveries?state=exhausted&max=1000", &ds)
		return len(ds) == n
	})
}

// What a receiver refused is sent again on command, with the ids that it had;
// what is live meanwhile comes as ever; and a process that is killed goes on.
func TestAReplaySendsAgainAcrossAKill(t *testing.T) {
	const n = 40
	api := serve(t, itemAPI())
	crm := receive(t, bad)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated\n\t\t\tretry none"), "\t\tresource item /items", api.URL))
	exhaust(t, p, n)
	refused := ids(crm.all())
	for id := range ids(crm.took()) {
		delete(refused, id)
	}
	crm.forget()
	crm.respond(nil)
	out, err := p.cli("replay", "crm", "--since", "1h", "--dry-run", "--address", p.admin)
	if err != nil || !strings.Contains(out, "40 deliveries would be sent again, of positions 1 to 80; at 20/s that takes 2s") {
		t.Fatalf("dry run: %v: %s", err, out)
	}
	if got := len(crm.took()); got != 0 {
		t.Fatalf("a dry run sent %d", got)
	}
	if out, err = p.cli("replay", "crm", "--since", "1h", "--detach", "--json", "--address", p.admin); err != nil {
		t.Fatalf("replay: %v: %s", err, out)
	}
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	if got := crm.wait(15); got[14].At.Sub(got[0].At) < 500*time.Millisecond {
		t.Errorf("15 came within %v, want 20 a second at most", got[14].At.Sub(got[0].At))
	}
	p.kill()
	p.start()
	p.call("PATCH", "/items/live", `{"n":2}`)
	until(t, "what is live comes before the replay ends", func() bool {
		for _, a := range crm.took() {
			if a.Body.Entity.ID == "live" {
				return len(ids(crm.took())) <= n
			}
		}
		return false
	})
	until(t, "the replay is done", func() bool {
		out, err := p.cli("replays", made.ID, "--address", p.admin)
		return err == nil && strings.Contains(out, "done") && strings.Contains(out, "100 %")
	})
	got := ids(crm.took())
	for id := range refused {
		if !got[id] {
			t.Errorf("%s did not come again", id)
		}
	}
	if len(got) != n+1 {
		t.Errorf("%d ids came, want %d that were refused and the live one", len(got), n)
	}
	if repeats := len(crm.took()) - len(got); repeats > 8 {
		t.Errorf("%d came twice, more than were in flight", repeats)
	}
	until(t, "all is settled", p.settled)
	if out, _ := p.cli("replay", "crm", "--since", "0", "--dry-run", "--address", p.admin); !strings.Contains(out, "0 deliveries") {
		t.Errorf("afterwards: %s", out)
	}
}

// A replay that is cancelled sends nothing more; and while one runs there is no
// second one of its subscription.
func TestACancelledReplaySendsNothingMore(t *testing.T) {
	const n = 12
	api := serve(t, itemAPI())
	crm := receive(t, bad)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated\n\t\t\tretry none"), "\t\tresource item /items", api.URL))
	exhaust(t, p, n)
	entered, leave := make(chan bool, 100), make(chan bool)
	t.Cleanup(func() { close(leave) })
	crm.respond(func(*arrival) int { entered <- true; <-leave; return 204 })
	made := p.operate("POST", "/replays", `{"subscription": "crm", "since": 0, "rate": 1000}`).want(201)
	at := "/replays/" + made.text("id")
	if made.header.Get("Location") != "/sidehook/api"+at {
		t.Errorf("it is at %q", made.header.Get("Location"))
	}
	for range 4 { // half of what may be in flight
		<-entered
	}
	p.operate("POST", "/replays", `{"subscription": "crm", "since": 0}`).want(409)
	p.call("PATCH", "/items/live", `{"n":2}`)
	<-entered // finds room
	if got := p.operate("GET", at, "").want(200); got.fields["queued"] != 4.0 || got.fields["owed"] != 4.0 {
		t.Errorf("while its receiver hangs: %s", got.raw)
	}
	got := p.operate("POST", at+"/cancel", "").want(200)
	if got.text("status") != "cancelled" || got.text("reason") != "by a call" {
		t.Errorf("cancelled: %s", got.raw)
	}
	p.operate("POST", at+"/cancel", "").want(200)
	list := p.operate("GET", "/replays?subscription=crm", "").want(200)
	if len(list.data()) != 1 {
		t.Errorf("listed: %s", list.raw)
	}
	p.stop()
	crm.respond(nil)
	p.start()
	if got := p.operate("GET", at, "").want(200); got.text("status") != "cancelled" {
		t.Errorf("after a restart: %s", got.raw)
	}
	until(t, "all is settled", p.settled)
	var ds []struct{ State string }
	p.get("/sidehook/deliveries?state=exhausted", &ds)
	if len(ds) != n {
		t.Errorf("%d are exhausted, want those %d that were before", len(ds), n)
	}
}

// What a replay made due, and was not sent before it was cancelled, is again what
// it was: delivered, too.
func TestACancelledReplayLeavesEachDeliveryAsItWas(t *testing.T) {
	const n = 4
	api := serve(t, itemAPI())
	crm := receive(t, bad)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated\n\t\t\tretry 1h"), "\t\tresource item /items", api.URL))
	for i := range n {
		p.call("PATCH", "/items/good"+itoa(i), `{"n":1}`)
	}
	until(t, "all is settled", p.settled)
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	t.Cleanup(release)
	crm.respond(func(a *arrival) int {
		if strings.Contains(a.Raw, "good0") {
			<-held // as long as one is in flight, the replay is not done
		}
		return 500
	})
	at := "/replays/" + p.operate("POST", "/replays", `{"subscription": "crm", "since": 0, "states": ["delivered"], "rate": 1000}`).want(201).text("id")
	until(t, "each was sent once more", func() bool {
		got := p.operate("GET", at, "").want(200)
		return got.fields["queued"] == float64(n) && len(crm.all()) == 2*n && len(p.operate("GET", "/deliveries?state=pending", "").data()) == n
	})
	p.operate("POST", at+"/cancel", "").want(200)
	list := p.operate("GET", "/deliveries?state=delivered", "").want(200)
	if len(list.data()) != n {
		t.Errorf("delivered before, and now: %s", list.raw)
	}
	release()
	for _, d := range list.data() {
		until(t, "its attempts are told", func() bool {
			return len(p.operate("GET", "/deliveries/"+d["id"].(string)+"/attempts", "").want(200).data()) == 2
		})
	}
	until(t, "all is settled", p.settled)
}

// One caller, or all of them, cannot take the replays that others may have, or the
// operator.
func TestReplaysOfACallerAreBounded(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	begin := func(u user) answer {
		id := u.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
		u.do("POST", "/subscriptions/"+id+"/pause", "").want(200)
		return u.do("POST", "/replays", fmt.Sprintf(`{"subscription": %q, "since": 0}`, id))
	}
	const each, all = 20, 400
	ann := p.user("ann", "acme")
	made := begin(ann).want(201)
	first, idle := made.text("id"), made.text("subscription")
	for range each - 1 {
		begin(ann).want(201)
	}
	for range 2 {
		got := begin(ann).want(409)
		if want := "20 replays of yours are running, as many as may at once: wait for one to end, or cancel it"; got.text("detail") != want {
			t.Errorf("the problem is %q, want %q", got.text("detail"), want)
		}
		p.stop()
		p.start()
	}
	for range 40 { // over and over: she forgets her own
		ann.do("POST", "/replays/"+first+"/cancel", "").want(200)
		first = ann.do("POST", "/replays", fmt.Sprintf(`{"subscription": %q, "since": 0}`, idle)).want(201).text("id")
	}
	if n := len(ann.do("GET", "/replays?limit=250", "").want(200).data()); n != 50 {
		t.Errorf("%d replays of one caller are known, want 50", n)
	}
	ann.do("POST", "/replays/"+first+"/cancel", "").want(200)
	begin(ann).want(201)
	begin(p.user("ann", "other")).want(201)
	for i := range all/each - 1 {
		u := p.user("u"+itoa(i), "acme")
		for range each {
			if got := begin(u); got.status != 201 {
				if want := "replays are running, as many as may be: try again when one has ended"; !strings.Contains(got.text("detail"), want) {
					t.Fatalf("status %d: %s", got.status, got.raw)
				}
			}
		}
	}
	begin(p.user("late", "acme")).want(409)
	p.operate("POST", "/replays", fmt.Sprintf(`{"subscription": %q, "since": 0}`, idle)).want(201)
	list := p.operate("GET", "/replays?limit=250", "").want(200)
	if n := len(list.data()); n != 250 {
		t.Errorf("%d replays are listed first", n)
	}
}

// A customer replays to its own subscriptions only, events of its tenant only,
// also those that were recorded before it subscribed.
func TestACustomerReplaysWhatItMissed(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	for i := range 6 {
		p.call("POST", "/api/projects", fmt.Sprintf(`{"name":"%d"}`, i), "X-Space", []string{"acme", "other"}[i%2])
	}
	until(t, "all is recorded", func() bool {
		var h struct{ Events int }
		p.get("/sidehook/health", &h)
		return h.Events == 6
	})
	mine := receive(t, nil)
	ann, bob := p.user("ann", "acme"), p.user("bob", "acme")
	id := ann.do("POST", "/subscriptions", subscription(mine, "")).want(201).text("id")
	body := func(more string) string { return fmt.Sprintf(`{"subscription": %q, "since": 0%s}`, id, more) }
	if got := ann.do("POST", "/replays/count", body("")).want(200); got.fields["deliveries"] != 0.0 {
		t.Errorf("nothing was exhausted: %s", got.raw)
	}
	if got := ann.do("POST", "/replays/count", body(`, "states": ["missed"]`)).want(200); got.fields["deliveries"] != 3.0 || got.fields["complete"] != true {
		t.Errorf("it missed three: %s", got.raw)
	}
	if got := bob.do("POST", "/replays", body("")).want(422); !strings.Contains(got.raw, "there is no subscription "+id) {
		t.Errorf("another's: %s", got.raw)
	}
	made := ann.do("POST", "/replays", body(`, "states": ["missed"], "scopes": ["project.created"], "rate": 500`)).want(201).text("id")
	names := map[string]bool{}
	for _, a := range mine.wait(3) {
		var data struct{ Name string }
		if err := json.Unmarshal(a.Body.Data, &data); err != nil {
			t.Fatal(err)
		}
		names[data.Name] = true
	}
	if !names["0"] || !names["2"] || !names["4"] {
		t.Errorf("what came is %v", names)
	}
	until(t, "it is done", func() bool { return ann.do("GET", "/replays/"+made, "").want(200).text("status") == "done" })
	keyed := ann.do("POST", "/replays", body(`, "states": ["dead"]`), "Idempotency-Key", "k").want(201)
	until(t, "the one with a key is done", func() bool { return ann.do("GET", "/replays/"+keyed.text("id"), "").want(200).text("status") == "done" })
	if again := ann.do("POST", "/replays", body(`, "states": ["dead"]`), "Idempotency-Key", "k").want(201); again.text("id") != keyed.text("id") || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("with the same key: %s", again.raw)
	}
	ann.do("POST", "/replays", body(`, "states": ["refused"]`), "Idempotency-Key", "k").want(422)
	for _, path := range []string{"/replays/" + made, "/replays/rpl_none"} {
		bob.do("GET", path, "").want(404)
		bob.do("POST", path+"/cancel", "").want(404)
	}
	if list := bob.do("GET", "/replays", "").want(200); len(list.data()) != 0 {
		t.Errorf("bob sees %s", list.raw)
	}
	for wrong, want := range map[string]string{
		`{"subscription": "` + id + `"}`:                "since is missing",
		`{"since": 0}`:                                  "subscription is missing",
		body(`, "states": ["pending"]`):                 "cannot be replayed: write delivered, refused",
		body(`, "rate": 0`):                             "a number up to 1000",
		body(`, "scopes": ["a..b"]`):                    "/scopes/0",
		body(`, "untill": 4`):                           "did you mean until?",
		`{"subscription": "` + id + `", "since": "2h"}`: "write a time like",
	} {
		if got := ann.do("POST", "/replays", wrong).want(422); !strings.Contains(got.raw, want) {
			t.Errorf("%s: %s, want %q", wrong, got.raw, want)
		}
	}
	endless := ann.do("POST", "/replays", body(`, "states": ["delivered"], "rate": 0.001`)).want(201).text("id")
	ann.do("DELETE", "/subscriptions/"+id, "").want(204)
	ann.do("GET", "/replays/"+made, "").want(404)
	until(t, "its replay ends with it", func() bool {
		got := p.operate("GET", "/replays/"+endless, "").want(200)
		return got.text("status") == "cancelled" && got.text("reason") == "its subscription was deleted"
	})
	if n := len(mine.all()); n != 3 {
		t.Errorf("%d came, want 3", n)
	}
}

// While its subscription is paused, a replay waits and says so.
func TestAReplayWaitsWhileItsSubscriptionIsPaused(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, bad)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated\n\t\t\tretry none"), "\t\tresource item /items", api.URL))
	exhaust(t, p, 2)
	crm.forget()
	crm.respond(nil)
	if out, err := p.cli("subscriptions", "pause", "crm", "--address", p.admin); err != nil {
		t.Fatal(out)
	}
	at := "/replays/" + p.operate("POST", "/replays", `{"subscription": "crm", "since": "`+time.Now().Add(-time.Hour).Format(time.RFC3339)+`"}`).want(201).text("id")
	until(t, "it says why it waits", func() bool { return p.operate("GET", at, "").text("waits") == "its subscription is paused" })
	p.cli("subscriptions", "resume", "crm", "--address", p.admin)
	crm.wait(2)
	until(t, "it is done", func() bool { return p.operate("GET", at, "").text("status") == "done" })
}

// Each pattern of a replay is held against each event: a caller may give so many.
func TestPatternsOfAReplayAreBounded(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(receive(t, nil), "")).want(201).text("id")
	with := func(n int) string {
		return fmt.Sprintf(`{"subscription": %q, "since": 0, "scopes": [%s"project.**"]}`, id, strings.Repeat(`"project.created", `, n-1))
	}
	for path, status := range map[string]int{"/replays/count": 200, "/replays": 201} {
		if a := ann.do("POST", path, with(101)).want(422); !holdsProblem(a, "/scopes", "scopes are 101: write 100 at most") {
			t.Errorf("%s: %s", path, a.raw)
		}
		ann.do("POST", path, with(100)).want(status)
	}
}
