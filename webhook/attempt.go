package webhook

import (
	"fmt"
	"time"
)

// MaxAnswer is how much of a receiver's answer an attempt keeps, in bytes.
const MaxAnswer = 16 << 10

// Attempt is one HTTP request made for a delivery, and its outcome.
type Attempt struct {
	Delivery DeliveryID
	Number   int // 1 for the first request made, throttled ones included
	Started  time.Time
	Latency  time.Duration

	Outcome Outcome
	Status  int    // 0: no answer
	Error   string // in words, if there was no (whole) answer

	TimedOut bool // there was no answer within the timeout

	URL      string // its scheme and host: see [OriginOf]
	Sent     Header // secrets masked
	Received Header
	Answer   []byte // first MaxAnswer bytes
	CutShort bool   // the answer was longer

	RetryAt time.Time // Throttled: when the subscription may be tried again; NotYet, Unasked: when to ask again
}

// Outcome is what an attempt came to. The table from status codes and errors
// to outcomes is in deliver/outcome.go.
type Outcome string

const (
	Accepted  Outcome = "accepted"  // 2xx
	Failed    Outcome = "failed"    // anything not named here
	Throttled Outcome = "throttled" // 429, or 502/503/504 with Retry-After: the subscription waits
	Stopped   Outcome = "stopped"   // 410, or webhook-delivery: disable: the subscription is gone
	Aborted   Outcome = "aborted"   // webhook-delivery: abort-message: this delivery is refused
	Broken    Outcome = "broken"    // we could not make the request: our fault

	// Those of a subscription whose own GET decides (see [Subscription].Looks). No
	// request is made to the receiver, and no attempt is kept.
	Hidden  Outcome = "hidden"  // the subscriber may not see the entity
	NotYet  Outcome = "not_yet" // it does not see the entity yet: it is asked again
	Unasked Outcome = "unasked" // the API did not say: it is asked again
	Denied  Outcome = "denied"  // the API does not take the credential: the subscription is paused
)

// Withheld reports whether no request was made to the receiver, because the
// subscriber's own GET did not show the entity.
func (o Outcome) Withheld() bool {
	return o == Hidden || o == NotYet || o == Unasked || o == Denied
}

// Why returns in words why the attempt was not accepted.
func (a Attempt) Why() string {
	if a.Error != "" {
		return a.Error
	}
	return fmt.Sprintf("the receiver answered %d", a.Status)
}
