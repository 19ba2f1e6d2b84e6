package engine

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/webhook"
)

// How fast a caller of the API can make Sidehook call somebody.
const (
	// Of each subscription testBurst tests may be sent at once, and another one for
	// each testEvery that has passed.
	testEvery = time.Second
	testBurst = 5
)

// testPace tells when a subscription may be sent another test. Its zero value is
// ready for use.
type testPace struct {
	mu sync.Mutex

	// busy says when what was sent to a subscription has been worked off. It has
	// those of which that is to come, and at most as many as there may be
	// subscriptions.
	busy map[webhook.SubscriptionID]time.Time
}

// Take refuses (429) a test that comes too early, and says how long to wait.
func (p *testPace) Take(id webhook.SubscriptionID, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := p.busy[id]
	if until.Before(now) {
		until = now
	}
	wait := until.Add(testEvery).Sub(now.Add(testBurst * testEvery))
	if wait <= 0 && p.busy[id].IsZero() && len(p.busy) >= MaxKept {
		maps.DeleteFunc(p.busy, func(_ webhook.SubscriptionID, until time.Time) bool { return !until.After(now) })
		if len(p.busy) >= MaxKept {
			wait = testEvery
		}
	}
	if wait > 0 {
		return tooManyTests(wait)
	}
	if p.busy == nil {
		p.busy = make(map[webhook.SubscriptionID]time.Time)
	}
	p.busy[id] = until.Add(testEvery)
	return nil
}

func tooManyTests(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	bad := problem.New(http.StatusTooManyRequests, "of a subscription %d tests may be sent at once, and another each %s: try again in %ds", testBurst, testEvery, seconds)
	bad.Header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return bad
}
