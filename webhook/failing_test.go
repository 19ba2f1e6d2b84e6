package webhook_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

// told follows a subscription through attempts, each at so many hours with an
// outcome, and returns what was new to tell at which.
func told(s webhook.SubscriptionState, sub *webhook.Subscription, attempts ...any) (out []string) {
	for i := 0; i < len(attempts); i += 2 {
		hours := attempts[i].(float64)
		was := s
		a := &webhook.Attempt{Started: noon.Add(time.Duration(hours * float64(time.Hour))), Outcome: attempts[i+1].(webhook.Outcome)}
		s = s.After(a, sub)
		if s.Warned > was.Warned {
			out = append(out, fmt.Sprintf("warning %d at %g", s.Warned, hours))
		}
		if s.Status != was.Status {
			out = append(out, fmt.Sprintf("%s (%s) at %g", s.Status, s.Reason, hours))
		}
	}
	return out
}

// every returns failures from an hour to another, so many hours apart.
func every(from, to, step float64) (attempts []any) {
	for h := from; h <= to; h += step {
		attempts = append(attempts, h, webhook.Failed)
	}
	return attempts
}

func TestDisabledAfterATimeOfFailuresOnly(t *testing.T) {
	five := &webhook.Subscription{DisableAfter: webhook.DefaultDisableAfter}
	fresh := webhook.NewState("crm", 1, noon)
	for _, c := range []struct {
		name     string
		sub      *webhook.Subscription
		attempts []any
		want     []string
	}{
		{"warned of twice, then disabled", five, every(0, 200, 1), []string{"warning 1 at 24", "warning 2 at 72", "disabled (failing) at 120"}},
		{"one default schedule does not", five, []any{0.0, webhook.Failed, 0.1, webhook.Failed, 0.6, webhook.Failed, 2.6, webhook.Failed, 7.6, webhook.Failed,
			17.6, webhook.Failed, 31.6, webhook.Failed, 51.6, webhook.Failed, 75.6, webhook.Failed}, []string{"warning 1 at 31.6", "warning 2 at 75.6"}},
		{"but the next event that fails later", five, append(every(0, 72, 8), 168.0, webhook.Failed), []string{"warning 1 at 24", "warning 2 at 72", "disabled (failing) at 168"}},
		{"few attempts are no reason", five, []any{0.0, webhook.Failed, 400.0, webhook.Failed, 800.0, webhook.Failed}, []string{"warning 2 at 800"}},
		{"what is accepted begins it anew", five, append(append(every(0, 100, 1), 101.0, webhook.Accepted), every(102, 221, 1)...),
			[]string{"warning 1 at 24", "warning 2 at 72", "warning 1 at 126", "warning 2 at 174"}},
		{"a receiver that refuses one is there", five, append(append(every(0, 100, 1), 101.0, webhook.Aborted), every(102, 221, 1)...),
			[]string{"warning 1 at 24", "warning 2 at 72", "warning 1 at 126", "warning 2 at 174"}},
		{"one that asks to wait has not failed", five, []any{0.0, webhook.Throttled, 24.0, webhook.Throttled, 48.0, webhook.Throttled, 300.0, webhook.Throttled}, nil},
		{"nor have we", five, []any{0.0, webhook.Broken, 300.0, webhook.Broken}, nil},
		{"none", &webhook.Subscription{}, every(0, 2000, 1), nil},
	} {
		if diff := cmp.Diff(c.want, told(fresh, c.sub, c.attempts...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// What was resumed, or goes elsewhere, has as long again.
func TestAResumedOneBeginsAnew(t *testing.T) {
	five := &webhook.Subscription{DisableAfter: webhook.DefaultDisableAfter}
	s := webhook.NewState("crm", 1, noon)
	for h := range 150 {
		s = s.After(&webhook.Attempt{Started: noon.Add(time.Duration(h) * time.Hour), Outcome: webhook.Failed}, five)
	}
	if s.Status != webhook.Disabled || s.Reason != webhook.ReasonFailing || !s.Stopped() {
		t.Fatalf("it is %s (%s)", s.Status, s.Reason)
	}
	for name, again := range map[string]webhook.SubscriptionState{"resumed": s.Resume("api", 9, noon), "released": s.Release("api", noon), "moved": s.Move()} {
		if !again.FailingSince.IsZero() || again.Warned != 0 {
			t.Errorf("%s: it fails since %v, warned %d times", name, again.FailingSince, again.Warned)
		}
	}
	if s.Resume("api", 9, noon).HeldThrough != 9 {
		t.Error("what it was owed is not held")
	}
}
