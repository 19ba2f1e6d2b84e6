package kept

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/webhook"
)

// mostRotated bounds the rotations whose repeats are known.
const mostRotated = 10

// RotatedAfter returns the rotations that are known after that of repeat, which may be
// nil: a call without an Idempotency-Key.
func (b *Content) RotatedAfter(repeat *Repeat, now time.Time) (all []Repeat) {
	all = []Repeat{{}}
	if repeat != nil {
		all[0] = *repeat
	}
	for _, r := range b.Rotated {
		if r.Until.After(now) && len(all) < mostRotated {
			all = append(all, r)
		}
	}
	if repeat == nil && len(all) == 1 {
		return nil
	}
	return all
}

// AddSecret makes text, or a new secret if that is "", the one that signs first;
// those there are go on for grace at most.
func (k *Subscription) AddSecret(text string, grace time.Duration, now time.Time) error {
	if k.Content.Settings.Signing().Scheme == webhook.SignNone {
		if text != "" {
			return problem.WrongField("/secret", "secret: it signs nothing while sign is none")
		}
		if grace > 0 || len(k.Content.Secrets) > 0 {
			return problem.New(http.StatusConflict, "it signs nothing: sign is none")
		}
		return nil
	}
	scheme := k.Content.Settings.Signing().Scheme
	if text == "" {
		text = NewSecret(scheme)
	} else if err := checkSecret(text, scheme); err != nil {
		return problem.WrongField("/secret", "secret: %s", err)
	}
	end := now.Add(grace).UTC()
	secrets := []Secret{{Text: text}}
	for _, s := range k.Content.Signs(now) {
		if s.Until.IsZero() || s.Until.After(end) {
			s.Until = end
		}
		if s.Text == text {
			return problem.WrongField("/secret", "secret: it is one that signs already")
		}
		if grace > 0 {
			secrets = append(secrets, s)
		}
	}
	if len(secrets) > subscription.MaxSecrets {
		return problem.New(http.StatusConflict, "%d secrets sign at once already: wait until one ends, or rotate with grace 0s", subscription.MaxSecrets)
	}
	k.Content.Secrets = secrets
	return nil
}

// NewSecret returns a secret as Standard Webhooks has them.
func NewSecret(scheme string) string {
	b := make([]byte, 32)
	rand.Read(b)
	if scheme == webhook.SignEd25519 {
		return webhook.NewSigningKey(b)
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// SomeSecret returns one that scheme can sign with, and nobody should.
func SomeSecret(scheme string) string {
	if scheme == webhook.SignEd25519 {
		return webhook.NewSigningKey(make([]byte, 32))
	}
	return strings.Repeat("x", 32)
}

// checkSecret says why text cannot sign as scheme says. For hmac it is as good as
// for standard.
func checkSecret(text, scheme string) error {
	if scheme != webhook.SignEd25519 {
		scheme = webhook.SignStandard
	}
	return webhook.NewSecret(text).CheckFor(scheme)
}

// ShownSecret returns the newest secret for who made it. A private key is not
// shown: what its owner needs is the public one.
func (b *Content) ShownSecret() string {
	if b.Settings.Signing().Scheme == webhook.SignEd25519 {
		return ""
	}
	return b.Secrets[0].Text
}

// DropUnfit drops the secrets that are of another kind than b signs with now: a
// private key is no shared secret, nor the other way round.
func (b *Content) DropUnfit() {
	scheme := b.Settings.Signing().Scheme
	if scheme == webhook.SignNone {
		return
	}
	n := len(b.Secrets)
	defer func() {
		if len(b.Secrets) != n {
			b.Rotated = b.RotatedAfter(nil, time.Now())
		}
	}()
	b.Secrets = slices.DeleteFunc(slices.Clone(b.Secrets), func(s Secret) bool {
		private := webhook.NewSecret(s.Text).CheckFor(webhook.SignEd25519) == nil
		return private != (scheme == webhook.SignEd25519)
	})
}
