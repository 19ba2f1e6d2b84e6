package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// Lists are narrowed by scope, entity, subscription, state, event and time, and by all
// of these together; so are replays, by time or position and scope.
func TestFiltersOfTheAPI(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	well, ill := receive(t, nil), receive(t, status(500))
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	good := ann.do("POST", "/subscriptions", subscription(well, "")).want(201).text("id")
	bad := ann.do("POST", "/subscriptions", subscription(ill, `, "retry": "none", "order": "none"`)).want(201).text("id")
	_, a := p.call("POST", "/api/projects", `{"name":"a"}`, "X-Space", "acme")
	_, b := p.call("POST", "/api/projects", `{"name":"b"}`, "X-Space", "acme")
	first, second := projectID(t, a), projectID(t, b)
	well.wait(2)
	until(t, "all is settled", p.settled)
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1100 * time.Millisecond))) // times are compared to the second here
	between := time.Now().UTC().Truncate(time.Second).Format(time.RFC3339)
	p.call("PATCH", "/api/projects/"+first, `{"name":"c"}`, "X-Space", "acme")
	p.call("DELETE", "/api/projects/"+second, "", "X-Space", "acme")
	well.wait(4)
	until(t, "all is settled", p.settled)
	list := func(path string) (names []string) {
		for _, d := range ann.do("GET", path, "").want(200).data() {
			scope, _ := d["scope"].(string)
			if to, ok := d["subscription"].(string); ok {
				scope += map[string]string{good: " good", bad: " bad"}[to]
			}
			names = append(names, scope)
		}
		slices.Sort(names)
		return names
	}
	created := ann.do("GET", "/events?scope=project.created&resource=project&entity="+first, "").want(200).data()[0]["id"].(string)
	for path, want := range map[string][]string{
		"/events": {"project.created", "project.created", "project.deleted", "project.updated"},
		"/events?scope=project.created&scope=project.deleted":                                          {"project.created", "project.created", "project.deleted"},
		"/events?resource=project&entity=" + first:                                                     {"project.created", "project.updated"},
		"/events?resource=subscription":                                                                nil,
		"/events?since=" + between:                                                                     {"project.deleted", "project.updated"},
		"/events?until=" + between:                                                                     {"project.created", "project.created"},
		"/events?scope=project.*&resource=project&entity=" + second + "&since=" + between:              {"project.deleted"},
		"/deliveries?subscription=" + good:                                                             {"project.created good", "project.created good", "project.deleted good", "project.updated good"},
		"/deliveries?state=exhausted&scope=project.created":                                            {"project.created bad", "project.created bad"},
		"/deliveries?state=delivered&until=" + between:                                                 {"project.created good", "project.created good"},
		"/deliveries?event=" + created:                                                                 {"project.created bad", "project.created good"},
		"/deliveries?event=" + created + "&state=exhausted":                                            {"project.created bad"},
		"/deliveries?resource=project&entity=" + second + "&subscription=" + bad + "&since=" + between: {"project.deleted bad"},
		"/deliveries?state=dead":                                                                       nil,
	} {
		if got := list(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	for body, want := range map[string]float64{
		`"since": 0`:                                             4,
		fmt.Sprintf(`"since": %q`, between):                      2,
		fmt.Sprintf(`"since": 0, "until": %q`, between):          2,
		`"since": 2, "until": 4`:                                 2,
		`"since": 0, "scopes": ["project.created"]`:              2,
		`"since": 0, "scopes": ["project.deleted", "*.updated"]`: 2,
		`"since": 0, "states": ["delivered"]`:                    0,
	} {
		got := ann.do("POST", "/replays/count", fmt.Sprintf(`{"subscription": %q, %s}`, bad, body))
		if got.want(200).fields["deliveries"] != want {
			t.Errorf("a replay with %s would send %v, want %v", body, got.fields["deliveries"], want)
		}
	}
	// What is held is released through the API, in front of what is newer.
	ill.respond(status(410))
	p.call("PATCH", "/api/projects/"+first, `{"name":"d"}`, "X-Space", "acme")
	at := "/subscriptions/" + bad
	until(t, "it is gone", func() bool { return ann.do("GET", at, "").want(200).text("status") == "gone" })
	p.call("PATCH", "/api/projects/"+first, `{"name":"e"}`, "X-Space", "acme")
	until(t, "two are held", func() bool { return len(list("/deliveries?state=held&subscription="+bad)) == 2 })
	ill.forget()
	ill.respond(nil)
	ann.do("POST", at+"/resume", "").want(200)
	if got := list("/deliveries?state=held"); len(got) != 2 {
		t.Errorf("resumed, it has %v held: what it was owed stays until it is released", got)
	}
	ann.do("POST", at+"/release", "").want(200)
	ill.wait(2)
	until(t, "all is settled", p.settled)
}
