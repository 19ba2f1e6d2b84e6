package kept_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

const (
	oldKey = "the old key, of twenty-four bytes and more"
	newKey = "the new key, of twenty-four bytes and more"
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

func sealer(t *testing.T, keys ...string) *kept.Sealer {
	t.Helper()
	s, err := kept.NewSealer(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealed(t *testing.T, id webhook.SubscriptionID, s *kept.Sealer) store.Kept {
	t.Helper()
	k := kept.Subscription{Content: kept.Content{
		Settings: &subscription.Subscription{URL: "https://crm.example.com/hooks", Scopes: []string{"**"}},
		Secrets:  []kept.Secret{{Text: secret}},
	}}
	k.ID = id
	out, err := k.Seal(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Who may write to the disk and has no key learns no secret, cannot give one
// subscription the secrets of another, and not change a byte.
func TestWhatIsSealedIsOfOneSubscription(t *testing.T) {
	s := sealer(t, newKey)
	mine := sealed(t, "sub_mine", s)
	if bytes.Contains(mine.Body, []byte(secret)) || bytes.Equal(mine.Body, sealed(t, "sub_mine", s).Body) {
		t.Error("it tells what is in it")
	}
	if _, _, err := kept.Open(mine, s, time.Now()); err != nil {
		t.Error(err)
	}
	theirs := mine
	theirs.ID = "sub_theirs"
	if _, _, err := kept.Open(theirs, s, time.Now()); err == nil {
		t.Error("another subscription has its secrets")
	}
	for i := range mine.Body {
		damaged := mine
		damaged.Body = bytes.Clone(mine.Body)
		damaged.Body[i] ^= 0x80
		if _, _, err := kept.Open(damaged, s, time.Now()); err == nil {
			t.Errorf("byte %d is another, and nobody says so", i)
		}
		damaged.Body = mine.Body[:i]
		if _, _, err := kept.Open(damaged, s, time.Now()); err == nil {
			t.Errorf("it ends after %d bytes, and nobody says so", i)
		}
	}
}

// What an earlier key sealed, or none, is opened and to be sealed again, and what
// only a later one opens says what is missing.
func TestWhichKeysOpen(t *testing.T) {
	for _, c := range []struct {
		seals, opens []string
		again        bool
		wrong        string
	}{
		{nil, nil, false, ""},
		{nil, []string{newKey}, true, ""},
		{[]string{oldKey}, []string{oldKey}, false, ""},
		{[]string{oldKey}, []string{newKey, oldKey}, true, ""},
		{[]string{oldKey}, []string{oldKey, newKey}, false, ""},
		{[]string{newKey, oldKey}, []string{newKey}, false, ""},
		{[]string{oldKey}, []string{newKey}, false, "another encryption_key"},
		{[]string{oldKey}, nil, false, "encryption_key is missing"},
	} {
		from, to := sealer(t, c.seals...), sealer(t, c.opens...)
		k, again, err := kept.Open(sealed(t, "sub_1", from), to, time.Now())
		switch {
		case c.wrong != "":
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("sealed with %q, opened with %q: %v", c.seals, c.opens, err)
			}
		case err != nil:
			t.Errorf("sealed with %q, opened with %q: %v", c.seals, c.opens, err)
		case again != c.again, len(k.Ready.Secrets) != 1, k.Ready.Secrets[0].Reveal() != secret, k.Body != nil:
			t.Errorf("sealed with %q, opened with %q: again is %t, and it has %d secrets", c.seals, c.opens, again, len(k.Ready.Secrets))
		}
	}
	if !sealer(t, oldKey, newKey).Same(sealer(t, oldKey)) || sealer(t, oldKey).Same(sealer(t, newKey)) || sealer(t, oldKey).Same(sealer(t)) {
		t.Error("sealers are told apart by something else than their first key")
	}
	for _, keys := range [][]string{{newKey[:23]}, {newKey, oldKey[:23]}, {""}} {
		if _, err := kept.NewSealer(keys...); err == nil || !strings.Contains(err.Error(), "at least 24") {
			t.Errorf("keys %q: %v", keys, err)
		}
	}
	if _, err := kept.NewSealer(newKey[:24]); err != nil {
		t.Error(err)
	}
}
