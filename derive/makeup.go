package derive

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// maxMadeUp bounds the exchanges whose refreshes are made up for at a start; the
// next one goes on.
const maxMadeUp = 10_000

// unrefreshed reads what earlier processes had not come to the end of refreshing.
func (d *Deriver) unrefreshed(ctx context.Context) []store.Note {
	notes, err := d.Store.Notes(ctx, refreshNotes, maxMadeUp)
	if err != nil && ctx.Err() == nil {
		d.Logger.Error("entities that were to be refreshed are not, until the next start", "error", err)
	}
	return notes
}

// makeUp refreshes, as the service and one after the other, what notes say was not
// refreshed.
func (d *Deriver) makeUp(ctx context.Context, notes []store.Note) {
	var all []func(context.Context)
	for _, n := range notes {
		var owed owedRefresh
		err := json.Unmarshal(n.Value, &owed)
		var p *rules.Program
		if err == nil {
			p, err = d.program(ctx, &owed.Cause)
		}
		if err != nil {
			d.Logger.Error("entities that were to be refreshed are not", "note", n.Key, "error", err)
			continue
		}
		all = append(all, func(ctx context.Context) { d.makeUpOne(ctx, p, &owed) })
	}
	if len(all) == 0 {
		return
	}
	d.Traffic.goAlways(func(ctx context.Context) {
		for _, f := range all {
			f(ctx)
		}
	})
}

// makeUpOne makes up for one exchange. Where nobody may ask any more, a gap of the
// resource says so: that the entity changed too may have been missed.
func (d *Deriver) makeUpOne(ctx context.Context, p *rules.Program, owed *owedRefresh) {
	left := new(atomic.Int64)
	left.Store(int64(len(owed.Refresh)))
	get := d.service(owed.Cause.API)
	for _, r := range owed.Refresh {
		err := errNobodyAsks
		switch {
		case get != nil:
			err = d.refreshOne(ctx, p, &owed.Cause, r, get)
		default:
			d.unrefreshedGap(ctx, &owed.Cause, r)
		}
		d.refreshed(ctx, &owed.Cause, r, err, left)
	}
}

func (d *Deriver) unrefreshedGap(ctx context.Context, cause *webhook.Exchange, r rules.Refreshed) {
	now := time.Now()
	g := webhook.Gap{Reason: webhook.GapUnknownState, From: now, To: now, Detail: fmt.Sprintf(
		"%s may have been changed by exchange %s, and the process died before a GET of %s told: nobody may ask now", r.Key, cause.ID, r.Path)}
	sum := sha256.Sum256(fmt.Appendf(nil, "unrefreshed %s %s", cause.ID, r.Key))
	key := webhook.EntityKey{API: r.Key.API, Tenant: r.Key.Tenant, Resource: r.Key.Resource}
	if err := d.Gap(ctx, webhook.ExchangeID(sum[:16]), key, g); err != nil && ctx.Err() == nil {
		d.Logger.Error("a gap could not be recorded", "entity", r.Key.String(), "error", err)
	}
}
