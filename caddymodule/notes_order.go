package caddymodule

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules"
)

// answering are the handlers that answer each call that comes to them.
var answering = []string{"reverse_proxy", "file_server", "static_response"}

// passing are those of Caddy's that leave the answer to who stands behind them.
var passing = []string{
	"authentication", "copy_response_headers", "encode", "headers", "intercept", "log_append", "map", "metrics", "push",
	"request_body", "rewrite", "sidehook", "subroute", "templates", "tracing", "vars",
}

// behindIn notes each sidehook to which no call comes, for a handler in front
// of it answers all. answered is the name of such a one, "" for none so far.
func behindIn(routes []notedRoute, answered *string) (notes []string) {
	for i := range routes {
		r := &routes[i]
		here := *answered
		for _, h := range r.handle {
			switch {
			case h.name == "subroute":
				notes = append(notes, behindIn(h.routes, &here)...)
			case h.name == "sidehook" && here != "":
				notes = append(notes, fmt.Sprintf("api %s: no call comes to sidehook, for it stands behind %s, which answers them all: write it in front of that; in a route block, order counts",
					cmp.Or(h.ours.API, rules.DefaultAPI), here))
			case slices.Contains(answering, h.name):
				here = h.name
			}
		}
		if r.forAll() {
			*answered = here
		}
	}
	return notes
}

// unansweredIn notes each sidehook behind which nothing answers.
func unansweredIn(routes []notedRoute) (notes []string) {
	var open []string // apis of those behind which nothing has been found
	var walk func(routes []notedRoute)
	walk = func(routes []notedRoute) {
		for i := range routes {
			for _, h := range routes[i].handle {
				walk(h.routes)
				switch {
				case h.name == "sidehook":
					open = append(open, cmp.Or(h.ours.API, rules.DefaultAPI))
				case !slices.Contains(passing, h.name):
					open = nil
				}
			}
		}
	}
	walk(routes)
	for _, api := range open {
		notes = append(notes, fmt.Sprintf("api %s: nothing behind sidehook answers calls: write reverse_proxy localhost:3000, with where the API is, beside it", api))
	}
	return notes
}
