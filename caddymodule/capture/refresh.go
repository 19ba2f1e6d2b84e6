package capture

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

var ErrNoItem = errors.New("no resource of the configuration in force has an entity at that path")

// refresh makes the GET of another entity than the call's: it is kept as that
// entity's resource says.
func (f *fetcher) refresh(ctx context.Context, path string) (o *webhook.Observation) {
	g := *f
	item, _, _ := strings.Cut(path, "?")
	if g.match = f.h.Program.MatchItem(item); g.match == nil {
		now := time.Now()
		return &webhook.Observation{Requested: now, Received: now, Error: ErrNoItem.Error()}
	}
	if !f.h.guarded(func() { o = g.get(ctx, "refresh", path) }) {
		now := time.Now()
		o = &webhook.Observation{Requested: now, Received: now, Error: errBug.Error()}
	}
	return o
}

// Service returns what asks the api of x, about what the tenant of x has, as the
// service that its origin knows; nil if there is no origin.
func (h *Handler) Service(x *webhook.Exchange) derive.Get {
	if h.Origin == nil {
		return nil
	}
	of := h.Program.TenantHeader(&x.Request, x.Placeholders)
	return (&fetcher{h: h, ctx: context.Background(), of: of}).refresh
}

// lend lets the caller's credentials be used for what the call's resource
// refreshes.
func (c *call) lend() {
	if c.fetcher != nil && c.match.Refreshes() {
		c.traffic.Lend(c.fetcher.outlive().refresh)
	}
}
