package derive

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Gap records that something may have happened to any entity of a resource
// (key has no ID) that no exchange tells of. x stands for the exchange: the same
// x is recorded once.
func (d *Deriver) Gap(ctx context.Context, x webhook.ExchangeID, key webhook.EntityKey, g webhook.Gap) error {
	now := time.Now()
	scope := key.Resource + webhook.GapSuffix
	e := webhook.Event{
		ID: webhook.NewEventID(x, key, scope, ""), Scope: scope, Key: key, Exchange: x, Time: g.To,
		Operation: webhook.Missed, Gap: &g, Tenant: key.Tenant, Unowned: key.Tenant == "",
		Provenance: webhook.Provenance{Before: webhook.FromNone, After: webhook.FromNone},
	}
	_, err := d.Store.Record(ctx, store.Record{Exchange: x, Derive: func([]webhook.Snapshot) (store.Consequences, error) {
		c := store.Consequences{Events: []webhook.Event{e}}
		wants, err := d.Want(&e)
		for _, w := range wants {
			c.Deliveries = append(c.Deliveries, newDelivery(&e, w, now))
		}
		return c, err
	}})
	return err
}
