package caddymodule

import (
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// service returns what asks the api of x, about what the tenant of x has, as the
// service that its origin knows; nil if the configuration in force has no origin.
func (e *engine) service(x *webhook.Exchange) derive.Get {
	for _, h := range e.current().handlers {
		if h.program.API() != x.API || h.live == nil {
			continue
		}
		if get := h.live.Service(x); get != nil {
			return get
		}
	}
	return nil
}
