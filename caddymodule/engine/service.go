package engine

import (
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// service returns what asks the api of x, about what the tenant of x has, as the
// service that its origin knows; nil if the configuration in force has no origin.
func (e *Engine) service(x *webhook.Exchange) derive.Get {
	for _, h := range e.Current().Handlers {
		if h.Program.API() != x.API || h.Live == nil {
			continue
		}
		if get := h.Live.Service(x); get != nil {
			return get
		}
	}
	return nil
}
