package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

func TestReloadsUnderLoadLoseNothing(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	sometimes := receive(t, nil) // its subscription comes and goes
	config := func(i int) string {
		subs := subscribe("crm", crm, fmt.Sprintf("scopes item.updated\n\t\t\ttimeout %ds", 10+i%5))
		if i%2 == 0 {
			subs += subscribe("sometimes", sometimes, "scopes item.updated\n\t\t\torder none")
		}
		return caddyfile(subs,
			fmt.Sprintf("\t\tmax_body %dKiB\n\t\tresource item /items", 512+i), api.URL)
	}
	p := start(t, config(0))
	a := &acked{ns: make(map[string][]int)}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		a.write(p.site, "w", rounds[0], stop)
	}()
	for i := range 20 {
		before := a.count()
		until(t, "clients are served", func() bool { return a.count() > before })
		p.configure(config(i + 1))
		if err := p.reload(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-done
	until(t, "everything acknowledged has arrived", func() bool { return len(a.lost(tally(crm.took()))) == 0 })
	d := tally(crm.took())
	until(t, "what the subscription that comes and goes is owed is delivered", p.settled)
	var dead []struct{ ID, Reason string }
	if p.get("/sidehook/deliveries?state=dead", &dead); len(dead) > 0 {
		t.Errorf("a reload killed %d deliveries: %v", len(dead), dead)
	}
	if d.count != len(d.seen) {
		t.Errorf("%d of %d deliveries were repeats; a reload repeats none", d.count-len(d.seen), d.count)
	}
}

func TestAFailedReloadKeepsTheOldConfiguration(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects, api.URL))
	p.configure(caddyfile(subscribe("crm", crm, "scopes projet.**"), projects, api.URL))
	err := p.reload()
	if err == nil || !strings.Contains(err.Error(), "projet.**") {
		t.Errorf("a subscription to what no rule can earn was loaded, or the error does not name it: %v", err)
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	crm.wait(1)
}

// A call that began before a reload and ends after it is captured and derived
// by the configuration under which it began.
func TestACallInFlightAcrossAReloadCounts(t *testing.T) {
	handler, entered, release := hanging(t)
	api := serve(t, handler)
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects, api.URL))
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		p.call("PATCH", "/api/projects/1001", `{"name":"x"}`)
	}()
	<-entered
	p.configure(caddyfile(subscribe("crm", crm, "scopes project.** contact.**"), "\t\tresource contact /api/contacts\n\t\tresource project /elsewhere", api.URL))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	release()
	<-answered
	wantScopes(t, crm.wait(1), "project.updated")
}

// A static subscription is its name: while it is gone from the configuration,
// what it is owed is held; the name back, delivery goes on.
func TestAnAbsentSubscriptionIsHeldAndGoesOn(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, status(500))
	with := caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tretry 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms"), projects, api.URL)
	p := start(t, with)
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	until(t, "an attempt has failed", func() bool { return len(crm.all()) > 0 })
	p.configure(caddyfile("", projects, api.URL))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	var held []struct{ State, Reason string }
	until(t, "the delivery is held", func() bool {
		p.get("/sidehook/deliveries?state=held", &held)
		return len(held) == 1
	})
	crm.respond(nil)
	p.configure(with)
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	crm.wait(1)
}

func TestValidateWhileAServerRunsOnTheSameDirectory(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects, api.URL))
	for _, args := range [][]string{
		{"validate", "--config", p.config, "--adapter", "caddyfile"},
		{"adapt", "--config", p.config, "--adapter", "caddyfile"},
		{"check", "--config", p.config},
		{"sidehook", "check", "--config", p.config},
	} {
		if out, err := p.cli(args...); err != nil {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	crm.wait(1)
}

func TestASecondProcessOnTheSameDirectoryIsRefused(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	first := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects, api.URL))
	second := prepare(t, "")
	text, err := os.ReadFile(first.config)
	if err != nil {
		t.Fatal(err)
	}
	second.configure(strings.NewReplacer(first.admin, second.admin, first.site, second.site).Replace(string(text)))
	second.launch()
	<-second.Ended()
	if log := second.log.String(); !strings.Contains(log, "another process") || !strings.Contains(log, first.dir) {
		t.Errorf("the error does not say that another process holds the directory, and which: %s", log)
	}
}

func TestShutdownEndsWithinFiveSecondsAndLosesNothing(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	stuck := make(chan struct{})
	crm := receive(t, func(*arrival) int {
		<-stuck
		return http.StatusNoContent
	})
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects, api.URL))
	for range 20 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	until(t, "deliveries hang", func() bool { return len(crm.all()) > 0 })
	http.DefaultClient.CloseIdleConnections()
	if took := p.stop(); took > 5*time.Second {
		t.Errorf("shutdown took %v, want at most 5 s", took)
	}
	close(stuck)
	crm.respond(nil)
	p.start()
	until(t, "all twenty have arrived", func() bool { return len(tally(crm.took()).seen) == 20 })
}
