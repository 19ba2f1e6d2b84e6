package rules

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// apply adds related values and attributes.
func (d *deriver) apply(x *extras, e *webhook.Event, v *changeVars) error {
	for _, n := range x.related {
		raw, err := v.json(n.expr)
		if err != nil {
			return err
		}
		r := webhook.Related{Name: n.name, Value: raw, Resource: n.resource}
		if n.resource != "" {
			r.ID = d.p.IDIn(n.resource, raw)
		}
		e.Related = append(e.Related, r)
	}
	if len(x.attributes) == 0 {
		return nil
	}
	raw, err := x.attributes.Append(nil, func(dst []byte, x *lang.Expr) ([]byte, error) {
		raw, err := v.json(x)
		return append(dst, raw...), err
	})
	e.Attrs = raw
	return err
}

// varsOf returns what rules see of a change.
func (d *deriver) varsOf(ch *change) *changeVars {
	v := &d.vars
	*v = changeVars{callVars: d.call.vars, operation: ch.op, key: ch.s.Key, item: ch.s.item, itemTree: ch.s.itemTree}
	v.before = side{absent: ch.op == webhook.Created, tree: ch.b.body, unknown: slices.Concat(ch.b.unknown, ch.unknown)}
	v.after = side{absent: ch.o.gone, tree: ch.o.body, unknown: ch.o.unknown}
	v.tenant, _ = d.tenant(ch)
	return v
}

// worked is what all events of one change share.
type worked struct {
	before, after json.RawMessage
	changes       []webhook.FieldChange
	source        webhook.Source // of before
	age           time.Duration  // of before
	tenant, actor string
	unowned       bool
	unknown       []string

	left string // the tenant whose the entity is no more; "": none
}

func (d *deriver) work(ch *change) *worked {
	w := &ch.worked
	if ch.isWorked {
		return w
	}
	b := &ch.b
	w.after, w.changes = ch.after(), ch.fields
	w.tenant, w.unowned = d.tenant(ch)
	w.unknown = slices.Concat(b.unknown, ch.unknown, ch.o.unknown)
	if left, ok := d.leaves(ch, w.tenant); ok {
		b, w.left, w.changes, w.unknown = &state{source: webhook.FromNone}, left, nil, slices.Clone(ch.o.unknown)
	}
	w.before, w.source, w.age = b.body.JSON(), b.source, b.age
	w.unknown = eachOnce(w.unknown)
	if d.e.res.actor != nil {
		v := &changeVars{callVars: d.call.vars, operation: ch.op, key: ch.s.Key, tenant: w.tenant}
		v.before, v.after = side{tree: b.body}, side{tree: ch.o.body}
		w.actor = d.call.vars.actorOf(v)
	}
	ch.isWorked = true
	return w
}

// event returns an event of scope for the change.
func (d *deriver) event(ch *change, scope, element string) webhook.Event {
	w := d.work(ch)
	return webhook.Event{
		ID:    webhook.NewEventID(d.x.ID, ch.s.Key, scope, element),
		Scope: scope, Key: ch.s.Key, Exchange: d.x.ID, Cause: d.x.Cause, Time: d.x.Ended,
		Operation: ch.op, Before: w.before, After: w.after, Changes: w.changes,
		Tenant: w.tenant, Unowned: w.unowned, Actor: w.actor,
		Params: d.m.params, SkipKey: d.x.Request.SkipKey, DryRun: d.p.dryRun,
		Request: webhook.EventRequest{
			ID: d.x.Request.ID, Method: d.m.effective(&d.x.Request), Path: d.x.Request.Path, Trace: d.x.Request.Trace,
		},
		Provenance: webhook.Provenance{
			Before: w.source, BeforeAge: w.age, After: ch.o.via, Confidence: ch.o.confidence,
			Unknown: w.unknown, Concurrent: ch.concurrent,
		},
	}
}
