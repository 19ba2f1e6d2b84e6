package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notedRoute is what is looked at of one of Caddy's routes.
type notedRoute struct {
	Group  string          `json:"group"`
	Match  json.RawMessage `json:"match"`
	Handle []notedHandler  `json:"handle"`
}

// forAll reports whether each call that comes to r goes through it.
func (r *notedRoute) forAll() bool { return len(r.Match) == 0 && r.Group == "" }

type notedHandler struct {
	Handler   string       `json:"handler"`
	Strip     string       `json:"strip_path_prefix"` // of rewrite
	Routes    []notedRoute `json:"routes"`            // of subroute
	API       string       `json:"api"`               // of sidehook
	Resources []struct {
		Name string `json:"name"`
		Path string `json:"path"`
	} `json:"resources"` // of sidehook
}

// notesOf says what cannot be meant in the order of a configuration's handlers;
// text is the configuration, adapted.
func notesOf(text []byte) (notes []string, err error) {
	var c struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []notedRoute `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read the routes: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Apps.HTTP.Servers)) {
		routes := c.Apps.HTTP.Servers[name].Routes
		notes = append(notes, strippedIn(routes, "")...)
		answered := ""
		behind := behindIn(routes, &answered)
		if len(behind) == 0 {
			behind = unansweredIn(routes)
		}
		notes = append(notes, behind...)
	}
	return notes, nil
}

// strippedIn names the resources whose paths begin with what was cut off before
// their handler, by handle_path or uri strip_prefix: no call comes there with it.
func strippedIn(routes []notedRoute, prefix string) (notes []string) {
	for _, r := range routes {
		for _, h := range r.Handle {
			switch h.Handler {
			case "rewrite":
				if len(r.Match) == 0 { // for some calls only: nothing is sure
					prefix += h.Strip
				}
			case "subroute":
				notes = append(notes, strippedIn(h.Routes, prefix)...)
			case "sidehook":
				for _, res := range h.Resources {
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
