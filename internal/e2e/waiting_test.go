package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// Somebody says "your webhook did not come", and it is owed still: what it waits for
// is said where one looks.
func TestWhatADeliveryWaitsForIsSaid(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	ok, failing, gone := receive(t, nil), receive(t, status(500)), receive(t, status(410))
	asking, holding, idle := receive(t, status(429)), receive(t, status(500)), receive(t, nil)
	leave := make(chan struct{})
	busy := receive(t, func(*arrival) int { <-leave; return 204 })
	t.Cleanup(func() { close(leave) })
	p := start(t, caddyfile(subscribe("paced", ok, "scopes project.**\n\t\t\trate 1/h")+
		subscribe("behind", failing, "scopes project.**\n\t\t\tretry 1h")+
		subscribe("asking", asking, "scopes project.**")+
		subscribe("holding", holding, "scopes project.**\n\t\t\tretry none\n\t\t\torder entity hold")+
		subscribe("busy", busy, "scopes project.**\n\t\t\torder none\n\t\t\tconcurrency 1\n\t\t\ttimeout 5m")+
		subscribe("idle", idle, "scopes project.**")+
		subscribe("leaving", gone, "scopes project.**"), projects, api.URL))
	if out, err := p.cli("subscriptions", "pause", "idle", "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	ok.wait(1)
	until(t, "all were tried", func() bool {
		return len(failing.all())*len(gone.all())*len(asking.all())*len(holding.all())*len(busy.all()) == 1
	})
	until(t, "one is held", func() bool { return p.count("holding", "held") == 1 })
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`)

	var told string
	for who, want := range map[string]string{
		"paced":   `paced +pending \(waits: the rate of the subscription lets the next go at 2\d{3}-`,
		"behind":  `behind +pending \(waits: dlv_\w+ is ahead of it by order, and is attempted again at 2\d{3}-`,
		"asking":  `asking +pending \(waits: the receiver asked to wait until 2\d{3}-`,
		"holding": `holding +pending \(waits: dlv_\w+ is ahead of it by order, and is held until it is released or retried\)`,
		"busy":    `busy +pending \(waits, or is being attempted: as many attempts are under way .* \(concurrency 1\)\)`,
		"idle":    `idle +held \(the subscription is paused: the operator's command\)`,
		"leaving": `leaving +held \(the subscription is gone: its receiver answered 410\)`,
	} {
		until(t, who+" waits", func() bool {
			var ds []struct{ State string }
			p.get("/sidehook/deliveries?subscription="+who, &ds)
			return len(ds) == 2
		})
		until(t, "it is told what "+who+" waits for", func() bool {
			told = p.explained(p.lastEvent("project.updated"))
			return regexp.MustCompile(want).MatchString(told)
		})
	}
	if out, err := p.cli("subscriptions", "resume", "behind", "--json", "--address", p.admin); err != nil || !strings.Contains(out, `"pending":2`) {
		t.Errorf("resumed, it does not say what it is owed: %v: %s", err, out)
	}
	for command, want := range map[string]string{
		"deliveries --subscription paced":   "the rate of the subscription lets the next go at",
		"deliveries --subscription behind":  " is ahead of it by order, and is attempted again at 2",
		"deliveries --subscription holding": "is held until it is released or retried",
		"deliveries --subscription busy":    "(concurrency 1)",
		"deliveries --subscription asking":  "the receiver asked to wait until",
		"deliveries --state held":           "the operator's command",
		"deliveries --state pending":        " is ahead of it by order, and is attempted again at 2",
		"subscriptions":                     "its receiver answered 410",
		"subscriptions show paced --json":   `"rate":"1/h"`,
		"subscriptions show behind":         "1h0m0s",
	} {
		out, err := p.cli(append(strings.Fields(command), "--address", p.admin)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s does not say %q: %v\n%s", command, want, err, out)
		}
	}
}
