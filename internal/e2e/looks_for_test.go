package e2e

import (
	"strings"
	"testing"
)

// What is asked for with the entity is asked for otherwise where a block of `for` says so.
func TestExpandForOneResource(t *testing.T) {
	api, s := newLimited(t)
	a := receive(t, nil)
	p := start(t, caddyfile(subscribe("a", a, `scopes project.**
			credential Authorization "Bearer a"
			expand nothing
			for project {
				expand owner
			}`), looking(s.URL), s.URL))
	id := p.create("a")
	if got := a.wait(1)[0]; !strings.Contains(got.Raw, "the owner") {
		t.Errorf("it got %s", got.Raw)
	}
	if got, want := api.gets("a")[0], "/api/projects/"+id+"?expand=owner"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

// An example to a subscriber who sees what the API shows it looks like no event: that it
// may not see.
func TestAnExampleShowsNothingThatTheAPIDecidesOf(t *testing.T) {
	_, s := newLimited(t)
	a, b := receive(t, nil), receive(t, nil)
	seeing := func(name string, r *receiver) string {
		return subscribe(name, r, "scopes project.**\n\t\t\tview_check\n\t\t\tcredential Authorization \"Bearer "+name+"\"")
	}
	p := start(t, caddyfile(seeing("a", a)+seeing("b", b), looking(s.URL), s.URL))
	p.create("a")
	if got := a.wait(1)[0]; !strings.Contains(got.Raw, `"salary":1000`) {
		t.Fatalf("it got %s", got.Raw)
	}
	until(t, "the other may not see it", func() bool { return p.count("b", "not_visible") == 1 })
	for _, name := range []string{"a", "b"} {
		if out, err := p.cli("trigger", "project.created", "--subscription", name, "--address", p.admin); err != nil || !strings.Contains(out, "delivered") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, got := range []arrival{a.wait(2)[1], b.wait(1)[0]} {
		if got.Body.Entity.ID != "example" || strings.Contains(got.Raw, `"team":"a"`) || strings.Contains(got.Raw, `"salary":1000`) {
			t.Errorf("the example is %s", got.Raw)
		}
	}
}
