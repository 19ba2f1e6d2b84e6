package caddymodule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// ForResource replaces options of a subscription for the events of one resource.
// What is left out is as the subscription has it.
type ForResource struct {
	// Filter, OnChange, Fields, SkipKeys, Payload, ContentType, Headers, Timeout,
	// Retry, Order, Chunk, Expand and Query are as in the subscription. A list takes
	// the place of the whole list there.
	Filter      string         `json:"filter,omitempty"`
	OnChange    []string       `json:"on_change,omitempty"`
	Fields      []string       `json:"fields,omitempty"`
	SkipKeys    []string       `json:"skip_keys,omitempty"`
	Payload     string         `json:"payload,omitempty"`
	ContentType string         `json:"content_type,omitempty"`
	Headers     []Header       `json:"headers,omitempty"`
	Timeout     rules.Duration `json:"timeout,omitempty"`
	Retry       *Retry         `json:"retry,omitempty"`
	Order       string         `json:"order,omitempty"`
	Chunk       *Chunk         `json:"chunk,omitempty"`
	Expand      []string       `json:"expand,omitempty"`

	Query map[string][]string `json:"query,omitempty"`
}

// parseFor reads
//
//	for RESOURCE {
//		…
//	}
func parseFor(l *directive.Line, s *Subscription) error {
	args := l.Args()
	switch {
	case len(args) == 0 || args[0].Text == "":
		return l.Errf("for wants a resource: write %s", l.Usage)
	case len(args) > 1:
		return args[1].Errf("unexpected %q: for takes one resource; write a block for each", args[1].Text)
	case len(l.Block) == 0:
		return l.Errf("for %s replaces nothing: write options in its block, %s", args[0].Text, l.Usage)
	case s.For[args[0].Text] != nil:
		return l.Errf("for %s stands twice: write it once", args[0].Text)
	}
	inner := &Subscription{Name: s.Name}
	if err := forOptions.Parse(l.Block, inner, "the block of for "+args[0].Text); err != nil {
		return err
	}
	if s.For == nil {
		s.For = make(map[string]*ForResource)
	}
	s.For[args[0].Text] = &ForResource{
		Filter: inner.Filter, OnChange: inner.OnChange, Fields: inner.Fields, SkipKeys: inner.SkipKeys,
		Payload: inner.Payload, ContentType: inner.ContentType, Headers: inner.Headers,
		Timeout: inner.Timeout, Retry: inner.Retry, Order: inner.Order, Chunk: inner.Chunk, Expand: inner.Expand, Query: inner.Query,
	}
	return nil
}

// with returns s as it is with what f replaces.
func (s *Subscription) with(f *ForResource) *Subscription {
	v := *s
	v.For = nil
	v.Filter, v.Payload = cmp.Or(f.Filter, s.Filter), cmp.Or(f.Payload, s.Payload)
	v.ContentType, v.Order = cmp.Or(f.ContentType, s.ContentType), cmp.Or(f.Order, s.Order)
	v.Timeout, v.Retry = cmp.Or(f.Timeout, s.Timeout), cmp.Or(f.Retry, s.Retry)
	for _, list := range []struct{ to, by *[]string }{{&v.OnChange, &f.OnChange}, {&v.Fields, &f.Fields}, {&v.SkipKeys, &f.SkipKeys}, {&v.Expand, &f.Expand}} {
		if len(*list.by) > 0 {
			*list.to = *list.by
		}
	}
	if len(f.Headers) > 0 {
		v.Headers = f.Headers
	}
	v.Chunk = cmp.Or(f.Chunk, s.Chunk)
	if len(f.Query) > 0 {
		v.Query = f.Query
	}
	return &v
}

// buildFor adds to out, which is s ready for use, what it is for some resources.
func (a *App) buildFor(s *Subscription, out *webhook.Subscription) error {
	for _, resource := range slices.Sorted(maps.Keys(s.For)) {
		f := s.For[resource]
		if f == nil {
			return fmt.Errorf("for %s: it is null: write the options that it replaces", resource)
		}
		with := s.with(f)
		if err := with.check(a.Payloads); err != nil {
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

// checkFor is an error if s has something for a resource that nothing is about.
func checkFor(programs []*rules.Program, s *webhook.Subscription) error {
	var known []string
	for _, p := range programs {
		for _, scope := range p.Scopes() {
			if strings.Contains(scope.Resource, "{") {
				return nil // it may be any
			}
			known = append(known, scope.Resource)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, resource := range slices.Sorted(maps.Keys(s.For)) {
		if slices.Contains(known, resource) {
			continue
		}
		if near := words.Nearest(resource, known); near != "" {
			return fmt.Errorf("subscription %s: for %s: there is no such resource: did you mean %s?", s.ID, resource, near)
		}
		return fmt.Errorf("subscription %s: for %s: there is no such resource: there are %s", s.ID, resource, some(known))
	}
	return nil
}

// maxFor bounds for how many resources a subscription made through the API may
// be otherwise.
const maxFor = 50

// checkKeptFor says what is wrong with what a subscription that was made through
// the API has for some resources.
func (s *Subscription) checkKeptFor(payloads map[string]rules.Payload) error {
	if len(s.For) > maxFor {
		return fmt.Errorf("for has %d resources: at most %d", len(s.For), maxFor)
	}
	for _, resource := range slices.Sorted(maps.Keys(s.For)) {
		f := s.For[resource]
		switch {
		case f == nil:
			return fmt.Errorf("for.%s is null: write the options that it replaces", resource)
		case f.Filter != "":
			return fmt.Errorf("for.%s.filter: write it in filter, as in resource != %q || …", resource, resource)
		}
		if err := checkHeaders(f.Headers); err != nil {
			return fmt.Errorf("for.%s: %w", resource, err)
		}
		if err := s.with(f).check(payloads); err != nil {
			return fmt.Errorf("for.%s: %w", resource, err)
		}
	}
	return nil
}
