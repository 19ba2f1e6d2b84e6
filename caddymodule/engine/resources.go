package engine

import (
	"context"

	"github.com/sidehook/sidehook/derive"
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
