package webhook

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Delivery is one event, or one chunk of events, owed to one subscription.
type Delivery struct {
	ID           DeliveryID
	Event        EventID // of a chunk the first
	Chunk        *Chunk  // nil: it carries Event alone
	Subscription SubscriptionID
	Position     uint64 // of Event
	Lane         string // see [Order.Lane]
	Bytes        int    // that its events hold, about; 0: fewer than littleBytes
	Priority     Priority

	// Unjudged says that the subscription's filter or on_change read something
	// unknown, and so let the event through.
	Unjudged bool

	State    DeliveryState
	Reason   string // in words, for final states other than delivered, and of a pending one that is withheld
	Attempts int    // attempts spent
	Requests int    // requests made, throttled ones and those before a retry by hand included; the last attempt's number
	Due      time.Time
	Created  time.Time
	Settled  time.Time // when the final state was reached, or it became held

	// Earlier is how it stood before a replay made it due again; nil: nothing did.
	Earlier *Earlier
}

// littleBytes is what a delivery's events may hold without being told.
const littleBytes = 64 << 10

// Priority orders lanes, never deliveries within one.
type Priority uint8

const (
	Live Priority = iota
	Retrying
	Replaying // what a [Replay] made due
)

// DeliveryState is the state of a delivery. Transitions are the methods of
// [Delivery]; nothing else sets a state.
type DeliveryState string

const (
	// Pending waits for Due. While its subscription is not active it is shown
	// as Held.
	Pending DeliveryState = "pending"
	// Held is owed, and not attempted until released or retried: the head of a
	// lane of [OrderEntityHold] whose schedule ran out.
	Held DeliveryState = "held"

	Delivered  DeliveryState = "delivered"   // an attempt was accepted
	Refused    DeliveryState = "refused"     // the receiver said abort-message
	Exhausted  DeliveryState = "exhausted"   // the schedule ran out: the receiver's fault
	Dead       DeliveryState = "dead"        // a payload or template of ours fails: our fault
	Cancelled  DeliveryState = "cancelled"   // by the operator, or its subscription was deleted
	Expired    DeliveryState = "expired"     // held longer than hold_for
	NotVisible DeliveryState = "not_visible" // the subscriber may not see the entity
)

// DeliveryStates returns all of them.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{Pending, Held, Delivered, Refused, Exhausted, Dead, Cancelled, Expired, NotVisible}
}

// Final reports whether s is never left again.
func (s DeliveryState) Final() bool { return s != Pending && s != Held }

// After returns d as it stands after attempt a, made under schedule s.
//
//   - Accepted: delivered.
//   - Aborted: refused.
//   - Stopped: still pending and due at once; the subscription is what stops.
//   - Throttled: still pending, due at a.RetryAt; no attempt is spent.
//   - Broken: dead.
//   - Hidden: not_visible.
//   - NotYet, Unasked: still pending, due at a.RetryAt; no attempt is spent, nor a
//     request counted.
//   - Denied: still pending and due at once; the subscription is what stops.
//   - Failed: pending until the schedule's next time, else exhausted.
func (d Delivery) After(a Attempt, s Schedule) Delivery {
	now := a.Started.Add(a.Latency)
	if a.Outcome.Withheld() {
		return d.withhold(a, now)
	}
	d.Requests, d.Reason = max(d.Requests, a.Number), ""
	switch a.Outcome {
	case Accepted:
		d.Attempts++
		return d.settle(Delivered, "", now)
	case Aborted:
		d.Attempts++
		return d.settle(Refused, "the receiver answered webhook-delivery: abort-message", now)
	case Stopped:
		d.Due = now
		return d
	case Throttled:
		d.Due = a.RetryAt
		return d
	case Broken:
		return d.settle(Dead, a.Error, now)
	}
	d.Attempts++
	wait, ok := s.Next(d.Attempts)
	if !ok {
		return d.settle(Exhausted, fmt.Sprintf("attempt %d, the last: %s", d.Attempts, a.Why()), now)
	}
	d.Priority = max(d.Priority, Retrying)
	d.Due = now.Add(jitter(wait))
	return d
}

// withhold returns d as it stands when nothing was sent.
func (d Delivery) withhold(a Attempt, now time.Time) Delivery {
	switch a.Outcome {
	case Hidden:
		return d.settle(NotVisible, a.Error, now)
	case Denied:
		a.RetryAt = now
	}
	d.Reason, d.Due = a.Error, a.RetryAt
	return d
}

// Hold returns d, which is exhausted, as it is instead where an exhausted head
// holds its lane: owed, and first of its lane, until it is released, retried or
// expires.
func (d Delivery) Hold() Delivery {
	d.State, d.Reason = Held, "holds its lane until it is released or retried: "+d.Reason
	return d
}

// Cancel returns d settled as cancelled, or, if a replay made it due again, as
// it was before.
func (d Delivery) Cancel(reason string, now time.Time) Delivery {
	if d.Earlier != nil {
		return d.asEarlier()
	}
	return d.settle(Cancelled, reason, now)
}

// Expire returns d settled as expired, or, if a replay made it due again, as it
// was before.
func (d Delivery) Expire(now time.Time) Delivery {
	if d.Earlier != nil {
		return d.asEarlier()
	}
	return d.settle(Expired, "held longer than hold_for", now)
}

// Retry returns d pending again, due now, with a fresh schedule. One that is
// final goes back into the lane that it had first.
func (d Delivery) Retry(now time.Time) Delivery {
	if d.State.Final() {
		d.Lane = strings.TrimPrefix(d.Lane, replayLane)
	}
	d.State, d.Reason, d.Attempts, d.Due, d.Settled, d.Earlier = Pending, "", 0, now, time.Time{}, nil
	d.Priority = Retrying
	return d
}

func (d Delivery) settle(s DeliveryState, reason string, now time.Time) Delivery {
	d.State, d.Reason, d.Settled, d.Due, d.Earlier = s, reason, now, time.Time{}, nil
	return d
}

// Schedule holds the waits after the first, second… failed attempt. An empty
// one means a single attempt.
type Schedule []time.Duration

// DefaultSchedule is ten attempts over 75 h 35 min (Standard Webhooks 1.0.0).
var DefaultSchedule = Schedule{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// ShortSchedule is six attempts within three quarters of an hour, for what is soon
// of no use.
var ShortSchedule = Schedule{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}

// LongSchedule is fourteen attempts over a week: the default one, and one a day.
var LongSchedule = append(slices.Clip(DefaultSchedule), 24*time.Hour, 24*time.Hour, 24*time.Hour, 24*time.Hour)

// Most returns how long s takes at most.
func (s Schedule) Most() (total time.Duration) {
	for _, wait := range s {
		total += wait + wait/10
	}
	return total
}

// Next returns the wait after the given number of failed attempts, and whether
// there is one.
func (s Schedule) Next(failed int) (time.Duration, bool) {
	if failed < 1 || failed > len(s) {
		return 0, false
	}
	return s[failed-1], true
}

// jitter lengthens wait by up to 10 %, so that what failed together does not
// come back together; it is never early.
func jitter(wait time.Duration) time.Duration {
	return wait + time.Duration(rand.Int64N(int64(wait)/10+1))
}
