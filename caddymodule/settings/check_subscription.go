package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

// checkTenant is an error if s gets the events of one tenant, and what earns them
// tells none: then it gets nothing, ever.
func (hs Handlers) checkTenant(s *webhook.Subscription) error {
	if s.Tenant == webhook.AnyTenant {
		return nil
	}
	for _, h := range hs {
		for _, pattern := range s.Scopes {
			if own.IsScope(pattern) || h.Program.Earns(pattern) && h.Program.TellsTenant() {
				return nil
			}
		}
	}
	return fmt.Errorf("tenant %s: nothing tells of which tenant its events are: write tenant request.header[\"X-Space-Id\"], with what tells it, in sidehook of the site, or leave it out here", s.Tenant)
}

// CheckRelated is an error if s asks for a related entity that no rule names.
func (hs Handlers) CheckRelated(s *webhook.Subscription) error {
	var known []string
	for _, h := range hs {
		known = append(known, h.Program.Relates()...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Related)) {
		switch near := words.Nearest(name, known); {
		case slices.Contains(known, name):
		case near != "":
			return fmt.Errorf("related %s: no rule has an entity of that name: did you mean %s?", name, near)
		default:
			return fmt.Errorf("related %s: no rule has an entity of that name: write related %s EXPR { resource … } in an emit or on line", name, name)
		}
	}
	return nil
}

// CheckOrigins is an error if s asks an API itself that cannot be asked.
func (hs Handlers) CheckOrigins(s *webhook.Subscription) error {
	by := subscription.LooksBy(s)
	if by == "" {
		return nil
	}
	for _, h := range hs {
		if h.Live == nil || h.Looks != nil || !slices.ContainsFunc(s.Scopes, h.Program.Earns) {
			continue
		}
		return fmt.Errorf("%s asks the API itself: write origin http://localhost:3000, with where it answers, in sidehook of the site (api %s)", by, h.Program.API())
	}
	return nil
}

// checkFor is an error if s has something for a resource that nothing is about.
func (hs Handlers) checkFor(s *webhook.Subscription) error {
	var known []string
	for _, h := range hs {
		for _, scope := range h.Program.Scopes() {
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
			return fmt.Errorf("for %s: there is no such resource: did you mean %s?", resource, near)
		}
		return fmt.Errorf("for %s: there is no such resource: there are %s", resource, words.Some(known))
	}
	return nil
}
