package e2e

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// A customer may let its subscription have more slots than there are, and its receiver
// hang: others' webhooks do not wait for that. The twin in package deliver is
// TestThereIsASlotForWhoHasNone.
func TestAGreedySubscriberHurtsNobodyElse(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	stuck := make(chan struct{})
	defer close(stuck)
	var hung atomic.Int32
	bad := receive(t, func(*arrival) int {
		hung.Add(1)
		<-stuck
		return 500
	})
	good := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	p.user("ann", "acme").do("POST", "/subscriptions", subscription(bad, `, "order": "none", "concurrency": 1000, "timeout": "30s"`)).want(201)
	p.user("bob", "acme").do("POST", "/subscriptions", subscription(good, "")).want(201)
	post := func(n int) {
		for range n {
			p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
		}
	}
	begin := time.Now()
	post(300)
	good.wait(300)
	until(t, "as many hang as may", func() bool { return hung.Load() >= 90 })
	post(20)
	good.wait(320)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("with %d requests hanging at one receiver, the other waited %v", hung.Load(), took)
	}
}
