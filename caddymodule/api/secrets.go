package api

import (
	"reflect"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/rules"
)

// How long a replaced secret goes on signing: at most, and if nothing is said.
const (
	mostGrace    = 7 * 24 * time.Hour
	defaultGrace = 24 * time.Hour
)

// apiRotation is the body of a call that replaces a secret.
type apiRotation struct {
	Grace  rules.Duration `json:"grace,omitempty" jsonschema:"How long the secrets there were go on signing, from 0s to 7d; where a delivery has one signature, the oldest of them makes it as long. Default: 24h; where there is one signature, 0s."`
	Secret string         `json:"secret,omitempty" jsonschema:"The new secret. Default: one is made."`
}

func (c *Call) rotateSecret() (apiAnswer, error) {
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
	if k.Content.Settings.Signing().One() {
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
	if err := doc.only(strict.Names(reflect.TypeFor[apiRotation]())...); err != nil {
		return apiAnswer{}, err
	}
	next := *k
	next.Revision++
	next.Content.Rotated = k.Content.RotatedAfter(repeat, time.Now())
	if err := next.AddSecret(secret, grace, time.Now()); err != nil {
		return apiAnswer{}, err
	}
	made, err := c.put(next, nil, "")
	if err != nil {
		return apiAnswer{}, err
	}
	return c.show(made, true), nil
}

// rotatedBefore answers a repeat of a rotation; the secret is shown while it is the
// newest.
func (c *Call) rotatedBefore(k *kept.Subscription, repeat *kept.Repeat) (a apiAnswer, ok bool, err error) {
	for i, was := range k.Content.Rotated {
		again, err := repeats(&was, repeat)
		if err != nil {
			return a, false, err
		}
		if again {
			a = c.show(k, i == 0)
			a.replayed = true
			return a, true, nil
		}
	}
	return a, false, nil
}
