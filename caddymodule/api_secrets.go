package caddymodule

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// apiRotation is the body of a call that replaces a secret.
type apiRotation struct {
	Grace  rules.Duration `json:"grace,omitempty" jsonschema:"How long the secrets there were go on signing, from 0s to 7d; where a delivery has one signature, the oldest of them makes it as long. Default: 24h; where there is one signature, 0s."`
	Secret string         `json:"secret,omitempty" jsonschema:"The new secret. Default: one is made."`
}

func (c *apiCall) rotateSecret() (apiAnswer, error) {
	repeat, release, err := c.repeat()
	if err != nil {
		return apiAnswer{}, err
	}
	defer release()
	if k, err := c.find(); err == nil && repeat != nil {
		if again, ok, err := c.rotatedBefore(k, repeat); ok || err != nil {
			return again, err
		}
	}
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	doc, err := c.readDocument()
	if err != nil {
		return apiAnswer{}, err
	}
	text, err := doc.take("grace")
	if err != nil {
		return apiAnswer{}, err
	}
	grace := defaultGrace
	if k.body.Settings.Signing().One() {
		grace = 0 // the new one signs, as who asks for it will expect
	}
	if text != "" {
		d, err := rules.ParseDuration(text)
		if grace = time.Duration(d); err != nil || grace < 0 || grace > mostGrace {
			return apiAnswer{}, problem.WrongField("/grace", "grace: write how long the secret there was goes on signing, from 0s to 7d, like 24h")
		}
	}
	secret, err := doc.take("secret")
	if err != nil {
		return apiAnswer{}, err
	}
	for name := range doc {
		return apiAnswer{}, problem.WrongField("/"+name, "%s", unknownField(name, strict.Names(reflect.TypeFor[apiRotation]())))
	}
	next := *k
	next.Revision++
	next.body.Repeat = nil
	next.body.Rotated = k.body.rotated(repeat, time.Now())
	if err := next.addSecret(secret, grace, time.Now()); err != nil {
		return apiAnswer{}, err
	}
	made, err := c.put(next, nil)
	if err != nil {
		return apiAnswer{}, err
	}
	v := c.view(made)
	v.Secret = made.body.shownSecret()
	return apiAnswer{body: v, etag: v.etag()}, nil
}

// mostRotated bounds the rotations whose repeats are known.
const mostRotated = 10

// rotated returns the rotations that are known after that of repeat, which may be
// nil: a call without an Idempotency-Key.
func (b *keptBody) rotated(repeat *keptRepeat, now time.Time) (all []keptRepeat) {
	all = []keptRepeat{{}}
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

// rotatedBefore answers a repeat of a rotation; the secret is shown while it is the
// newest.
func (c *apiCall) rotatedBefore(k *keptSubscription, repeat *keptRepeat) (a apiAnswer, ok bool, err error) {
	for i, was := range k.body.Rotated {
		switch {
		case was.Key != repeat.Key || time.Now().After(was.Until):
		case !slices.Equal(was.Body, repeat.Body):
			return a, false, errOtherBody()
		default:
			v := c.view(k)
			if i == 0 {
				v.Secret = k.body.shownSecret()
			}
			return apiAnswer{body: v, etag: v.etag(), replayed: true}, true, nil
		}
	}
	return a, false, nil
}

// errOtherBody refuses a repeat that is none.
func errOtherBody() error {
	return problem.New(http.StatusUnprocessableEntity, "this Idempotency-Key came with another body before: use a new one")
}

// addSecret makes text, or a new secret if that is "", the one that signs first;
// those there are go on for grace at most.
func (k *keptSubscription) addSecret(text string, grace time.Duration, now time.Time) error {
	if k.body.Settings.Signing().Scheme == webhook.SignNone {
		if text != "" {
			return problem.WrongField("/secret", "secret: it signs nothing while sign is none")
		}
		if grace > 0 || len(k.body.Secrets) > 0 {
			return problem.New(http.StatusConflict, "it signs nothing: sign is none")
		}
		return nil
	}
	scheme := k.body.Settings.Signing().Scheme
	if text == "" {
		text = newSecret(scheme)
	} else if err := checkSecret(text, scheme); err != nil {
		return problem.WrongField("/secret", "secret: %s", err)
	}
	end := now.Add(grace).UTC()
	secrets := []keptSecret{{Text: text}}
	for _, s := range k.body.signs(now) {
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
	k.body.Secrets = secrets
	return nil
}

// newSecret returns a secret as Standard Webhooks has them.
func newSecret(scheme string) string {
	b := make([]byte, 32)
	rand.Read(b)
	if scheme == webhook.SignEd25519 {
		return webhook.NewSigningKey(b)
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// someSecret returns one that scheme can sign with, and nobody should.
func someSecret(scheme string) string {
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

// shownSecret returns the newest secret for who made it. A private key is not
// shown: what its owner needs is the public one.
func (b *keptBody) shownSecret() string {
	if b.Settings.Signing().Scheme == webhook.SignEd25519 {
		return ""
	}
	return b.Secrets[0].Text
}

// dropUnfit drops the secrets that are of another kind than b signs with now: a
// private key is no shared secret, nor the other way round.
func (b *keptBody) dropUnfit() {
	scheme := b.Settings.Signing().Scheme
	if scheme == webhook.SignNone {
		return
	}
	n := len(b.Secrets)
	defer func() {
		if len(b.Secrets) != n {
			b.Rotated = b.rotated(nil, time.Now())
		}
	}()
	b.Secrets = slices.DeleteFunc(slices.Clone(b.Secrets), func(s keptSecret) bool {
		private := webhook.NewSecret(s.Text).CheckFor(webhook.SignEd25519) == nil
		return private != (scheme == webhook.SignEd25519)
	})
}
