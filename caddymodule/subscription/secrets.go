package subscription

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/webhook"
)

// checkSecrets says what is wrong with how many secrets a subscription of the
// configuration has.
func (s *Subscription) checkSecrets() error {
	sign := s.Signing()
	switch n := len(s.Secrets); {
	case n == 0 && sign.Scheme != webhook.SignNone:
		return errors.New("a secret is missing: write secret {env.NAME} or {file./path}, or sign none")
	case n > MaxSecrets:
		return fmt.Errorf("%d secrets: write up to %d, newest first", n, MaxSecrets)
	case n > 1 && sign.Scheme == webhook.SignNone:
		return fmt.Errorf("%d secrets, and sign none: a body has room for one, as subscription.secret", n)
	case n > 1 && sign.One():
		return fmt.Errorf(`%d secrets, and one signature in %s, as its receivers expect: write the one that they have now; or, if they take several, what stands between these, like join ","`, n, sign.Header)
	}
	return nil
}

// readSecrets reads the secrets of s and checks them by how they sign.
func (s *Subscription) readSecrets(c Common) ([]webhook.Secret, error) {
	scheme := s.Signing().Scheme
	if err := s.checkSecrets(); err != nil {
		return nil, err
	}
	var out []webhook.Secret
	for i, text := range s.Secrets {
		secret, err := readSecret(text)
		if err != nil {
			return nil, err
		}
		if err := secret.CheckFor(scheme); err != nil {
			return nil, fmt.Errorf("secret %s: %w", nameOf(text, i), err)
		}
		if !source.In(text) {
			c.warn("a secret stands in the configuration itself, where everybody sees it who can read that; write {env.NAME} or {file./path}",
				"subscription", s.Name)
		}
		if slices.Contains(out, secret) {
			return nil, fmt.Errorf("secret %s stands twice", nameOf(text, i))
		}
		out = append(out, secret)
	}
	return out, nil
}

// nameOf names a secret in errors, without showing a literal one.
func nameOf(text string, i int) string {
	if source.In(text) {
		return text
	}
	return fmt.Sprintf("number %d", i+1)
}

func readSecret(text string) (webhook.Secret, error) {
	if directive.IsPlaceholder(text) && !source.In(text) {
		return webhook.Secret{}, fmt.Errorf("secret %s is a placeholder that is not known when Caddy starts: write {env.NAME} or {file./path}", text)
	}
	value, err := source.Read(text)
	if err == nil && value == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return webhook.Secret{}, fmt.Errorf("secret: %w", err)
	}
	return webhook.NewSecret(value), nil
}
