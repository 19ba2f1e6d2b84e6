package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A call that hangs in the API does not hold up the end of the process. What
// became of it is not known, and the next start says so.
func TestShutdownEndsWithinFiveSecondsWhileTheAPIHangs(t *testing.T) {
	handler, entered, release := hanging(t)
	api := serve(t, handler)
	stuck := make(chan struct{})
	crm := receive(t, func(*arrival) int {
		<-stuck
		return http.StatusNoContent
	})
	t.Cleanup(func() { release() })
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	until(t, "a delivery hangs", func() bool { return len(crm.all()) > 0 })
	go func() {
		req, _ := http.NewRequest("PATCH", p.site+"/api/projects/1001", strings.NewReader(`{"name":"x"}`))
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	if took := p.stop(); took > 5*time.Second {
		t.Errorf("shutdown took %v, want at most 5 s", took)
	}
	if log := p.log.String(); strings.Contains(log, `"panic"`) {
		t.Errorf("a panic while shutting down: %s", log)
	}
	close(stuck)
	crm.respond(nil)
	p.start()
	until(t, "both are told of", func() bool { return len(tally(crm.took()).seen) == 2 })
	var last arrival
	for _, a := range crm.took() {
		last = a
	}
	if last.Body.Type != "project.gap" {
		t.Errorf("the call whose outcome is not known earned %s, want project.gap", last.Body.Type)
	}
}

// Neither does a disk that takes nothing: Badger tries for ever to write its last table.
func TestShutdownEndsWithinFiveSecondsOnADiskThatTakesNothing(t *testing.T) {
	api, crm := serve(t, itemAPI()), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tresource item /items", api.URL))
	const n = 50
	for i := range n {
		p.patch("i" + itoa(i))
	}
	crm.wait(n)
	limit(4 << 10)(p)
	if took := p.stop(); took > 5*time.Second {
		t.Errorf("shutdown took %v, want at most 5 s", took)
	}
	if !strings.Contains(p.log.String(), "could not be closed in time") {
		t.Error("it was closed: nothing stood in its way")
	}
	p.start() // a limit dies with its process
	p.patch("last")
	until(t, "all are told", func() bool { return len(crm.entities()) == n+1 })
}

func TestAConfigurationWithoutGracePeriodIsWarnedOf(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	text := caddyfile(subscribe("crm", crm, "scopes project.**"), projects, api.URL)
	p := prepare(t, text)
	check := func() string {
		out, err := p.cli("check", "--config", p.config)
		if err != nil {
			t.Fatalf("check: %v: %s", err, out)
		}
		return out
	}
	if out := check(); strings.Contains(out, "grace_period") {
		t.Errorf("a grace period of 1s is warned of: %s", out)
	}
	p.configure(strings.Replace(text, "grace_period 1s", "grace_period 10s", 1))
	if out := check(); !strings.Contains(out, "14s") {
		t.Errorf("a grace period of 10s is not warned of: %s", out)
	}
	p.configure(strings.Replace(text, "\tgrace_period 1s\n", "", 1))
	if out := check(); !strings.Contains(out, "grace_period is not set") {
		t.Errorf("no grace period is not warned of: %s", out)
	}
	p.start()
	until(t, "the start warns", func() bool { return strings.Contains(p.log.String(), "grace_period is not set") })
}
