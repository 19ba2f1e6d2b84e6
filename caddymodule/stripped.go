package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// strippedRoute is what is looked at of one of Caddy's routes.
type strippedRoute struct {
	Match  json.RawMessage `json:"match"`
	Handle []struct {
		Handler   string          `json:"handler"`
		Strip     string          `json:"strip_path_prefix"` // of rewrite
		Routes    []strippedRoute `json:"routes"`            // of subroute
		Resources []struct {
			Name string `json:"name"`
			Path string `json:"path"`
		} `json:"resources"` // of sidehook
	} `json:"handle"`
}

// stripped names the resources whose paths begin with what was cut off before
// their handler, by handle_path or uri strip_prefix: no call comes there with it.
// text is an adapted configuration.
func stripped(text []byte) (notes []string, err error) {
	var c struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []strippedRoute `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read the routes: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Apps.HTTP.Servers)) {
		notes = append(notes, strippedIn(c.Apps.HTTP.Servers[name].Routes, "")...)
	}
	return notes, nil
}

func strippedIn(routes []strippedRoute, prefix string) (notes []string) {
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
