package look

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Bounds of subscribers' own GETs. They are made in the place of an attempt, of
// which there are 256 at once; so an API that hangs must leave most of these to
// others.
const (
	getTimeout = 5 * time.Second
	looksOfOne = webhook.MaxLooks // of one subscription, at one API, waiting included
	looksOfAPI = 40               // of one API that run
	looksAtAPI = 64               // of one API, waiting included
	looksInAll = 128              // of all, waiting included

	// Of each of these three some are only for subscriptions that have fewer than
	// looksOfRight there: so those that are slow, and get answers, leave a way for
	// the others.
	looksOfRight  = 2
	looksReserved = 8

	busyWait   = 250 * time.Millisecond
	breakAfter = 5 // failures in a row of one subscription at one API, after which it is asked now and then
	waitFirst  = time.Second
	waitMost   = 10 * time.Minute
	shutMost   = time.Minute
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
	running int
	waiting []*waiter // first in, first out but for what is due to others
	inside  int       // both
}

// waiter is a GET that waits.
type waiter struct {
	of    *gate
	begin chan struct{} // closed when it may be made
}

// maxGates bounds the gates, which those leave behind that are deleted while their GETs
// fail. Beyond it all of which none runs are forgotten, and asked for sooner than they
// might be.
const maxGates = 16 << 10

// gate is what one subscriber's GETs of one API came to. It is forgotten when
// all is well and none runs.
type gate struct {
	running  int
	inside   int       // running and waiting
	failures int       // in a row
	until    time.Time // after breakAfter failures: when one may try
}

// enter waits until a GET may be made. It returns what ends it, told whether the
// API said anything; or, if none may be made now, when to ask again.
func (g *gates) enter(ctx context.Context, k gateKey) (until time.Time, leave func(told bool)) {
	w, until := g.admit(k)
	if w == nil {
		return until, nil
	}
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	select {
	case <-w.begin:
		return until, func(told bool) { g.left(k, told) }
	case <-ctx.Done():
		if g.giveUp(k, w) {
			return time.Now().Add(waitFirst), nil
		}
		return until, func(told bool) { g.left(k, told) } // it may, after all
	}
}

// admit lets one in, or says when to ask again.
func (g *gates) admit(k gateKey) (w *waiter, until time.Time) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of, g.apis = map[gateKey]*gate{}, map[string]*apiGate{}
	}
	a := g.apis[k.api]
	if a == nil {
		a = new(apiGate)
		g.apis[k.api] = a
	}
	o := g.of[k]
	switch {
	case o == nil:
		o = new(gate)
	case now.Before(o.until):
		return nil, o.until
	case o.failures >= breakAfter && o.inside > 0: // one tries
		return nil, now.Add(waitFirst)
	case o.inside >= looksOfOne:
		return nil, now.Add(busyWait)
	}
	if !room(a.inside, looksAtAPI, o.inside) || !room(g.all, looksInAll, o.inside) {
		return nil, now.Add(busyWait)
	}
	if len(g.of) >= maxGates {
		maps.DeleteFunc(g.of, func(_ gateKey, o *gate) bool { return o.inside == 0 })
	}
	g.of[k] = o
	o.inside++
	a.inside++
	g.all++
	w = &waiter{o, make(chan struct{})}
	a.waiting = append(a.waiting, w)
	a.next()
	return w, now
}

// room reports whether there is room among most for one more of who has own.
func room(n, most, own int) bool {
	if own >= looksOfRight {
		most -= looksReserved
	}
	return n < most
}

// next lets those begin that may, first who has the fewest that run.
func (a *apiGate) next() {
	for len(a.waiting) > 0 {
		at := 0
		for i, w := range a.waiting {
			if w.of.running < a.waiting[at].of.running {
				at = i
			}
		}
		w := a.waiting[at]
		if !room(a.running, looksOfAPI, w.of.running) {
			return
		}
		a.waiting = slices.Delete(a.waiting, at, at+1)
		a.running++
		w.of.running++
		close(w.begin)
	}
}

// giveUp takes out one that waited for too long. It returns false if it may begin
// just now.
func (g *gates) giveUp(k gateKey, w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.apis[k.api]
	at := slices.Index(a.waiting, w)
	if at < 0 {
		return false
	}
	a.waiting = slices.Delete(a.waiting, at, at+1)
	g.out(k, a, w.of)
	return true
}

// left takes one out that was made.
func (g *gates) left(k gateKey, told bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, o := g.apis[k.api], g.of[k]
	if told {
		o.failures, o.until = 0, time.Time{}
	} else if o.failures++; o.failures >= breakAfter {
		o.until = time.Now().Add(longer(o.failures-breakAfter, shutMost))
	}
	o.running--
	a.running--
	g.out(k, a, o)
	a.next()
}

func (g *gates) out(k gateKey, a *apiGate, o *gate) {
	g.all--
	a.inside--
	if o.inside--; o.inside == 0 && o.failures == 0 {
		delete(g.of, k)
	}
}
