package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// A page of events ends where it becomes large, and the next goes on: all come,
// each once.
func TestPagesOfLargeEventsAreBounded(t *testing.T) {
	const events, size = 40, 300_000
	api := serve(t, itemAPI())
	p := start(t, caddyfile("", "\t\tresource item /items", api.URL))
	for i := range events {
		p.call("PATCH", fmt.Sprintf("/items/%d", i), fmt.Sprintf(`{"n":1,"size":%d}`, size))
	}
	until(t, "all is settled", p.settled)
	seen, pages := map[string]bool{}, 0
	for cursor := ""; ; pages++ {
		got := p.operate("GET", "/events?limit=250"+cursor, "").want(200)
		if n := len(got.raw); n > 12<<20 {
			t.Errorf("page %d has %d bytes", pages, n)
		}
		for _, e := range got.data() {
			id := e["id"].(string)
			if seen[id] {
				t.Errorf("event %s came twice", id)
			}
			seen[id] = true
		}
		if got.text("next") == "" {
			break
		}
		cursor = "&cursor=" + got.text("next")
	}
	if len(seen) != events || pages < 2 {
		t.Errorf("%d events came on %d pages, want %d on several", len(seen), pages+1, events)
	}
}

// A filter that nothing passes ends a page all the same, and the pages end.
func TestPagesOfARareEventEnd(t *testing.T) {
	const events = 2500
	api := serve(t, itemAPI())
	p := start(t, caddyfile("", "\t\tresource item /items {\n\t\t\temit item.rare when after.n == 1\n\t\t}", api.URL))
	p.call("PATCH", "/items/first", `{"n":1,"size":1}`)
	for i := range events {
		p.call("PATCH", fmt.Sprintf("/items/%d", i), `{"n":2,"size":1}`)
	}
	until(t, "all is settled", p.settled)
	found, pages := 0, 0
	for cursor := ""; ; pages++ {
		got := p.operate("GET", "/events?scope=item.rare"+cursor, "").want(200)
		found += len(got.data())
		if got.text("next") == "" {
			break
		}
		cursor = "&cursor=" + got.text("next")
	}
	if found != 1 || pages != 1 {
		t.Errorf("%d came on %d pages, want 1 on 2", found, pages+1)
	}
}

// Deliveries of a state that hardly any is in come on pages that end, each once,
// whoever else has many.
func TestPagesOfRareDeliveriesEnd(t *testing.T) {
	const events = 2400
	api := crudAPI(t, crud.Options{})
	busy, rare := receive(t, nil), receive(t, func(*arrival) int { return 500 })
	p := start(t, withAPI("", perSpace, api.URL))
	ann, bob := p.user("ann", "acme"), p.user("bob", "acme")
	for range 3 {
		bob.do("POST", "/subscriptions", subscription(busy, "")).want(201)
	}
	ann.do("POST", "/subscriptions", subscription(busy, "")).want(201)
	ann.do("POST", "/subscriptions", subscription(rare, `, "retry": "none", "filter": "entity.name == \"rare\""`)).want(201)
	post := func(name string) {
		p.call("POST", "/api/projects", fmt.Sprintf(`{"name":%q}`, name), "X-Space", "acme")
	}
	post("rare")
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range events / 8 {
				post("usual")
			}
		})
	}
	clients.Wait()
	post("rare")
	until(t, "all is settled", p.settled)
	all := func(u user, query string) (ids []string, pages int) {
		for cursor := ""; ; pages++ {
			got := u.do("GET", "/deliveries?limit=250"+query+cursor, "").want(200)
			for _, d := range got.data() {
				ids = append(ids, d["id"].(string))
			}
			if got.text("next") == "" {
				return ids, pages + 1
			}
			cursor = "&cursor=" + got.text("next")
		}
	}
	for _, c := range []struct {
		who                user
		query              string
		want, fewest, most int
	}{
		{ann, "&state=exhausted", 2, 1, 1},
		{bob, "&state=exhausted", 0, 1, 1},
		{ann, "&state=pending", 0, 1, 1},
		{ann, "&state=held", 0, 1, 1},
		{ann, "", events + 4, 10, 20},
		{bob, "&state=delivered", 3 * (events + 2), 28, 50},
		{bob, "&scope=project.deleted", 0, 4, 20},
	} {
		ids, pages := all(c.who, c.query)
		if len(ids) != c.want || pages < c.fewest || pages > c.most {
			t.Errorf("%s: %d deliveries on %d pages, want %d on %d to %d", c.query, len(ids), pages, c.want, c.fewest, c.most)
		}
		slices.Sort(ids)
		if n := len(slices.Compact(ids)); n != c.want {
			t.Errorf("%s: %d different ones", c.query, n)
		}
	}
}

// A stream reads on in pages that are bounded by bytes and by what it looks at, and
// shows each event once.
func TestAStreamComesPastLargeEventsAndOthers(t *testing.T) {
	const large, others = 30, 1200
	api := serve(t, itemAPI())
	p := start(t, caddyfile("", "\t\tresource item /items {\n\t\t\temit item.large instead when after.n == 1\n\t\t}", api.URL))
	for i := range large {
		p.call("PATCH", fmt.Sprintf("/items/large%d", i), `{"n":1,"size":200000}`)
		for j := range others / large {
			p.call("PATCH", fmt.Sprintf("/items/%d-%d", i, j), `{"n":2,"size":1}`)
		}
	}
	until(t, "all is settled", p.settled)
	resp, err := http.Get("http://" + p.admin + "/sidehook/stream?after=0&scope=item.large")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	last := 0
	for found := 0; found < large; {
		var line struct {
			Position int
			Entity   string
			Body     json.RawMessage
		}
		if err := lines.Decode(&line); err != nil {
			t.Fatalf("after %d: %v", found, err)
		}
		if line.Entity == "" {
			continue
		}
		if line.Position <= last || !strings.HasSuffix(line.Entity, fmt.Sprintf("large%d", found)) || len(line.Body) < 200_000 {
			t.Fatalf("position %d of %s, %d bytes, after position %d and %d others", line.Position, line.Entity, len(line.Body), last, found)
		}
		last = line.Position
		found++
	}
}
