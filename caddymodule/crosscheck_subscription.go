package caddymodule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// checkRelated is an error if s asks for a related entity that no rule names.
func checkRelated(programs []*rules.Program, s *webhook.Subscription) error {
	var known []string
	for _, p := range programs {
		known = append(known, p.Relates()...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Related)) {
		switch near := words.Nearest(name, known); {
		case slices.Contains(known, name):
		case near != "":
			return fmt.Errorf("subscription %s: related %s: no rule has an entity of that name: did you mean %s?", s.ID, name, near)
		default:
			return fmt.Errorf("subscription %s: related %s: no rule has an entity of that name: write related %s EXPR { resource … } in an emit or on line", s.ID, name, name)
		}
	}
	return nil
}

// checkOrigins is an error if s asks an API itself that cannot be asked.
func checkOrigins(handlers []*handlerSettings, s *webhook.Subscription) error {
	by := subscription.LooksBy(s)
	if by == "" {
		return nil
	}
	for _, h := range handlers {
		if h.live == nil || h.looks != nil || !slices.ContainsFunc(s.Scopes, h.program.Earns) {
			continue
		}
		return fmt.Errorf("subscription %s: %s asks the API itself: write origin http://localhost:3000, with where it answers, in sidehook of the site (api %s)", s.ID, by, h.program.API())
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
		return fmt.Errorf("subscription %s: for %s: there is no such resource: there are %s", s.ID, resource, words.Some(known))
	}
	return nil
}
