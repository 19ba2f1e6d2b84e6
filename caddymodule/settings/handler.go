package settings

import (
	"encoding/json"
	"slices"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/look"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Handler is what the engine keeps of one handler.
type Handler struct {
	Program   *rules.Program
	Config    webhook.ConfigID
	Canonical []byte
	Live      *capture.Handler // nil where only rules are wanted
	Looks     *look.Origin     // is asked as subscribers; nil: there is no origin
}

// Handlers are those of one configuration, in no particular order.
type Handlers []*Handler

// Programs returns their rules.
func (hs Handlers) Programs() []*rules.Program {
	programs := make([]*rules.Program, len(hs))
	for i, h := range hs {
		programs[i] = h.Program
	}
	return programs
}

// Scopes returns what the rules can earn, sorted.
func (hs Handlers) Scopes() []string {
	var names []string
	for _, h := range hs {
		for _, s := range h.Program.Scopes() {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// APIs returns the names of the apis in use.
func (hs Handlers) APIs() (names []string) {
	for _, h := range hs {
		if name := h.Program.API(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Service returns what asks the api of x, about what the tenant of x has, as the
// service that its origin knows; nil if there is no origin.
func (hs Handlers) Service(x *webhook.Exchange) derive.Get {
	for _, h := range hs {
		if h.Program.API() != x.API || h.Live == nil {
			continue
		}
		if get := h.Live.Service(x); get != nil {
			return get
		}
	}
	return nil
}

// Item finds the entity of an event, which is called name now, at the origin of its
// api. why says that there is none.
func (hs Handlers) Item(ev *webhook.Event, name string) (item *look.Item, why string) {
	for _, h := range hs {
		if h.Program.API() != ev.Key.API || h.Live == nil {
			continue
		}
		m, path := h.Program.Item(ev.Key, name, ev.Params)
		switch {
		case m == nil:
		case h.Looks == nil:
			why = "the API cannot be asked: the configuration has no origin for it"
		default:
			return h.Looks.Item(ev, m, path, name), ""
		}
	}
	if why == "" && ev.Operation != webhook.Called {
		why = "the configuration in force has no path of such an entity"
	}
	return nil, why
}

// IDIn returns the id that an entity of a resource of an api has; "" if none.
func (hs Handlers) IDIn(api, resource string, entity json.RawMessage) (id string) {
	for _, h := range hs {
		if h.Program.API() == api && id == "" {
			id = h.Program.IDIn(resource, entity)
		}
	}
	return id
}
