package derive

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// gap is what a ticket of a gap stands for.
type gap struct {
	record store.Record
	done   chan error // receives once what became of it
	state  atomic.Int32
}

// States of a gap: it is taken into a batch, or nobody waits for it any more.
const (
	gapTaken int32 = iota + 1
	gapGivenUp
)

// take reports whether the gap is to be recorded.
func (g *gap) take() bool { return g.state.CompareAndSwap(0, gapTaken) }

func (g *gap) givenUp() bool { return g.state.Load() == gapGivenUp }

// giveUp reports whether the gap will not be recorded.
func (g *gap) giveUp() bool { return g.state.CompareAndSwap(0, gapGivenUp) }

// Gap records that something may have happened to any entity of a resource
// (key has no ID) that no exchange tells of. x stands for the exchange: the same
// x is recorded once.
//
// It is recorded behind everything that the journal holds now; Gap returns when
// that is done. If ctx ends before its turn comes, it is not recorded. Once Run
// has ended it is recorded at once.
func (d *Deriver) Gap(ctx context.Context, x webhook.ExchangeID, key webhook.EntityKey, g webhook.Gap) error {
	return d.gap(ctx, d.Journal.Last(), x, key, g)
}

// gap records a gap when the journal is read up to a position, and what is
// before it recorded.
func (d *Deriver) gap(ctx context.Context, behind store.Position, x webhook.ExchangeID, key webhook.EntityKey, g webhook.Gap) error {
	t := &ticket{d: d, at: behind, gap: &gap{record: d.gapRecord(x, key, g), done: make(chan error, 1)}}
	if !d.line.await(t) {
		select {
		case <-d.ended:
		case <-ctx.Done():
		}
		return d.gapNow(ctx, t.gap)
	}
	select {
	case err := <-t.gap.done:
		return err
	case <-d.ended:
	case <-ctx.Done():
		if t.gap.giveUp() {
			return fmt.Errorf("gap of %s: %w", key.Resource, ctx.Err())
		}
	}
	select { // it is being recorded, or never will be
	case err := <-t.gap.done:
		return err
	case <-d.ended:
		return d.gapNow(ctx, t.gap)
	}
}

// gapNow records g without regard for others.
func (d *Deriver) gapNow(ctx context.Context, g *gap) error {
	recorded, err := d.Store.Record(ctx, []store.Record{g.record})
	if err != nil {
		return err
	}
	return recorded[0].Err
}

func (d *Deriver) gapRecord(x webhook.ExchangeID, key webhook.EntityKey, g webhook.Gap) store.Record {
	now := time.Now()
	scope := scopeOf(key.Resource) + webhook.GapSuffix
	e := webhook.Event{
		ID: webhook.NewEventID(x, key, scope, ""), Scope: scope, Key: key, Exchange: x, Time: g.To,
		Operation: webhook.Missed, Gap: &g, Tenant: key.Tenant, Unowned: key.Tenant == "",
		Provenance: webhook.Provenance{Before: webhook.FromNone, After: webhook.FromNone},
	}
	return store.Record{Exchange: x, Derive: func([]webhook.Snapshot) (store.Consequences, error) {
		c := store.Consequences{Events: []webhook.Event{e}}
		wants, err := d.Want(&e)
		var owing webhook.Owing
		for _, w := range wants {
			owing.Add(&e, w.Subscription, w.Unjudged, now)
		}
		c.Deliveries = owing.Deliveries
		return c, err
	}}
}

// scopeOf returns a resource's name, which may be taken from a path, as a scope has
// it: what no scope may hold becomes _.
func scopeOf(resource string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '/' || webhook.CheckScope(string(r)) == nil {
			return r
		}
		return '_'
	}, resource)
}
