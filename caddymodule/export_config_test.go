package caddymodule

import (
	"maps"
	"slices"

	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/subscription"
)

// The commands that read a configuration.
var (
	CheckCommand = checkCommand
	TestCommand  = testCommand
)

// Misplaced returns the words of which an error says where they stand, though
// no block takes them.
func Misplaced() []string {
	known := slices.Concat(
		slices.Collect(maps.Keys(handlerOptions)), slices.Collect(maps.Keys(ruleset.ResourceOptions)),
		slices.Collect(maps.Keys(ruleset.EmitOptions)), slices.Collect(maps.Keys(ruleset.OnOptions)),
		slices.Collect(maps.Keys(appOptions)), slices.Collect(maps.Keys(apiOptions)), slices.Collect(maps.Keys(subscription.Options)),
		slices.Collect(maps.Keys(subscription.EgressOptions)),
		slices.Collect(maps.Keys(dialect.Options)), slices.Collect(maps.Keys(dialect.RouteOptions)),
		[]string{"when", "each"},
	)
	var out []string
	for _, name := range directive.Placed() {
		if !slices.Contains(known, name) {
			out = append(out, name)
		}
	}
	return out
}

// Words returns the words of the option tables, sorted, by the names of the
// tables. What may stand in the handler and in a resource is in defaults alone, and
// what may in a subscription and in for, in for alone.
func Words() map[string][]string {
	all := map[string][]string{
		"defaults": sortedWords(ruleset.DefaultOptions), "handler": sortedWords(handlerOptions), "resource": sortedWords(ruleset.ResourceOptions),
		"on": sortedWords(ruleset.OnOptions), "emit": sortedWords(ruleset.EmitOptions), "app": sortedWords(appOptions),
		"subscription": sortedWords(subscription.Options), "for": sortedWords(subscription.ForOptions), "egress": sortedWords(subscription.EgressOptions),
		"api": sortedWords(apiOptions), "dialect": sortedWords(dialect.Options), "route": sortedWords(dialect.RouteOptions),
	}
	for table, inner := range map[string]string{"handler": "defaults", "resource": "defaults", "subscription": "for"} {
		all[table] = slices.DeleteFunc(all[table], func(word string) bool { return slices.Contains(all[inner], word) })
	}
	return all
}

func sortedWords[T any](o directive.Options[T]) []string { return slices.Sorted(maps.Keys(o)) }
