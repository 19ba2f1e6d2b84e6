package e2e

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// The policies of a subscription, one test each. Their twins in package deliver
// run days in milliseconds.

// A receiver that can take twenty a second gets no more, and gets all.
func TestRateIsKept(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm, free := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\trate 20/s")+
		subscribe("free", free, "scopes project.**"), projects, api.URL))
	for range 30 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	free.wait(30)
	before, begin := len(crm.all()), time.Now()
	crm.wait(30)
	if least := time.Duration(30-before-3) * time.Second / 20; time.Since(begin) < least {
		t.Errorf("the last %d arrived within %v, want at least %v", 30-before, time.Since(begin), least)
	}
	var ds []struct{ Attempts int }
	p.get("/sidehook/deliveries?subscription=crm&max=100", &ds)
	for _, d := range ds {
		if d.Attempts > 1 {
			t.Errorf("waiting for the rate spent attempts: %v", ds)
		}
	}
}
