package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// idsOf goes through a list page by page, few on a page.
func (u user) idsOf(list string) (ids []string) {
	u.p.t.Helper()
	for next, pages := "", 0; pages < 2000; pages++ {
		page := u.do("GET", list+next, "").want(200)
		for _, v := range page.data() {
			ids = append(ids, v["id"].(string))
		}
		if page.text("next") == "" {
			return ids
		}
		next = "&cursor=" + page.text("next")
	}
	u.p.t.Fatalf("%s has no end", list)
	return nil
}

// While things are made and deleted on all sides, a list that is read page by page
// leaves out nothing that was there all the time, and has nothing twice.
func TestListsAreWholeAmidChanges(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann, bob := p.user("ann", "acme"), p.user("bob", "acme")
	make1 := func(u user) string {
		return u.do("POST", "/subscriptions", subscription(r, `, "order": "none"`)).want(201).text("id")
	}
	var stay []string
	for range 12 {
		stay = append(stay, make1(ann))
	}
	const projects = 15
	for i := range projects {
		p.call("POST", "/api/projects", fmt.Sprintf(`{"name":"P%d"}`, i), "X-Space", "acme")
	}
	r.wait(projects * len(stay))
	until(t, "all is settled", p.settled)
	before := map[string][]string{}
	lists := []string{
		"/subscriptions?limit=3", "/events?limit=4", "/deliveries?limit=20", "/deliveries?limit=20&state=delivered",
		"/deliveries?limit=4&subscription=" + stay[3], "/deliveries?limit=20&scope=project.created", "/events?limit=4&scope=project.*&resource=project",
	}
	for _, list := range lists {
		if before[list] = ann.idsOf(list); len(before[list]) == 0 {
			t.Fatalf("%s is empty", list)
		}
	}

	stop := make(chan struct{})
	var others sync.WaitGroup
	churn := func(step func()) {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					step()
				}
			}
		})
	}
	for _, u := range []user{ann, bob} { // subscriptions come and go, and what they are owed
		churn(func() {
			id := make1(u)
			u.do("PATCH", "/subscriptions/"+id, `{"pause_after": 3}`).want(200)
			u.do("DELETE", "/subscriptions/"+id, "").want(204)
		})
	}
	churn(func() { // events and deliveries come and are erased
		_, made := p.call("POST", "/api/projects", `{"name":"Hut"}`, "X-Space", "acme")
		ann.do("POST", "/erasures", fmt.Sprintf(`{"resource": "project", "entity": %q}`, projectID(t, made))).want(200)
	})
	for range 4 {
		for _, list := range lists {
			times := map[string]int{}
			for _, id := range ann.idsOf(list) {
				if times[id]++; times[id] == 2 {
					t.Errorf("%s has %s twice", list, id)
				}
			}
			for _, id := range before[list] {
				if times[id] == 0 {
					t.Errorf("%s leaves out %s", list, id)
				}
			}
		}
	}
	close(stop)
	others.Wait()
}

// What was on an earlier page, and is deleted then, moves nothing that is on a later one.
func TestAPageGoesOnBehindWhatWasDeleted(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	ann, r := p.user("ann", "acme"), receive(t, nil)
	var made []string
	for range 7 {
		made = append(made, ann.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id"))
	}
	var seen []string
	for next := ""; ; {
		page := ann.do("GET", "/subscriptions?limit=2"+next, "").want(200)
		for i, v := range page.data() {
			seen = append(seen, v["id"].(string))
			if i == 0 {
				ann.do("DELETE", "/subscriptions/"+v["id"].(string), "").want(204)
			}
		}
		if page.text("next") == "" {
			break
		}
		next = "&cursor=" + page.text("next")
	}
	if !slices.Equal(seen, made) {
		t.Errorf("the pages show %v, want %v", seen, made)
	}
}
