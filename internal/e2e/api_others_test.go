package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sidehook/sidehook/examples/crud"
)

// On no route does anybody find what is somebody else's: not another owner of the
// same tenant, and nobody of another one, by whatever id.
func TestOthersFindNothingOnAnyRoute(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	subscribed := ann.do("POST", "/subscriptions", subscription(r, ""), "Idempotency-Key", "one").want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	r.wait(1)
	until(t, "all is settled", p.settled)
	ids := map[string]string{"subscriptions": subscribed, "event_types": "none.of.these"}
	for _, kind := range []string{"events", "deliveries"} {
		ids[kind] = ann.do("GET", "/"+kind, "").want(200).data()[0]["id"].(string)
	}
	replay := fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["delivered"], "rate": 0.01}`, subscribed)
	ids["replays"] = ann.do("POST", "/replays", replay).want(201).text("id")
	before := ann.do("GET", "/subscriptions/"+subscribed, "").want(200).header.Get("ETag")
	own := []string{ann.do("POST", "/subscriptions/"+subscribed+"/test", "").want(202).text("event")}
	own = append(own, ann.do("POST", "/subscriptions/"+subscribed+"/test", `{"event_type": "project.created"}`).want(202).text("event"))
	if out, err := p.cli("trigger", "project.created", "--subscription", subscribed, "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	own = append(own, ann.do("GET", "/events?limit=1", "").want(200).data()[0]["id"].(string))
	for _, id := range own {
		ann.do("GET", "/events/"+id, "").want(200)
	}

	for _, other := range []user{p.user("cid", "acme"), p.user("bob", "other"), p.user("ann", "other")} {
		c := fetchContract(t, p.site+"/webhooks", other.header...)
		c.each("ID", func(_ *openapi3.Operation, method, path string) {
			kind, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			if !strings.Contains(path, "/ID") || kind == "events" && other.header[3] == "acme" {
				return // events are the tenant's
			}
			if ids[kind] == "" {
				t.Fatalf("%s: make one that is ann's, and see that others do not find it", path)
			}
			c.call(method, strings.Replace(path, "/ID", "/"+ids[kind], 1), "", other.header...).want(404)
		})
		for _, id := range own {
			other.do("GET", "/events/"+id, "").want(404)
		}
		if got := other.do("GET", "/events", "").want(200); len(got.data()) > 0 && (other.header[3] != "acme" || len(got.data()) > 1) {
			t.Errorf("%v sees examples that are another's: %s", other.header, got.raw)
		}
		other.do("POST", "/replays", replay).want(422)
		other.do("POST", "/replays/count", replay).want(422)
		other.do("GET", "/deliveries?subscription="+subscribed, "").want(404)
		for _, list := range []string{"/subscriptions", "/deliveries", "/replays"} {
			if got := other.do("GET", list, "").want(200); len(got.data()) > 0 {
				t.Errorf("%v sees at %s %s", other.header, list, got.raw)
			}
		}
		mine := other.do("POST", "/subscriptions", subscription(r, ""), "Idempotency-Key", "one").want(201)
		if mine.text("id") == subscribed || mine.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%v repeats what is another's: %s", other.header, mine.raw)
		}
		later := strings.Replace(subscription(r, ""), `["project.**"]`, `["**", "sidehook.**"]`, 1)
		late := other.do("POST", "/subscriptions", later).want(201).text("id")
		missed := other.do("POST", "/replays/count", fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["missed"]}`, late)).want(200)
		if n := missed.fields["deliveries"].(float64); n > 1 || n == 1 && other.header[3] != "acme" {
			t.Errorf("%v missed examples that are another's: %s", other.header, missed.raw)
		}
		other.do("DELETE", "/subscriptions/"+late, "").want(204)
		other.do("DELETE", "/subscriptions/"+mine.text("id"), "").want(204)
	}
	if after := ann.do("GET", "/subscriptions/"+subscribed, "").want(200).header.Get("ETag"); after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
}

// What the tenant of could not be told is the operator's, also where callers have
// no tenant.
func TestWhatHasNoTenantIsTheOperators(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", "\t\t\towner request.header[\"X-User\"]\n\t\t\tallow_private", api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	var events []map[string]any
	until(t, "it is recorded", func() bool {
		events = p.operate("GET", "/events", "").want(200).data()
		return len(events) == 1
	})
	if events[0]["unowned"] != true {
		t.Fatalf("it is %v", events[0])
	}
	ann := p.user("ann", "")
	ann.do("GET", "/events/"+events[0]["id"].(string), "").want(404)
	if got := ann.do("GET", "/events", "").want(200); len(got.data()) > 0 {
		t.Errorf("ann sees %s", got.raw)
	}
}

// What was answered is on disk, whoever writes at the same time: the process is
// killed right behind the answers.
func TestWhatWasAnsweredSurvivesAKill(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	want := map[string]string{} // id → pause_after, of those that are not deleted
	for round := range 3 {
		var mu sync.Mutex
		var writers sync.WaitGroup
		for w := range 4 {
			u := p.user(fmt.Sprint("user", w), "acme")
			writers.Go(func() {
				for i := range 4 {
					id := u.do("POST", "/subscriptions", subscription(r, "")).want(http.StatusCreated).text("id")
					last := round*100 + i + 1
					u.do("PATCH", "/subscriptions/"+id, fmt.Sprintf(`{"pause_after": %d}`, last)).want(http.StatusOK)
					u.do("POST", "/subscriptions/"+id+"/pause", "").want(http.StatusOK)
					if i%2 == 0 {
						u.do("DELETE", "/subscriptions/"+id, "").want(http.StatusNoContent)
						continue
					}
					mu.Lock()
					want[id] = fmt.Sprint(last, " paused")
					mu.Unlock()
				}
			})
		}
		writers.Wait()
		p.kill()
		p.start()
		got := map[string]string{}
		for _, s := range p.operate("GET", "/subscriptions?limit=250", "").want(200).data() {
			got[s["id"].(string)] = fmt.Sprint(s["pause_after"], " ", s["status"])
		}
		if !maps.Equal(got, want) {
			t.Fatalf("after kill %d there are %v, want %v", round+1, got, want)
		}
	}
}
