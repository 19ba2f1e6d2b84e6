package caddymodule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// notedRoute is what is looked at of one of Caddy's routes.
type notedRoute struct {
	group   string
	matched bool     // it is for some calls only
	paths   []string // which it is for; nil: not only by their paths
	handle  []notedHandler
}

// forAll reports whether each call that comes to r goes through it.
func (r *notedRoute) forAll() bool { return !r.matched && r.group == "" }

type notedHandler struct {
	name   string       // of Caddy's module
	strip  string       // of rewrite
	routes []notedRoute // of subroute
	ours   *Handler     // of sidehook
	api    *API         // of sidehook_api
}

// notes says what cannot be meant in the order of the handlers of a's configuration.
func (a *App) notes() (notes []string) {
	loaded, err := a.run.ctx.AppIfConfigured("http")
	if err != nil {
		return nil // there are no sites
	}
	servers := loaded.(*caddyhttp.App).Servers
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		routes := notedRoutes(servers[name].Routes)
		notes = append(notes, strippedIn(routes, "")...)
		notes = append(notes, unfoundIn(routes, nil)...)
		answered := ""
		behind := behindIn(routes, &answered)
		if len(behind) == 0 {
			behind = unansweredIn(routes)
		}
		notes = append(notes, behind...)
	}
	return notes
}

// notedRoutes returns what is looked at of routes that are provisioned.
func notedRoutes(routes caddyhttp.RouteList) (all []notedRoute) {
	for _, r := range routes {
		out := notedRoute{group: r.Group, matched: len(r.MatcherSets) > 0, paths: pathsOf(r.MatcherSets)}
		for _, h := range r.Handlers {
			out.handle = append(out.handle, noted(h))
		}
		all = append(all, out)
	}
	return all
}

func noted(h caddyhttp.MiddlewareHandler) (out notedHandler) {
	if m, ok := h.(caddy.Module); ok {
		out.name = m.CaddyModule().ID.Name()
	}
	switch h := h.(type) {
	case *Handler:
		out.ours = h
	case *API:
		out.api = h
	case *caddyhttp.Subroute:
		out.routes = notedRoutes(h.Routes)
	case *rewrite.Rewrite:
		out.strip = h.StripPathPrefix
	}
	return out
}

// strippedIn names the resources whose paths begin with what was cut off before
// their handler, by handle_path or uri strip_prefix: no call comes there with it.
func strippedIn(routes []notedRoute, prefix string) (notes []string) {
	for _, r := range routes {
		for _, h := range r.handle {
			switch h.name {
			case "rewrite":
				if !r.matched { // for some calls only: nothing is sure
					prefix += h.strip
				}
			case "subroute":
				notes = append(notes, strippedIn(h.routes, prefix)...)
			case "sidehook":
				for _, res := range h.ours.Resources {
					if rest, ok := strings.CutPrefix(res.Path, prefix+"/"); ok && prefix != "" {
						notes = append(notes, fmt.Sprintf("resource %s: no call comes to %s here, for %s is cut off before (by handle_path, or uri strip_prefix): write resource %s /%s",
							res.Name, res.Path, prefix, res.Name, rest))
					}
				}
			}
		}
	}
	return notes
}
