package caddymodule

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"reflect"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// apiRotation is the body of a call that replaces a secret.
type apiRotation struct {
	Grace  rules.Duration `json:"grace,omitempty" jsonschema:"How long the secrets there were go on signing, from 0s to 7d. Default: 24h."`
	Secret string         `json:"secret,omitempty" jsonschema:"The new secret. Default: one is made."`
}

func (c *apiCall) rotateSecret() (apiAnswer, error) {
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
	if text != "" {
		d, err := rules.ParseDuration(text)
		if grace = time.Duration(d); err != nil || grace < 0 || grace > mostGrace {
			return apiAnswer{}, wrongField("/grace", "grace: write how long the secret there was goes on signing, from 0s to 7d, like 24h")
		}
	}
	secret, err := doc.take("secret")
	if err != nil {
		return apiAnswer{}, err
	}
	for name := range doc {
		return apiAnswer{}, wrongField("/"+name, "%s", unknownField(name, fieldNames(reflect.TypeFor[apiRotation]())))
	}
	next := *k
	next.Revision++
	next.body.Repeat = nil
	if err := next.addSecret(secret, grace, time.Now()); err != nil {
		return apiAnswer{}, err
	}
	made, err := c.put(next)
	if err != nil {
		return apiAnswer{}, err
	}
	v := c.view(made)
	v.Secret = made.body.Secrets[0].Text
	return apiAnswer{body: v, etag: v.etag()}, nil
}

// addSecret makes text, or a new secret if that is "", the one that signs first;
// those there are go on for grace at most.
func (k *keptSubscription) addSecret(text string, grace time.Duration, now time.Time) error {
	if k.body.Settings.signing().Scheme == webhook.SignNone {
		if text != "" {
			return wrongField("/secret", "secret: it signs nothing while sign is none")
		}
		if grace > 0 || len(k.body.Secrets) > 0 {
			return refuse(http.StatusConflict, "it signs nothing: sign is none")
		}
		return nil
	}
	if text == "" {
		text = newSecret()
	} else if _, err := webhook.NewSecret(text).StandardKey(); err != nil {
		return wrongField("/secret", "secret: %s", err)
	}
	end := now.Add(grace).UTC()
	secrets := []keptSecret{{Text: text}}
	for _, s := range k.body.signs(now) {
		if s.Until.IsZero() || s.Until.After(end) {
			s.Until = end
		}
		if s.Text == text {
			return wrongField("/secret", "secret: it is one that signs already")
		}
		if grace > 0 {
			secrets = append(secrets, s)
		}
	}
	if len(secrets) > maxSecrets {
		return refuse(http.StatusConflict, "%d secrets sign at once already: wait until one ends, or rotate with grace 0s", maxSecrets)
	}
	k.body.Secrets = secrets
	return nil
}

// newSecret returns a secret as Standard Webhooks has them.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}
