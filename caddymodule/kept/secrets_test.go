package kept_test

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/subscription"
)

// A secret that is replaced signs beside the new one for as long as was said, and no
// rotation after that gives it more.
func TestAReplacedSecretEnds(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	k := kept.Subscription{Content: kept.Content{Settings: &subscription.Subscription{}}}
	add := func(grace time.Duration) {
		t.Helper()
		if err := k.AddSecret("", grace, now); err != nil {
			t.Fatal(err)
		}
	}
	sign := func(at time.Duration, want int) {
		t.Helper()
		if got := len(k.Content.Signs(now.Add(at))); got != want {
			t.Errorf("%d secrets sign after %v, want %d", got, at, want)
		}
	}
	add(0)
	sign(1000*time.Hour, 1)
	add(time.Hour)
	sign(time.Hour-time.Second, 2)
	sign(time.Hour, 1)
	if next := k.Content.NextEnd(now); !next.Equal(now.Add(time.Hour)) || !k.Content.Ended(next, 2) || k.Content.Ended(next.Add(-time.Second), 2) {
		t.Errorf("the next end is %v", next)
	}
	add(3 * time.Hour) // the first ends after an hour, the second after three
	sign(0, 3)
	sign(time.Hour, 2)
	sign(3*time.Hour, 1)
	add(time.Minute) // all that were there end after a minute
	sign(0, 4)
	sign(time.Minute, 1)
	for range subscription.MaxSecrets - 4 {
		add(time.Hour)
	}
	if err := k.AddSecret("", time.Hour, now); err == nil {
		t.Errorf("more than %d sign", subscription.MaxSecrets)
	}
	add(0)
	sign(0, 1)
}
