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
		if err := json.Unmarshal(n.Value, &owed); err != nil {
			d.Logger.Error("entities that were to be refreshed are not", "note", n.Key, "error", err)
			continue
		}
		p, err := d.program(ctx, &owed.Cause)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.Logger.Error("entities that were to be refreshed are not: the configuration that says how is gone",
				"exchange", owed.Cause.ID.String(), "error", err)
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

// makeUpOne makes up for one exchange. Where nobody may ask any more, or nobody
// knows how to read what is shown (p is nil), a gap of the resource says so: that
// the entity changed too may have been missed.
func (d *Deriver) makeUpOne(ctx context.Context, p *rules.Program, owed *owedRefresh) {
	left := new(atomic.Int64)
	left.Store(int64(len(owed.Refresh)))
	get := d.service(&owed.Cause)
	for _, r := range owed.Refresh {
		var err error
		told := true
		switch {
		case p == nil:
			err = errNoRules
			told = d.unrefreshedGap(ctx, &owed.Cause, r, "the configuration that it was captured by is gone")
		case get == nil:
			err = errNobodyAsks
			told = d.unrefreshedGap(ctx, &owed.Cause, r, "nobody may ask now")
		default:
			err = d.refreshOne(ctx, p, &owed.Cause, r, get)
		}
		if !told {
			return // and the note stays
		}
		d.refreshed(ctx, &owed.Cause, r, err, left)
	}
}

// unrefreshedGap reports whether the gap is recorded.
func (d *Deriver) unrefreshedGap(ctx context.Context, cause *webhook.Exchange, r rules.Refreshed, why string) bool {
	now := time.Now()
	g := webhook.Gap{Reason: webhook.GapUnknownState, From: now, To: now, Detail: fmt.Sprintf(
		"%s may have been changed by exchange %s, and the process died before a GET of %s told: %s", r.Key, cause.ID, r.Path, why)}
	sum := sha256.Sum256(fmt.Appendf(nil, "unrefreshed %s %s", cause.ID, r.Key))
	key := webhook.EntityKey{API: r.Key.API, Tenant: r.Key.Tenant, Resource: r.Key.Resource}
	err := d.Gap(ctx, webhook.ExchangeID(sum[:16]), key, g)
	if err != nil && ctx.Err() == nil {
		d.Logger.Error("a gap could not be recorded", "entity", r.Key.String(), "error", err)
	}
	return err == nil
}
