package api

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/webhook"
)

// How fast a caller of the API can make Sidehook call somebody.
const (
	// Of each subscription testBurst tests may be sent at once, and another one for
	// each testEvery that has passed.
	testEvery = time.Second
	testBurst = 5

	// A caller may make so many requests be made by hand at once, and another one for
	// each handEvery: tests of all its subscriptions, which may all lead to one
	// stranger, and retries of single deliveries.
	handEvery = 500 * time.Millisecond
	handBurst = 20
)

// paced is who calls the API, as far as its pace goes.
type paced struct {
	Operator      bool
	Owner, Tenant string
}

// handPace tells when a caller may make Sidehook make another request by hand. Its
// zero value is ready for use.
type handPace struct {
	mu      sync.Mutex
	tests   pace[webhook.SubscriptionID]
	callers pace[paced]
}

// Test takes a test of a subscription, or refuses it (429): then nothing is used up.
func (p *handPace) Test(id webhook.SubscriptionID, who paced, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.tests.wait(id, testBurst, testEvery, now); wait > 0 {
		return tooSoon(wait, "of a subscription %d tests may be sent at once, and another each %s", testBurst, testEvery)
	}
	if err := p.hand(who, now); err != nil {
		return err
	}
	p.tests.take(id, testEvery, now)
	return nil
}

// Retry takes a retry of a single delivery, or refuses it (429).
func (p *handPace) Retry(who paced, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hand(who, now)
}

// hand is for both. The operator is not paced here. p.mu is held.
func (p *handPace) hand(who paced, now time.Time) error {
	if who.Operator {
		return nil
	}
	if wait := p.callers.wait(who, handBurst, handEvery, now); wait > 0 {
		return tooSoon(wait, "of a caller %d tests and retries may be made at once, and another each %s (a replay sends many again)", handBurst, handEvery)
	}
	p.callers.take(who, handEvery, now)
	return nil
}

// pace tells when something may be done again for each of many. Its zero value is
// ready for use.
type pace[K comparable] struct {
	// busy says when what was done for one has been worked off. It has those of
	// which that is to come, and at most as many as there may be subscriptions.
	busy map[K]time.Time
}

// wait returns how long k has to wait, if burst things may be done at once and
// another one each every; 0: not at all.
func (p *pace[K]) wait(k K, burst int, every time.Duration, now time.Time) time.Duration {
	until, known := p.busy[k]
	if until.Before(now) {
		until = now
	}
	if !known && len(p.busy) >= engine.MaxKept {
		maps.DeleteFunc(p.busy, func(_ K, until time.Time) bool { return !until.After(now) })
		if len(p.busy) >= engine.MaxKept {
			return every
		}
	}
	return max(0, until.Sub(now)-time.Duration(burst-1)*every)
}

// take notes that something is done for k, which need not wait.
func (p *pace[K]) take(k K, every time.Duration, now time.Time) {
	if p.busy == nil {
		p.busy = make(map[K]time.Time)
	}
	until := p.busy[k]
	if until.Before(now) {
		until = now
	}
	p.busy[k] = until.Add(every)
}

// tooSoon refuses what comes too soon (429), and says how long to wait.
func tooSoon(wait time.Duration, format string, args ...any) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	bad := problem.New(http.StatusTooManyRequests, "%s: try again in %ds", fmt.Sprintf(format, args...), seconds)
	bad.Header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return bad
}
