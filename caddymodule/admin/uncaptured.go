package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
)

// listUncaptured says in words why there may be no calls of a path.
func listUncaptured(e *engine.Engine, r *http.Request) (any, error) {
	path := cmp.Or(strings.TrimSuffix(r.URL.Query().Get("path"), "/"), "/")
	var methods, below, all []string
	for _, h := range e.Current().Handlers {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if h.Program.Match(method, path) != nil {
				methods = append(methods, method)
			}
		}
		routes, err := routesOfHandler(h)
		if err != nil {
			return nil, err
		}
		for _, route := range routes {
			_, at, _ := strings.Cut(route, " ")
			if path == "/" || strings.HasPrefix(at, path+"/") {
				below = append(below, route)
			}
			all = append(all, route)
		}
	}
	const none = "and the journal has none: none came through this proxy, or the journal has let go of it, as it does some 32 MiB of calls later and at a start (`sidehook events` has what calls earned)"
	switch {
	case len(methods) > 0:
		slices.Sort(methods)
		return []string{fmt.Sprintf("%s of %s is captured, %s", words.OrList(slices.Compact(methods)), path, none)}, nil
	case len(below) > 0:
		return []string{fmt.Sprintf("captured are %s, %s", words.Some(below), none)}, nil
	case len(all) == 0:
		return []string{"no line of the configuration names a call, so all pass unseen: write resource NAME PATH in sidehook of a site"}, nil
	}
	return []string{fmt.Sprintf("no line of the configuration names %s, so calls of it pass unseen; captured are %s. A further call is named by a line like on POST {id}/void in the resource, with its path as it is where sidehook stands (behind /api in handle_path /api/*)", path, words.Some(all))}, nil
}

// routesOfHandler returns what h captures, each as METHODS PATH.
func routesOfHandler(h *settings.Handler) (routes []string, err error) {
	var c rules.Config
	if err := json.Unmarshal(h.Canonical, &c); err != nil {
		return nil, fmt.Errorf("read the configuration of a handler again: %w", err)
	}
	for i := range c.Resources {
		for _, line := range ruleset.Routes(&c.Resources[i]) {
			f := strings.Fields(line) // operation, methods, path
			routes = append(routes, f[1]+" "+f[2])
		}
	}
	for _, on := range c.On {
		routes = append(routes, on.Method+" "+on.Path)
	}
	return routes, nil
}
