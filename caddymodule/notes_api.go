package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pathsOf returns the paths that a route is for; nil if others may come to it.
func pathsOf(sets caddyhttp.MatcherSets) (paths []string) {
	for _, set := range sets {
		found := false
		for _, m := range set {
			if p, ok := m.(*caddyhttp.MatchPath); ok {
				paths, found = append(paths, *p...), true
			}
		}
		if !found {
			return nil
		}
	}
	return paths
}

// unfoundIn notes each sidehook_api that has nothing at the paths that come to it, as
// below handle, which cuts nothing off. paths are those, nil if they are not known.
func unfoundIn(routes []notedRoute, paths []string) (notes []string) {
	for i := range routes {
		r := &routes[i]
		here := paths
		if r.paths != nil {
			here = r.paths
		}
		for _, h := range r.handle {
			switch {
			case h.name == "subroute":
				notes = append(notes, unfoundIn(h.routes, here)...)
			case h.api != nil:
				if err := h.api.checkPaths(here); err != nil {
					notes = append(notes, err.Error())
				}
			}
			if h.rewrites() {
				here, paths = nil, nil
			}
		}
	}
	return notes
}

// rewrites reports whether what is behind h may get another path than h did.
func (h *notedHandler) rewrites() bool {
	return h.name == "rewrite" || h.name == "invoke" || slices.ContainsFunc(h.routes, func(r notedRoute) bool {
		return slices.ContainsFunc(r.handle, func(h notedHandler) bool { return h.rewrites() })
	})
}
