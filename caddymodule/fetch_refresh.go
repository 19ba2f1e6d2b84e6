package caddymodule

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

var errNoItem = errors.New("no resource of the configuration in force has an entity at that path")

// refresh makes the GET of another entity than the call's: it is kept as that
// entity's resource says.
func (f *fetcher) refresh(ctx context.Context, path string) (o *webhook.Observation) {
	g := *f
	item, _, _ := strings.Cut(path, "?")
	if g.match = f.h.program.MatchItem(item); g.match == nil {
		now := time.Now()
		return &webhook.Observation{Requested: now, Received: now, Error: errNoItem.Error()}
	}
	if !f.h.guarded(func() { o = g.get(ctx, "refresh", path) }) {
		now := time.Now()
		o = &webhook.Observation{Requested: now, Received: now, Error: errBug.Error()}
	}
	return o
}

// lend lets the caller's credentials be used for what the call's resource
// refreshes.
func (c *call) lend() {
	if c.fetcher != nil && c.match.Refreshes() {
		c.traffic.Lend(c.fetcher.outlive().refresh)
	}
}

// service returns what asks the api of x, about what the tenant of x has, as the
// service that its origin knows; nil if the configuration in force has no origin.
func (e *engine) service(x *webhook.Exchange) derive.Get {
	f := e.serviceOf(x.API)
	if f == nil {
		return nil
	}
	f.of = f.h.program.TenantHeader(&x.Request, x.Placeholders)
	return f.refresh
}

func (e *engine) serviceOf(api string) *fetcher {
	for _, h := range e.current().handlers {
		if h.program.API() == api && h.live != nil && h.live.origin != nil {
			return &fetcher{h: h.live, ctx: context.Background()}
		}
	}
	return nil
}
