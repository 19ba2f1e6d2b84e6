package webhook

import "time"

// Reasons of a [SubscriptionState]; a call by hand may give others.
const (
	ReasonOperator   = "operator"
	ReasonPauseAfter = "pause_after"
	ReasonGone       = "gone"    // the receiver answered 410
	ReasonDisable    = "disable" // the receiver answered webhook-delivery: disable
	ReasonAbsent     = "absent"
	ReasonCredential = "credential" // the API does not take the subscriber's credential

	// ReasonDeleteAfter: too many timeouts in a row. One of the configuration
	// stays disabled for it; one that was made through the API is deleted.
	ReasonDeleteAfter = "delete_after"

	// ReasonFailing: nothing was accepted for too long; see
	// [Subscription].DisableAfter.
	ReasonFailing = "failing"
)

// DefaultDisableAfter is [Subscription].DisableAfter where nothing is written.
const DefaultDisableAfter = 5 * 24 * time.Hour

// maxWarned is how many warnings there are before one is disabled for failing: at
// a fifth and at three fifths of the time.
const maxWarned = 2

// How many attempts in a row must have failed before one is warned of, and before
// one is disabled: a default schedule's, so that it takes more than one delivery
// to get there in time.
const (
	warnLeast    = 3
	disableLeast = 10
)

// NewState returns the state of a subscription that has no past.
func NewState(id SubscriptionID, number uint64, now time.Time) SubscriptionState {
	return SubscriptionState{ID: id, Number: number, Status: Active, Since: now}
}

// After returns s as it stands after attempt a of one of its deliveries.
//
//   - Accepted: the row of failures ends, and the circuit closes.
//   - Failed: one more; the one that sub.PauseAfter says pauses. If the circuit
//     was half open it opens again.
//   - Failed without an answer in time: one more of these; the one that
//     sub.DeleteAfter says disables. Any answer ends their row. When none was
//     accepted for a part of sub.DisableAfter a warning is due; after all of it, and
//     ten failures at least, it is disabled.
//   - Throttled: it waits until a.RetryAt, or longer if it had to already.
//   - Stopped: gone, unless it was already.
//   - Aborted: the circuit closes; it is about one delivery.
//   - Broken: nothing; it is about one delivery, and our fault.
//   - Denied: paused. Hidden, NotYet, Unasked: nothing.
func (s SubscriptionState) After(a *Attempt, sub *Subscription) SubscriptionState {
	now := a.Started.Add(a.Latency)
	switch a.Outcome {
	case Accepted:
		s.Failures, s.Timeouts = 0, 0
		return s.recover().closeCircuit()
	case Aborted:
		s.Timeouts = 0
		return s.recover().closeCircuit()
	case Failed:
		s.Failures++
		s.Timeouts++
		if !a.TimedOut {
			s.Timeouts = 0
		}
		if s.Opened > 0 && !a.Started.Before(s.OpenUntil) {
			s = s.OpenCircuit(now)
		}
		switch {
		case s.Status != Active:
		case sub.DeleteAfter > 0 && s.Timeouts >= sub.DeleteAfter:
			return s.become(Disabled, ReasonDeleteAfter, now)
		case sub.PauseAfter > 0 && s.Failures >= sub.PauseAfter:
			return s.become(Paused, ReasonPauseAfter, now)
		}
		return s.fail(now, sub.DisableAfter)
	case Throttled:
		s.Timeouts = 0
		if a.RetryAt.After(s.WaitUntil) {
			s.WaitUntil = a.RetryAt
		}
	case Stopped:
		if s.Status == Gone {
			return s
		}
		reason := ReasonDisable
		if a.Status == 410 {
			reason = ReasonGone
		}
		return s.become(Gone, reason, now)
	case Denied:
		return s.Pause(ReasonCredential, now)
	}
	return s
}

// fail notes a failed attempt of s; limit is its subscription's DisableAfter.
func (s SubscriptionState) fail(now time.Time, limit time.Duration) SubscriptionState {
	if s.FailingSince.IsZero() {
		s.FailingSince = now
	}
	if limit <= 0 || s.Status != Active {
		return s
	}
	for failing := now.Sub(s.FailingSince); s.Warned < maxWarned && s.Failures >= warnLeast; s.Warned++ {
		if 5*failing < time.Duration(2*s.Warned+1)*limit {
			break
		}
	}
	if s.Failures >= disableLeast && now.Sub(s.FailingSince) >= limit {
		return s.become(Disabled, ReasonFailing, now)
	}
	return s
}

// recover returns s as it is when its receiver takes what it gets.
func (s SubscriptionState) recover() SubscriptionState {
	s.FailingSince, s.Warned = time.Time{}, 0
	return s
}

// Stopped reports whether s is stopped by what its receiver or its credential
// came to, not by a call.
func (s *SubscriptionState) Stopped() bool {
	switch s.Status {
	case Disabled, Gone:
		return true
	case Paused:
		return s.Reason == ReasonPauseAfter || s.Reason == ReasonCredential
	}
	return false
}

// How long a circuit stays open: first, and at most. It doubles in between.
const (
	openFirst = 30 * time.Second
	openMost  = 10 * time.Minute
)

// OpenCircuit returns s with its circuit open for twice as long as the last time
// in a row: 30 s at first, 10 min at most.
func (s SubscriptionState) OpenCircuit(now time.Time) SubscriptionState {
	wait := openMost
	if s.Opened < 5 {
		wait = min(openFirst<<s.Opened, openMost)
	}
	if s.Opened == 0 {
		s.OpenSince = now
	}
	s.Opened++
	s.OpenUntil = now.Add(wait)
	return s
}

// Circuit names the state of s's circuit at a time: closed, open or half_open.
func (s *SubscriptionState) Circuit(now time.Time) string {
	switch {
	case s.Opened == 0:
		return "closed"
	case now.Before(s.OpenUntil):
		return "open"
	}
	return "half_open"
}

// Waits returns when s may be attempted again: when neither a Retry-After nor
// an open circuit says no. It may have passed.
func (s *SubscriptionState) Waits() time.Time {
	if s.OpenUntil.After(s.WaitUntil) {
		return s.OpenUntil
	}
	return s.WaitUntil
}

func (s SubscriptionState) closeCircuit() SubscriptionState {
	s.Opened, s.OpenUntil, s.OpenSince = 0, time.Time{}, time.Time{}
	return s
}

// Move returns s as it is for another URL: nothing is known of what is there.
func (s SubscriptionState) Move() SubscriptionState {
	s.WaitUntil = time.Time{}
	return s.recover().closeCircuit()
}

// Pause returns s paused. One that is not active stays what it is.
func (s SubscriptionState) Pause(reason string, now time.Time) SubscriptionState {
	if s.Status != Active {
		return s
	}
	return s.become(Paused, reason, now)
}

// Resume returns s active, with its circuit closed. After a pause, what it is owed goes on; one that was
// gone or disabled starts with what comes after position newest, and the rest
// stays held until [SubscriptionState.Release].
func (s SubscriptionState) Resume(reason string, newest uint64, now time.Time) SubscriptionState {
	switch s.Status {
	case Active:
		return s.closeCircuit()
	case Paused:
		return s.restart(reason, now)
	case Gone, Disabled:
		s.HeldThrough = max(s.HeldThrough, newest)
		return s.restart(reason, now)
	}
	return s
}

// Release returns s active with nothing held. One that is absent stays so.
func (s SubscriptionState) Release(reason string, now time.Time) SubscriptionState {
	s.HeldThrough = 0
	if s.Status == Active || s.Status == Absent {
		return s
	}
	return s.restart(reason, now)
}

// Leave returns s as it is without its subscription in the configuration. Only
// an active one becomes absent: the others are held already, and are what they
// were when they come back.
func (s SubscriptionState) Leave(now time.Time) SubscriptionState {
	if s.Status != Active {
		return s
	}
	return s.become(Absent, ReasonAbsent, now)
}

// Return undoes [SubscriptionState.Leave]: delivery goes on.
func (s SubscriptionState) Return(now time.Time) SubscriptionState {
	if s.Status != Absent {
		return s
	}
	return s.become(Active, "", now)
}

// restart makes s active and forgets what its receiver did before.
func (s SubscriptionState) restart(reason string, now time.Time) SubscriptionState {
	s.Failures, s.Timeouts, s.WaitUntil = 0, 0, time.Time{}
	return s.recover().closeCircuit().become(Active, reason, now)
}

func (s SubscriptionState) become(status Status, reason string, now time.Time) SubscriptionState {
	s.Status, s.Reason, s.Since = status, reason, now
	return s
}
