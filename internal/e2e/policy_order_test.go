package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// When all is due, what is live comes before what failed before, however much older that is.
func TestLiveComesBeforeWhatIsRetried(t *testing.T) {
	const n = 4
	api := crudAPI(t, crud.Options{})
	crm := receive(t, status(500))
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\torder none\n\t\t\tconcurrency 1\n\t\t\tretry 1s 1s 1s 1s 1s"), projects, api.URL))
	for range n {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	until(t, "each has failed", func() bool { return len(ids(crm.all())) == n })
	p.steer("pause", "crm")
	crm.respond(nil)
	due := func(n int) func() bool {
		return func() bool {
			var held []struct{ Due time.Time }
			p.get("/sidehook/deliveries?subscription=crm&state=held&max=100", &held)
			held = slices.DeleteFunc(held, func(d struct{ Due time.Time }) bool { return d.Due.IsZero() || d.Due.After(time.Now()) })
			return len(held) == n
		}
	}
	until(t, "what has failed is due", due(n))
	failed := ids(crm.all())
	for range n {
		p.call("POST", "/api/projects", `{"name":"Wall"}`)
	}
	until(t, "all is", due(2*n))
	p.resume("crm")
	for i, a := range crm.wait(2 * n) {
		if failed[a.ID] != (i >= n) {
			t.Errorf("webhook %d of %d has failed before: %v", i, 2*n, failed[a.ID])
		}
	}
}
