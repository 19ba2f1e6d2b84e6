package engine

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

// CrossCheck holds what only shows when all handlers are known: that the
// handlers of one api agree, and that each subscription can get something. named
// says which is meant.
func CrossCheck(handlers []*Handler, subs []*webhook.Subscription, named func(webhook.SubscriptionID) string) error {
	if err := sameResources(handlers); err != nil {
		return err
	}
	for _, s := range subs {
		if err := checkSubscription(handlers, s); err != nil {
			return fmt.Errorf("%s: %w", named(s.ID), err)
		}
	}
	return nil
}

// checkSubscription is an error if s asks for what no handler has.
func checkSubscription(handlers []*Handler, s *webhook.Subscription) error {
	programs := ProgramsOf(handlers)
	for _, p := range s.Scopes {
		if err := WhyUnearned(programs, p); err != nil {
			return err
		}
	}
	return cmp.Or(checkTenant(programs, s), checkFor(programs, s), CheckRelated(programs, s), CheckOrigins(handlers, s))
}

// ProgramsOf returns the rules of handlers.
func ProgramsOf(handlers []*Handler) []*rules.Program {
	programs := make([]*rules.Program, len(handlers))
	for i, h := range handlers {
		programs[i] = h.Program
	}
	return programs
}

// WhyUnearned is an error if no rule can earn a scope that p selects.
func WhyUnearned(programs []*rules.Program, p webhook.Pattern) error {
	if own.IsScope(p) {
		return nil
	}
	for _, program := range programs {
		if program.Earns(p) {
			return nil
		}
	}
	known := withoutGaps(AllScopes(programs))
	if len(known) == 0 && len(programs) > 0 {
		return fmt.Errorf("no rule earns %s: no rule earns anything, for plain scopes are switched off (default none, or created, updated and deleted none): leave that out, or write emit SCOPE in a resource", p)
	}
	if len(known) == 0 {
		return fmt.Errorf("no rule earns %s: no site has the directive sidehook; write it beside reverse_proxy, as in sidehook { resource project /api/projects }, each on its own line", p)
	}
	if near := words.Nearest(string(p), likePattern(p, known)); near != "" {
		return fmt.Errorf("no rule earns %s: did you mean %s?", p, near)
	}
	return fmt.Errorf("no rule earns %s: these are earned: %s", p, words.Some(known))
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

// AllScopes returns what the rules can earn, sorted.
func AllScopes(programs []*rules.Program) []string {
	var names []string
	for _, program := range programs {
		for _, s := range program.Scopes() {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// withoutGaps returns the names that are no gap's.
func withoutGaps(names []string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, webhook.GapSuffix) })
}

// sameResources is an error if two handlers of one api declare a resource
// differently. Handlers are known in no particular order.
func sameResources(handlers []*Handler) error {
	handlers = slices.SortedFunc(slices.Values(handlers), func(a, b *Handler) int {
		return bytes.Compare(a.Canonical, b.Canonical)
	})
	seen := make(map[ruleset.FullName]rules.Resource)
	for _, h := range handlers {
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
