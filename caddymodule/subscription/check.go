package subscription

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// check holds everything of s that needs no secret.
func (s *Subscription) check(payloads map[string]rules.Payload) error {
	if len(s.Scopes) == 0 {
		return fmt.Errorf("scopes are missing: write which events it gets, like project.**")
	}
	for _, p := range s.Scopes {
		if err := webhook.Pattern(p).Check(); err != nil {
			return err
		}
	}
	if s.Filter != "" {
		if _, err := lang.Compile(s.Filter, lang.EnvEvent); err != nil {
			return fmt.Errorf("filter: %w", err)
		}
	}
	if err := checkGlobs("on_change", s.OnChange); err != nil {
		return err
	}
	if err := checkGlobs("fields", s.Fields); err != nil {
		return err
	}
	for _, k := range s.SkipKeys {
		if err := checkSkipKey(k); err != nil {
			return err
		}
	}
	if err := CheckPayload(s.Payload, payloads); err != nil {
		return err
	}
	if c := s.ContentType; c != "" && c != "json" && c != "form" {
		return fmt.Errorf("content_type %q: write json or form", c)
	}
	if err := s.Chunk.check(); err != nil {
		return err
	}
	if err := rules.CheckShape(s.Payload, s.ContentType, s.Chunk.plain()); err != nil {
		return err
	}
	if n := len(s.options()); n > maxOptions {
		return fmt.Errorf("options have %d bytes: at most %d", n, maxOptions)
	}
	if err := s.checkSign(); err != nil {
		return err
	}
	if err := s.checkAsked(); err != nil {
		return err
	}
	return s.checkNumbers()
}

// checkGlobs says what is wrong with the paths of the option name.
func checkGlobs(name string, paths []string) error {
	for _, p := range paths {
		if err := ruleset.CheckGlob(p); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// checkSkipKey says what is wrong with a value of skip_keys.
func checkSkipKey(key string) error {
	if without := strings.TrimRight(key, ","); without != key {
		return fmt.Errorf("skip_keys %q ends in a comma: values are separated by spaces, in JSON each is a text of its own: write %s", key, without)
	}
	return nil
}

func (s *Subscription) checkNumbers() error {
	switch {
	case s.Timeout < 0 || time.Duration(s.Timeout) > maxTimeout:
		return fmt.Errorf("timeout: write a duration up to %s, like 10s", maxTimeout)
	case s.Retry != nil && len(*s.Retry) > MaxRetry:
		return fmt.Errorf("retry has %d waits: write up to %d", len(*s.Retry), MaxRetry)
	case s.Concurrency < 0 || s.Concurrency > maxConcurrency:
		return fmt.Errorf("concurrency %d: write a number from 1 to %d", s.Concurrency, maxConcurrency)
	case s.PauseAfter < 0:
		return fmt.Errorf("pause_after %d: write a number of failed attempts in a row", s.PauseAfter)
	case s.DeleteAfter < 0:
		return fmt.Errorf("delete_after %d: write a number of timeouts in a row", s.DeleteAfter)
	}
	if err := s.DisableAfter.check(); err != nil {
		return err
	}
	if s.Retry != nil {
		for _, wait := range *s.Retry {
			if wait <= 0 {
				return fmt.Errorf("retry: each wait must be above zero")
			}
		}
	}
	if _, err := webhook.ParseRate(cmp.Or(s.Rate, None)); err != nil {
		return err
	}
	switch webhook.Order(s.Order) {
	case "", webhook.OrderEntity, webhook.OrderEntityHold, webhook.OrderNone, webhook.OrderSubscription:
		return nil
	}
	return fmt.Errorf("order %q: write none, entity, entity hold or subscription", s.Order)
}

// CheckPayload says what is wrong with the name of a payload; "" is standard.
func CheckPayload(name string, payloads map[string]rules.Payload) error {
	if name == "" || slices.Contains(BuiltinPayloads, name) {
		return nil
	}
	if _, ok := payloads[name]; ok {
		return nil
	}
	known := slices.Concat(BuiltinPayloads, slices.Sorted(maps.Keys(payloads)))
	if near := words.Nearest(name, known); near != "" {
		return fmt.Errorf("payload %q is not declared: did you mean %s?", name, near)
	}
	return &advised{
		what:       fmt.Sprintf("payload %q is not declared: write %s", name, words.OrList(known)),
		configured: fmt.Sprintf(", or declare it with payload %s { … }", name),
	}
}

// CheckURL says what is wrong with where webhooks go.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("url: %q is none; write one like https://crm.example.com/hooks", text)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url %q: begin it with https:// (or http://)", u.Redacted())
	case u.Hostname() == "":
		return fmt.Errorf("url %q has no host: write one like https://crm.example.com/hooks", u.Redacted())
	case !isPort(u.Port()):
		return fmt.Errorf("url %q: port %s is none; write one from 1 to 65535, or leave it out", u.Redacted(), u.Port())
	case u.User != nil:
		return &advised{
			what:       fmt.Sprintf("url %q: leave out user and password; ", u.Redacted()),
			configured: "write header Authorization with a value from {env.NAME}",
			called:     `write them in headers, like [{"name": "Authorization", "value": "Basic …"}]`,
		}
	case strings.Contains(text, "#"):
		return fmt.Errorf("url %q: leave out what follows #, which is never sent", u.Redacted())
	}
	return nil
}

// isPort reports whether the port of a URL can be dialled; none can.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}
