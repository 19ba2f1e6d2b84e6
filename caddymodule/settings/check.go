package settings

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Check holds what only shows when all handlers are known: that those of one api
// agree, and that each of subs can get something. named says which is meant.
func (hs Handlers) Check(subs []*webhook.Subscription, named func(webhook.SubscriptionID) string) error {
	if err := hs.sameResources(); err != nil {
		return err
	}
	for _, s := range subs {
		if err := hs.check(s); err != nil {
			return fmt.Errorf("%s: %w", named(s.ID), err)
		}
	}
	return nil
}

// check is an error if s asks for what no handler has.
func (hs Handlers) check(s *webhook.Subscription) error {
	for _, p := range s.Scopes {
		if err := hs.WhyUnearned(p); err != nil {
			return err
		}
	}
	return cmp.Or(hs.checkTenant(s), hs.checkFor(s), hs.CheckRelated(s), hs.CheckOrigins(s))
}

// WhyUnearned is an error if no rule can earn a scope that p selects.
func (hs Handlers) WhyUnearned(p webhook.Pattern) error {
	if own.IsScope(p) {
		return nil
	}
	if hs.earns(p) {
		return nil
	}
	known := withoutGaps(hs.Scopes())
	if len(known) == 0 && len(hs) > 0 {
		return fmt.Errorf("no rule earns %s: no rule earns anything, for plain scopes are switched off (default none, or created, updated and deleted none): leave that out, or write emit SCOPE in a resource", p)
	}
	if len(known) == 0 {
		return fmt.Errorf("no rule earns %s: no site has the directive sidehook; write it beside reverse_proxy, as in sidehook { resource project /api/projects }, each on its own line", p)
	}
	if below := allBelow(p); hs.earns(below) {
		return fmt.Errorf("no rule earns %s: did you mean %s, which is all below it?", p, below)
	}
	if near := words.Nearest(string(p), likePattern(p, known)); near != "" {
		return fmt.Errorf("no rule earns %s: did you mean %s?", p, near)
	}
	return fmt.Errorf("no rule earns %s: these are earned: %s", p, words.Some(known))
}

func (hs Handlers) earns(p webhook.Pattern) bool {
	return slices.ContainsFunc(hs, func(h *Handler) bool { return h.Program.Earns(p) })
}

// allBelow returns what p is if it was meant to select whatever is below it: project
// for project.**, * for **.
func allBelow(p webhook.Pattern) webhook.Pattern {
	if rest := strings.TrimRight(string(p), "*"); rest != string(p) {
		return webhook.Pattern(rest + "**")
	}
	return p + ".**"
}

// WhyUnknown is an error if no rule is about a resource of that name, nor anything of
// Sidehook's own.
func (hs Handlers) WhyUnknown(resource string) error {
	var known []string
	for _, h := range hs {
		if h.Program.MayName(resource) {
			return nil
		}
		known = append(known, h.Program.Resources()...)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if resource == own.Resource || slices.Contains(known, resource) {
		return nil
	}
	if near := words.Nearest(resource, known); near != "" {
		return fmt.Errorf("no rule has a resource %s: did you mean %s?", resource, near)
	}
	return fmt.Errorf("no rule has a resource %s: there are %s", resource, cmp.Or(words.Some(known), "none"))
}

// likePattern returns known as patterns that are wild where p is.
func likePattern(p webhook.Pattern, known []string) []string {
	parts := strings.FieldsFunc(string(p), IsSeparator)
	var out []string
	for _, scope := range known {
		names := strings.FieldsFunc(scope, IsSeparator)
		if len(names) < len(parts) {
			continue
		}
		for i, part := range parts {
			if strings.HasPrefix(part, "*") {
				names[i] = part
			}
		}
		if parts[len(parts)-1] == "**" {
			names = names[:len(parts)]
		}
		out = append(out, strings.Join(names, "."))
	}
	return out
}

// IsSeparator reports whether r stands between the parts of a scope.
func IsSeparator(r rune) bool { return r == '.' || r == '/' }

// withoutGaps returns the names that are no gap's.
func withoutGaps(names []string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, webhook.GapSuffix) })
}

// sameResources is an error if two handlers of one api declare a resource
// differently.
func (hs Handlers) sameResources() error {
	hs = slices.SortedFunc(slices.Values(hs), func(a, b *Handler) int {
		return bytes.Compare(a.Canonical, b.Canonical)
	})
	seen := make(map[ruleset.FullName]rules.Resource)
	for _, h := range hs {
		var c rules.Config
		if err := json.Unmarshal(h.Canonical, &c); err != nil {
			return fmt.Errorf("read the configuration of a handler again: %w", err)
		}
		for _, r := range c.Resources {
			n := ruleset.FullName{API: cmp.Or(c.API, rules.DefaultAPI), Name: r.Name}
			this := ruleset.Effective(r, &c)
			other, ok := seen[n]
			seen[n] = this
			if what := ruleset.Difference(other, this); ok && what != "" {
				return fmt.Errorf("resource %s of api %s is declared differently by two handlers: %s; %s", n.Name, n.API, what, ruleset.MakeEqual)
			}
		}
	}
	return nil
}
