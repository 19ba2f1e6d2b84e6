package api

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Bounds of what callers may ask for.
const (
	TestBurst = testBurst
	TestEvery = testEvery
	HandBurst = handBurst
	HandEvery = handEvery
)

// Paced is who calls.
type Paced = paced

// HandPace tells when a caller may make Sidehook make another request by hand.
type HandPace struct{ pace handPace }

// Test takes one test out.
func (p *HandPace) Test(id webhook.SubscriptionID, who Paced, now time.Time) error {
	return p.pace.Test(id, who, now)
}

// Retry takes one retry out.
func (p *HandPace) Retry(who Paced, now time.Time) error { return p.pace.Retry(who, now) }

// Held is of how many subscriptions it knows something.
func (p *HandPace) Held() int { return len(p.pace.tests.busy) }
