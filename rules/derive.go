package rules

import (
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Derived is what comes of one exchange.
type Derived struct {
	Snapshots []webhook.Snapshot
	Events    []webhook.Event

	// NoChange counts subjects that were as they had been, but for ignored
	// fields that earned nothing.
	NoChange int

	// Repeats is the exchange of which this one is a repeat, by its
	// Idempotency-Key; zero: it is none. A repeat changes nothing.
	Repeats webhook.ExchangeID

	// Refresh are the entities that the exchange may have changed too.
	Refresh []Refreshed

	// Skipped says in words what was not earned because it could not be judged.
	Skipped []string
}

// Derive computes the consequences of x. before are the snapshots of
// plan.Keys, in their order; after what was seen of them since, as far as
// there is anything (it may be shorter). An error means that a rule cannot be
// worked out on this exchange, now or ever.
func (p *Program) Derive(x *webhook.Exchange, plan *Plan, before []webhook.Snapshot, after []Seen) (Derived, error) {
	return p.derive(x, plan, before, after, nil)
}

func (p *Program) derive(x *webhook.Exchange, plan *Plan, before []webhook.Snapshot, after []Seen, t *tracer) (Derived, error) {
	var out Derived
	if plan.Nothing != "" || plan.call == nil {
		return out, nil
	}
	entities := len(plan.Subjects)
	lanes := entities
	if plan.repeat != (webhook.EntityKey{}) {
		lanes++
	}
	first := lanes // of the snapshots that other names lead to
	for i := range plan.Subjects {
		lanes += len(plan.Subjects[i].names)
	}
	if len(before) != lanes {
		return out, fmt.Errorf("derive %s: %d snapshots for %d lanes", x.ID, len(before), lanes)
	}
	if first > entities {
		if plan.repeats(&before[entities]) {
			out.Repeats = before[entities].Exchange
			return out, nil
		}
	}
	d := &deriver{call: plan.call, out: &out, alone: len(plan.Subjects) == 1, trace: t}
	for i := range plan.Subjects {
		seen := Seen{}
		if i < len(after) {
			seen = after[i]
		}
		seen.Concurrent = seen.Concurrent || x.Overlapped
		plan.call.bare = seen.Bare
		n, events := len(plan.Subjects[i].names), len(out.Events)
		names := before[first : first+n]
		first += n
		if err := d.named(&plan.Subjects[i], d.latest(plan, before, i), names, seen); err != nil {
			return Derived{}, fmt.Errorf("derive %s: %w", x.ID, err)
		}
		if err := d.refreshAll(&d.change, len(out.Events)-events); err != nil {
			return Derived{}, fmt.Errorf("derive %s: %w", x.ID, err)
		}
		t.end(d)
		d.call = plan.call
	}
	if err := d.items(plan.items); err != nil {
		return Derived{}, fmt.Errorf("derive %s: %w", x.ID, err)
	}
	d.miss(plan.Gap)
	d.tellUnnamed()
	if d.missed != nil {
		d.resourceGap(d.missed)
	}
	if plan.repeat != (webhook.EntityKey{}) && plan.done(&out) {
		out.Snapshots = append(out.Snapshots, plan.remember())
	}
	return out, nil
}

// deriver works on one exchange, one subject after the other.
type deriver struct {
	*call
	out   *Derived
	alone bool

	missed  *webhook.Gap // of the resource
	unnamed []string     // ids of which it is not known that they are those of what was made

	aliased bool    // some of several subjects go by another name than their entity's
	trace   *tracer // nil: nobody asks why

	change change
	vars   changeVars
	earner earner
}
