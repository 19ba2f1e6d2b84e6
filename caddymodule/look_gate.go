package caddymodule

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Bounds of subscribers' own GETs. They are made in the place of an attempt, of
// which there are 256 at once; so an API that hangs must leave most of these to
// others.
const (
	lookTimeout   = 5 * time.Second
	looksOfOne    = webhook.MaxLooks // of one subscription, at one API, waiting included
	looksOfAPI    = 32               // of one API that run
	looksAtAPI    = 64               // of one API, waiting included
	looksInAll    = 128              // of all, waiting included
	lookBusy      = 250 * time.Millisecond
	lookBreak     = 5 // failures in a row of one subscription at one API, after which it is asked now and then
	lookWaitFirst = time.Second
	lookWaitMost  = 10 * time.Minute
	lookShutMost  = time.Minute
)

// gateKey is whose GETs of which API: what one subscriber asks for must not make
// the API look sick to the others.
type gateKey struct {
	api string
	sub webhook.SubscriptionID
}

// gates bounds the GETs that are made. Its zero value is ready.
type gates struct {
	mu   sync.Mutex
	all  int
	of   map[gateKey]*gate
	apis map[string]*apiGate
}

// apiGate is all GETs of one API. There are as many as there were APIs in some
// configuration.
type apiGate struct {
	slots  chan struct{} // one for each that runs
	inside int
}

// gate is what one subscriber's GETs of one API came to. It is forgotten when
// all is well and none runs.
type gate struct {
	inside   int
	failures int       // in a row
	until    time.Time // after lookBreak failures: when one may try
}

// enter waits until a GET may be made. It returns what ends it, told whether the
// API said anything; or, if none may be made now, when to ask again.
func (g *gates) enter(ctx context.Context, k gateKey) (until time.Time, leave func(told bool)) {
	a, until := g.admit(k)
	if a == nil {
		return until, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	select {
	case a.slots <- struct{}{}:
		return until, func(told bool) { <-a.slots; g.left(k, &told) }
	case <-ctx.Done():
		g.left(k, nil)
		return time.Now().Add(lookWaitFirst), nil
	}
}

// admit lets one in, or says when to ask again.
func (g *gates) admit(k gateKey) (a *apiGate, until time.Time) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of, g.apis = map[gateKey]*gate{}, map[string]*apiGate{}
	}
	if a = g.apis[k.api]; a == nil {
		a = &apiGate{slots: make(chan struct{}, looksOfAPI)}
		g.apis[k.api] = a
	}
	o := g.of[k]
	switch {
	case o == nil:
		o = new(gate)
	case now.Before(o.until):
		return nil, o.until
	case o.failures >= lookBreak && o.inside > 0: // one tries
		return nil, now.Add(lookWaitFirst)
	case o.inside >= looksOfOne:
		return nil, now.Add(lookBusy)
	}
	if a.inside >= looksAtAPI || g.all >= looksInAll {
		return nil, now.Add(lookBusy)
	}
	g.of[k] = o
	o.inside++
	a.inside++
	g.all++
	return a, now
}

// left takes one out; a nil told is one that was not made.
func (g *gates) left(k gateKey, told *bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	g.apis[k.api].inside--
	o := g.of[k]
	o.inside--
	switch {
	case told == nil:
	case *told:
		o.failures, o.until = 0, time.Time{}
	default:
		if o.failures++; o.failures >= lookBreak {
			o.until = time.Now().Add(longer(lookWaitFirst, o.failures-lookBreak, lookShutMost))
		}
	}
	if o.inside == 0 && o.failures == 0 {
		delete(g.of, k)
	}
}

// longer is first, doubled n times, at most most, and up to a tenth more.
func longer(first time.Duration, n int, most time.Duration) time.Duration {
	wait := min(first<<min(n, 20), most)
	return wait + rand.N(wait/10+1)
}

// maxTries bounds the deliveries whose tries are counted. Beyond it all are
// forgotten, and asked for sooner than they might be.
const maxTries = 4096

// tries counts how often in a row the API did not say. Its zero value is ready.
type tries struct {
	mu sync.Mutex
	of map[webhook.DeliveryID]int
}

// next counts one more, and returns how long to wait.
func (t *tries) next(id webhook.DeliveryID) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || len(t.of) >= maxTries {
		t.of = map[webhook.DeliveryID]int{}
	}
	n := t.of[id]
	t.of[id]++
	return longer(lookWaitFirst, n, lookWaitMost)
}

// end forgets a delivery of which the API has said something.
func (t *tries) end(id webhook.DeliveryID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, id)
}
