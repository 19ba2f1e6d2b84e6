package kept_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/webhook"
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

// The calls that replaced a secret are known as long as they may be repeated, and of
// those the newest: what is in the list first is of the newest secret.
func TestRotationsAreRemembered(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	var c kept.Content
	keys := func() (keys []string) {
		for _, r := range c.Rotated {
			keys = append(keys, r.Key)
		}
		return keys
	}
	rotate := func(key string, until time.Duration, want ...string) {
		t.Helper()
		var repeat *kept.Repeat
		if key != "" {
			repeat = &kept.Repeat{Key: key, Until: now.Add(until)}
		}
		if c.Rotated = c.RotatedAfter(repeat, now); !slices.Equal(keys(), want) {
			t.Errorf("after %q there are %q, want %q", key, keys(), want)
		}
	}
	rotate("", 0)
	rotate("a", time.Minute, "a")
	rotate("b", time.Hour, "b", "a")
	rotate("", 0, "", "b", "a")
	now = now.Add(time.Minute)
	rotate("c", time.Hour, "c", "b")
	now = now.Add(2 * time.Hour)
	rotate("", 0)
	for range 30 {
		c.Rotated = c.RotatedAfter(&kept.Repeat{Key: "d", Until: now.Add(time.Hour)}, now)
	}
	if len(c.Rotated) != 10 {
		t.Errorf("%d are known", len(c.Rotated))
	}
}

// What signs in one way is none of the secrets of the other: it is dropped when that is
// changed, and a private key is shown to nobody.
func TestSecretsAreOfTheirScheme(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	k := kept.Subscription{Content: kept.Content{Settings: &subscription.Subscription{}}}
	if err := k.AddSecret("", 0, now); err != nil {
		t.Fatal(err)
	}
	if err := k.AddSecret("", time.Hour, now); err != nil {
		t.Fatal(err)
	}
	shared := k.Content.ShownSecret()
	if shared != k.Content.Secrets[0].Text || !strings.HasPrefix(shared, "whsec_") {
		t.Errorf("who made it is shown %q", shared)
	}
	if err := k.AddSecret(shared, time.Hour, now); err == nil {
		t.Error("one that signs already is added")
	}
	k.Content.DropUnfit()
	if len(k.Content.Secrets) != 2 {
		t.Errorf("%d are left of 2 that fit", len(k.Content.Secrets))
	}
	k.Content.Settings.Sign = &subscription.Sign{Scheme: webhook.SignEd25519}
	if err := k.AddSecret(shared, time.Hour, now); err == nil {
		t.Error("a shared secret is taken for a private key")
	}
	if k.Content.DropUnfit(); len(k.Content.Secrets) != 0 {
		t.Error("shared secrets are left where private keys sign")
	}
	if err := k.AddSecret("", 0, now); err != nil {
		t.Fatal(err)
	}
	private := k.Content.Secrets[0].Text
	if !strings.HasPrefix(private, "whsk_") || k.Content.ShownSecret() != "" {
		t.Errorf("a private key is shown as %q", k.Content.ShownSecret())
	}
	k.Content.Settings.Sign = nil
	if k.Content.DropUnfit(); len(k.Content.Secrets) != 0 {
		t.Error("a private key is left where shared secrets sign")
	}
}
