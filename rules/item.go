package rules

import (
	"encoding/json"
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// Item returns the GET that shows the entity of key, which is called name in its
// path (an entity may have been renamed), and that path, escaped. params are the
// path parameters of a call on it. It is nil if the configuration has no path of
// such an entity.
func (p *Program) Item(key webhook.EntityKey, name string, params map[string]string) (m *Match, path string) {
	for _, r := range p.resources {
		if r.item == nil || r.nameFor(params) != key.Resource {
			continue
		}
		path, ok := r.item.Build(func(param string) string {
			if param == r.idParam {
				return name
			}
			return params[param]
		})
		if !ok {
			continue
		}
		if m := p.MatchItem(path); m != nil && m.e == r.shown {
			return m, path
		}
	}
	return nil, ""
}

// Relates returns the names under which rules add entities of resources to
// events.
func (p *Program) Relates() []string { return slices.Clone(p.related) }

// IDIn returns the id that an entity of the named resource has, as the resource finds it
// in its own answers; "" if it has none, or there is no such resource.
func (p *Program) IDIn(name string, entity json.RawMessage) string {
	v, err := tree.ParseShared(entity)
	if r := p.resourceNamed(name); r != nil && err == nil {
		return r.idInElement(v)
	}
	return ""
}
