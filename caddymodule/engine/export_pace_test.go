package engine

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Bounds of what callers may ask for.
const (
	TestBurst = testBurst
	TestEvery = testEvery
)

// TestPace tells when a subscription may be sent another test.
type TestPace struct{ pace testPace }

// Take takes one test out.
func (p *TestPace) Take(id webhook.SubscriptionID, now time.Time) error { return p.pace.Take(id, now) }

// Held is of how many subscriptions it knows something.
func (p *TestPace) Held() int { return len(p.pace.busy) }
