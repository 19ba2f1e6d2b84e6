package webhook_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

var (
	began = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	ended = began.Add(300 * time.Millisecond)
	later = began.Add(time.Hour)
)

func attempt(o webhook.Outcome, status int, retryAt time.Time) *webhook.Attempt {
	return &webhook.Attempt{Outcome: o, Status: status, Started: began, Latency: ended.Sub(began), RetryAt: retryAt}
}

func TestASubscriptionAfterAnAttempt(t *testing.T) {
	active := webhook.SubscriptionState{ID: "crm", Number: 3, Status: webhook.Active, Failures: 2}
	with := func(change func(*webhook.SubscriptionState)) webhook.SubscriptionState {
		s := active
		change(&s)
		return s
	}
	waiting := with(func(s *webhook.SubscriptionState) { s.WaitUntil = later })
	gone := with(func(s *webhook.SubscriptionState) {
		s.Status, s.Reason, s.Since = webhook.Gone, webhook.ReasonGone, began
	})
	for name, c := range map[string]struct {
		before  webhook.SubscriptionState
		attempt *webhook.Attempt
		pause   int
		want    webhook.SubscriptionState
	}{
		"accepted ends the row of failures": {active, attempt(webhook.Accepted, 200, time.Time{}), 3,
			with(func(s *webhook.SubscriptionState) { s.Failures = 0 })},
		"failed counts": {active, attempt(webhook.Failed, 500, time.Time{}), 4,
			with(func(s *webhook.SubscriptionState) { s.Failures, s.FailingSince = 3, ended })},
		"failed pauses at pause_after": {active, attempt(webhook.Failed, 500, time.Time{}), 3,
			with(func(s *webhook.SubscriptionState) {
				s.Failures, s.Status, s.Reason, s.Since = 3, webhook.Paused, webhook.ReasonPauseAfter, ended
			})},
		"failed never pauses without pause_after": {active, attempt(webhook.Failed, 500, time.Time{}), 0,
			with(func(s *webhook.SubscriptionState) { s.Failures, s.FailingSince = 3, ended })},
		"throttled waits": {active, attempt(webhook.Throttled, 429, later), 3,
			with(func(s *webhook.SubscriptionState) { s.WaitUntil = later })},
		"throttled never waits less than before": {waiting, attempt(webhook.Throttled, 429, ended), 3, waiting},
		"410 makes it gone": {active, attempt(webhook.Stopped, 410, time.Time{}), 3,
			with(func(s *webhook.SubscriptionState) {
				s.Status, s.Reason, s.Since = webhook.Gone, webhook.ReasonGone, ended
			})},
		"a wish to be disabled makes it gone": {active, attempt(webhook.Stopped, 200, time.Time{}), 3,
			with(func(s *webhook.SubscriptionState) {
				s.Status, s.Reason, s.Since = webhook.Gone, webhook.ReasonDisable, ended
			})},
		"a second 410 changes nothing":      {gone, attempt(webhook.Stopped, 410, time.Time{}), 3, gone},
		"aborted is about one delivery":     {active, attempt(webhook.Aborted, 200, time.Time{}), 3, active},
		"our own fault is no failure of it": {active, attempt(webhook.Broken, 0, time.Time{}), 3, active},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.before.After(c.attempt, &webhook.Subscription{PauseAfter: c.pause})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is done by hand or by a reload, in each status.
func TestStatusByHand(t *testing.T) {
	const newest = 40
	pause := func(s webhook.SubscriptionState) webhook.SubscriptionState {
		return s.Pause(webhook.ReasonOperator, later)
	}
	resume := func(s webhook.SubscriptionState) webhook.SubscriptionState { return s.Resume("hand", newest, later) }
	release := func(s webhook.SubscriptionState) webhook.SubscriptionState { return s.Release("hand", later) }
	leave := func(s webhook.SubscriptionState) webhook.SubscriptionState { return s.Leave(later) }
	back := func(s webhook.SubscriptionState) webhook.SubscriptionState { return s.Return(later) }
	for _, c := range []struct {
		name   string
		do     func(webhook.SubscriptionState) webhook.SubscriptionState
		from   webhook.Status
		want   webhook.Status
		held   uint64 // begins as 7
		forget bool   // failures and wait
	}{
		{"pause", pause, webhook.Active, webhook.Paused, 7, false},
		{"pause", pause, webhook.Gone, webhook.Gone, 7, false},
		{"pause", pause, webhook.Absent, webhook.Absent, 7, false},
		{"resume", resume, webhook.Active, webhook.Active, 7, false},
		{"resume", resume, webhook.Paused, webhook.Active, 7, true},
		{"resume", resume, webhook.Gone, webhook.Active, newest, true},
		{"resume", resume, webhook.Disabled, webhook.Active, newest, true},
		{"resume", resume, webhook.Absent, webhook.Absent, 7, false},
		{"release", release, webhook.Active, webhook.Active, 0, false},
		{"release", release, webhook.Paused, webhook.Active, 0, true},
		{"release", release, webhook.Gone, webhook.Active, 0, true},
		{"release", release, webhook.Absent, webhook.Absent, 0, false},
		{"leave", leave, webhook.Active, webhook.Absent, 7, false},
		{"leave", leave, webhook.Paused, webhook.Paused, 7, false},
		{"leave", leave, webhook.Gone, webhook.Gone, 7, false},
		{"return", back, webhook.Absent, webhook.Active, 7, false},
		{"return", back, webhook.Paused, webhook.Paused, 7, false},
	} {
		t.Run(c.name+" while "+string(c.from), func(t *testing.T) {
			s := webhook.SubscriptionState{Status: c.from, Since: began, HeldThrough: 7, Failures: 2, Timeouts: 2, WaitUntil: later, Opened: 2, OpenUntil: later}
			got := c.do(s)
			forgot := got.Failures == 0 && got.Timeouts == 0 && got.WaitUntil.IsZero() && got.Opened == 0
			if got.Status != c.want || got.HeldThrough != c.held || forgot != c.forget {
				t.Errorf("got %+v, want %s, held through %d, failures forgotten %v", got, c.want, c.held, c.forget)
			}
			if moved := got.Since.Equal(later); moved != (c.from != c.want) {
				t.Errorf("since %v, though the status was %s before", got.Since, c.from)
			}
		})
	}
}

// A circuit opens for twice as long each time in a row, up to ten minutes.
func TestACircuitOpensLongerAndLonger(t *testing.T) {
	s := webhook.SubscriptionState{Status: webhook.Active}
	for i, want := range []time.Duration{30, 60, 120, 240, 480, 600, 600, 600} {
		s = s.OpenCircuit(began)
		if at := began.Add(want * time.Second); s.Circuit(at.Add(-1)) != "open" || s.Circuit(at) != "half_open" {
			t.Errorf("it is %s before %v and %s then", s.Circuit(at.Add(-1)), at, s.Circuit(at))
		}
		if got := s.OpenUntil.Sub(began); got != want*time.Second || s.Opened != i+1 {
			t.Errorf("opened for the time %d: %v (counted %d), want %v", i+1, got, s.Opened, want*time.Second)
		}
	}
	late := attempt(webhook.Failed, 500, time.Time{}) // begun before it opened
	if got := s.After(late, new(webhook.Subscription)); got.Opened != s.Opened || got.OpenUntil != s.OpenUntil {
		t.Errorf("an attempt from before it opened changed it: %+v", got)
	}
	probe := &webhook.Attempt{Outcome: webhook.Failed, Started: s.OpenUntil, Latency: time.Second}
	if got := s.After(probe, new(webhook.Subscription)); got.OpenUntil != s.OpenUntil.Add(10*time.Minute+time.Second) || got.OpenSince != began {
		t.Errorf("a probe that failed left it open since %v until %v", got.OpenSince, got.OpenUntil)
	}
	for _, o := range []webhook.Outcome{webhook.Accepted, webhook.Aborted} {
		if got := s.After(attempt(o, 200, time.Time{}), new(webhook.Subscription)); got.Circuit(began) != "closed" || !got.OpenUntil.IsZero() || !got.OpenSince.IsZero() {
			t.Errorf("%s left it open: %+v", o, got)
		}
	}
}

// delete_after counts attempts in a row without an answer in time; any answer
// begins the count anew, and our own faults do not count.
func TestTimeoutsInARow(t *testing.T) {
	timeout := &webhook.Attempt{Outcome: webhook.Failed, TimedOut: true, Started: began}
	after := func(s webhook.SubscriptionState, as ...*webhook.Attempt) webhook.SubscriptionState {
		for _, a := range as {
			s = s.After(a, &webhook.Subscription{DeleteAfter: 3, PauseAfter: 5})
		}
		return s
	}
	two := after(webhook.SubscriptionState{Status: webhook.Active}, timeout, timeout, attempt(webhook.Broken, 0, time.Time{}))
	if two.Timeouts != 2 || two.Status != webhook.Active {
		t.Fatalf("after two: %+v", two)
	}
	if got := after(two, timeout); got.Status != webhook.Disabled || got.Reason != webhook.ReasonDeleteAfter {
		t.Errorf("after three: %+v", got)
	}
	for _, answer := range []*webhook.Attempt{
		attempt(webhook.Accepted, 200, time.Time{}), attempt(webhook.Failed, 500, time.Time{}),
		attempt(webhook.Throttled, 429, later), attempt(webhook.Aborted, 400, time.Time{}),
	} {
		if got := after(two, answer); got.Timeouts != 0 || got.Status != webhook.Active {
			t.Errorf("after %s: %+v", answer.Outcome, got)
		}
	}
}
