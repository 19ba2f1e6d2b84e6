package subscription

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Common is what subscriptions of one configuration have in common.
type Common struct {
	// Payloads are declared shapes of bodies, by their names.
	Payloads map[string]rules.Payload

	// Egress says how receivers are reached; nil: straight.
	Egress *Egress

	// Logger is told what should be written otherwise; nil: nobody is.
	Logger *slog.Logger
}

func (c Common) warn(text string, args ...any) {
	if c.Logger != nil {
		c.Logger.Warn(text, args...)
	}
}

// plain returns s with its defaults filled in, without what may be read from
// elsewhere: URL, headers and secrets.
func (s *Subscription) plain() *webhook.Subscription {
	out := &webhook.Subscription{
		ID: webhook.SubscriptionID(s.Name), Static: true,
		Tenant: cmp.Or(s.Tenant, webhook.AnyTenant), Filter: s.Filter,
		OnChange: s.OnChange, SkipKeys: s.SkipKeys, Fields: s.Fields,
		Payload: cmp.Or(s.Payload, "standard"), ContentType: cmp.Or(s.ContentType, "json"),
		Timeout: cmp.Or(time.Duration(s.Timeout), defaultTimeout), Retry: s.schedule(),
		Order:       webhook.Order(cmp.Or(s.Order, string(webhook.OrderEntity))),
		Concurrency: cmp.Or(s.Concurrency, defaultConcurrency), PauseAfter: s.PauseAfter, DeleteAfter: s.DeleteAfter,
		AllowPrivate: true, InsecureSkipVerify: s.InsecureSkipVerify,
		ViewCheck: s.ViewCheck, Expand: s.Expand, Query: parametersOf(s.Query), Related: s.relatedViews(),
	}
	out.Chunk, out.DisableAfter, out.Options = s.Chunk.plain(), s.DisableAfter.plain(out.Retry), s.options()
	for _, p := range s.Scopes {
		out.Scopes = append(out.Scopes, webhook.Pattern(p))
	}
	out.Sign = s.Signing()
	out.Rate, _ = webhook.ParseRate(cmp.Or(s.Rate, None)) // check has read it
	return out
}

// options returns the options of s as JSON; nil: none.
func (s *Subscription) options() json.RawMessage {
	if len(s.Options) == 0 {
		return nil
	}
	text, err := json.Marshal(s.Options)
	if err != nil {
		return nil // cannot be: each was read as JSON
	}
	return text
}

// Build returns s ready for use, or says what is wrong with it. It opens nothing but
// the files that s names.
func (s *Subscription) Build(c Common) (*webhook.Subscription, error) {
	if err := s.check(c.Payloads); err != nil {
		return nil, err
	}
	if err := s.checkLooks(); err != nil {
		return nil, err
	}
	out := s.plain()
	var err error
	if out.URL, err = source.Read(s.URL); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if err := CheckURL(out.URL); err != nil {
		if source.In(s.URL) {
			err = fmt.Errorf("url %q, with what its placeholders hold, is none that webhooks can go to; these must yield one like https://crm.example.com/hooks, without user, password and #", s.URL)
		}
		return nil, err
	}
	if out.Headers, err = buildHeaders(s.Headers); err != nil {
		return nil, err
	}
	if out.Secrets, err = s.readSecrets(c); err != nil {
		return nil, err
	}
	if out.Credential, err = s.readCredential(c); err != nil {
		return nil, err
	}
	if out.Egress, err = c.egressOf(s); err != nil {
		return nil, err
	}
	if err := s.buildFor(c, out); err != nil {
		return nil, err
	}
	return out, deliver.Check(out)
}

// schedule returns the schedule of s.
func (s *Subscription) schedule() webhook.Schedule {
	if s.Retry == nil {
		return webhook.DefaultSchedule
	}
	out := make(webhook.Schedule, len(*s.Retry))
	for i, d := range *s.Retry {
		out[i] = time.Duration(d)
	}
	return out
}

// buildFor adds to out, which is s ready for use, what it is for some resources.
func (s *Subscription) buildFor(c Common, out *webhook.Subscription) error {
	for _, resource := range slices.Sorted(maps.Keys(s.For)) {
		f := s.For[resource]
		if f == nil {
			return fmt.Errorf("for %s: it is null: write the options that it replaces", resource)
		}
		with := s.with(f)
		if err := with.check(c.Payloads); err != nil {
			return fmt.Errorf("for %s: %w", resource, err)
		}
		v := with.plain()
		var err error
		if v.Headers, err = buildHeaders(with.Headers); err != nil {
			return fmt.Errorf("for %s: %w", resource, err)
		}
		v.URL, v.Secrets, v.Credential = out.URL, out.Secrets, out.Credential
		v.Egress = out.Egress
		if out.For == nil {
			out.For = make(map[string]*webhook.Subscription)
		}
		out.For[resource] = v
	}
	return nil
}
