package e2e

import (
	"fmt"
	"testing"
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
