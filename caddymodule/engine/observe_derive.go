package engine

import (
	"time"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// deriveObserver counts and logs what deriving comes to.
type deriveObserver struct{ e *Engine }

// Recorded implements [derive.Observer].
func (o deriveObserver) Recorded(x *webhook.Exchange, r *store.Recorded, d *rules.Derived) {
	if r.Duplicate {
		return
	}
	if len(d.Skipped) > 0 {
		metrics.Process.Skipped.WithLabelValues(x.API).Add(float64(len(d.Skipped)))
	}
	if !d.Repeats.IsZero() {
		metrics.Process.Repeats.WithLabelValues(x.API).Inc()
	}
	if len(r.Events) == 0 && isCall(x) {
		metrics.Process.Unchanged.WithLabelValues(x.API).Inc()
	}
	for i := range r.Events {
		ev := &r.Events[i]
		metrics.Process.Derived.WithLabelValues(x.API, string(ev.Operation)).Inc()
		if ev.Gap != nil {
			metrics.Process.Gaps.WithLabelValues(x.API, ev.Gap.Reason).Inc()
		}
		if ev.Unowned {
			metrics.Process.Unowned.WithLabelValues(x.API).Inc()
		}
		o.e.Learned.Learn(o.e.Current(), ev, time.Now())
		o.log(x, ev, r)
	}
}

func (o deriveObserver) log(x *webhook.Exchange, ev *webhook.Event, r *store.Recorded) {
	if ev.Gap == nil && !o.e.debugs() {
		return
	}
	owed := 0
	for i := range r.Deliveries {
		if r.Deliveries[i].Carries(ev.ID) {
			owed++
		}
	}
	if ev.Gap != nil {
		o.e.Logger.Warn("gap recorded", "event", string(ev.ID), "scope", ev.Scope, "entity", ev.Key.String(),
			"exchange", x.ID.String(), "reason", ev.Gap.Reason, "detail", ev.Gap.Detail, "deliveries", owed)
		return
	}
	o.e.Logger.Debug("event recorded", "event", string(ev.ID), "scope", ev.Scope, "entity", ev.Key.String(),
		"sequence", ev.Sequence, "exchange", x.ID.String(), "deliveries", owed, "dry_run", ev.DryRun)
}

// isCall reports whether x is a captured call, and not a GET of ours that
// followed from one or was made for a seed.
func isCall(x *webhook.Exchange) bool { return x.Cause.IsZero() && x.Seed == "" }

// Nothing implements [derive.Observer].
func (o deriveObserver) Nothing(x *webhook.Exchange, why string) {
	if isCall(x) {
		metrics.Process.Unchanged.WithLabelValues(x.API).Inc()
	}
	if !o.e.debugs() {
		return
	}
	o.e.Logger.Debug("no event", "exchange", x.ID.String(), "method", x.Request.Method, "path", x.Request.Path, "why", why)
}

// Quarantined implements [derive.Observer].
func (o deriveObserver) Quarantined(x *webhook.Exchange, _ string) {
	metrics.Process.Quarantined.WithLabelValues(x.API).Inc()
}

// Refreshed implements [derive.Observer].
func (o deriveObserver) Refreshed(x *webhook.Exchange, r rules.Refreshed, err error) {
	if err != nil {
		metrics.Process.NotRefreshed.WithLabelValues(x.API).Inc()
		o.e.Logger.Warn("an entity is not refreshed", "entity", r.Key.String(), "exchange", x.ID.String(), "error", err)
	}
}
