package webhook

import "time"

// Reasons of a [SubscriptionState]; a call by hand may give others.
const (
	ReasonOperator   = "operator"
	ReasonPauseAfter = "pause_after"
	ReasonGone       = "gone"    // the receiver answered 410
	ReasonDisable    = "disable" // the receiver answered webhook-delivery: disable
	ReasonAbsent     = "absent"
)

// NewState returns the state of a subscription that has no past.
func NewState(id SubscriptionID, number uint64, now time.Time) SubscriptionState {
	return SubscriptionState{ID: id, Number: number, Status: Active, Since: now}
}

// After returns s as it stands after attempt a of one of its deliveries.
//
//   - Accepted: the row of failures ends.
//   - Failed: one more; the pauseAfter-th in a row pauses (0: never).
//   - Throttled: it waits until a.RetryAt, or longer if it had to already.
//   - Stopped: gone, unless it was already.
//   - Aborted, Broken: nothing; they are about one delivery.
func (s SubscriptionState) After(a *Attempt, pauseAfter int) SubscriptionState {
	now := a.Started.Add(a.Latency)
	switch a.Outcome {
	case Accepted:
		s.Failures = 0
	case Failed:
		s.Failures++
		if pauseAfter > 0 && s.Failures >= pauseAfter && s.Status == Active {
			return s.become(Paused, ReasonPauseAfter, now)
		}
	case Throttled:
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
	}
	return s
}

// Pause returns s paused. One that is not active stays what it is.
func (s SubscriptionState) Pause(reason string, now time.Time) SubscriptionState {
	if s.Status != Active {
		return s
	}
	return s.become(Paused, reason, now)
}

// Resume returns s active. After a pause, what it is owed goes on; one that was
// gone or disabled starts with what comes after position newest, and the rest
// stays held until [SubscriptionState.Release].
func (s SubscriptionState) Resume(reason string, newest uint64, now time.Time) SubscriptionState {
	switch s.Status {
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
	s.Failures, s.WaitUntil = 0, time.Time{}
	return s.become(Active, reason, now)
}

func (s SubscriptionState) become(status Status, reason string, now time.Time) SubscriptionState {
	s.Status, s.Reason, s.Since = status, reason, now
	return s
}
