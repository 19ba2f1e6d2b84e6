package engine

import (
	"context"
	"slices"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// resources returns the resources in use, as keys without ID: those that the
// configuration names, and of those whose name is taken from the path the ones of
// which something was recorded.
func (e *Engine) resources() []webhook.EntityKey {
	var keys []webhook.EntityKey
	seen := make(map[webhook.EntityKey]bool)
	add := func(api, name string) {
		if key := (webhook.EntityKey{API: api, Resource: name}); !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	for _, h := range e.Current().Handlers {
		api := h.Program.API()
		for _, name := range h.Program.Resources() {
			add(api, name)
		}
		met, err := derive.Resources(context.Background(), e.Store, api)
		if err != nil {
			e.Logger.Error("resources whose names are taken from paths are not known; no gap covers them", "api", api, "error", err)
		}
		for _, name := range met {
			if h.Program.MayName(name) {
				add(api, name)
			}
		}
	}
	return keys
}

// APIs returns the names of the apis in use.
func (e *Engine) APIs() (names []string) {
	for _, h := range e.Current().Handlers {
		if name := h.Program.API(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Programs returns the rules in force.
func (e *Engine) Programs() (all []*rules.Program) {
	for _, h := range e.Current().Handlers {
		all = append(all, h.Program)
	}
	return all
}
