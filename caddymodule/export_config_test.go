package caddymodule

import (
	"maps"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// Build returns the subscriptions of a, ready for use.
func Build(a *App) ([]*webhook.Subscription, error) { return a.build() }

// The commands that read a configuration.
var (
	CheckCommand = checkCommand
	TestCommand  = testCommand
)

// Misplaced returns the words of which an error says where they stand, though
// no block takes them.
func Misplaced() []string {
	known := slices.Concat(
		slices.Collect(maps.Keys(handlerOptions)), slices.Collect(maps.Keys(resourceOptions)),
		slices.Collect(maps.Keys(emitOptions)), slices.Collect(maps.Keys(onOptions)),
		slices.Collect(maps.Keys(appOptions)), slices.Collect(maps.Keys(apiOptions)), slices.Collect(maps.Keys(subscriptionOptions)),
		slices.Collect(maps.Keys(egressOptions)),
		slices.Collect(maps.Keys(dialectOptions)), slices.Collect(maps.Keys(routeOptions)),
		[]string{"when", "each"},
	)
	var out []string
	for name := range places {
		if !slices.Contains(known, name) {
			out = append(out, name)
		}
	}
	return out
}
