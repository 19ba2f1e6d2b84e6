package rules

import (
	"cmp"
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// tenant returns the tenant that may see the change, and whether one is wanted
// and was not found.
func (d *deriver) tenant(ch *change) (tenant string, unowned bool) {
	t := d.e.res.tenant
	if t == nil {
		return "", false
	}
	if !t.ofEntity {
		tenant = d.call.vars.keyTenant()
		return tenant, tenant == ""
	}
	v := &changeVars{callVars: d.call.vars, operation: ch.op, key: ch.s.Key}
	v.before = side{absent: ch.op == webhook.Created, tree: ch.b.body, unknown: ch.b.unknown}
	v.after = side{absent: ch.o.gone, tree: ch.o.body, unknown: ch.o.unknown}
	if ch.op == webhook.Called {
		v.after = side{absent: ch.s.itemTree == nil, tree: ch.s.itemTree}
	}
	if tenant = t.text(v, d.x.Placeholders); tenant == "" {
		tenant = ch.snap.Tenant
	}
	return tenant, tenant == ""
}

// leaves reports whether what was known of the entity is not for the tenant that it
// has now: it was another's, which is left, or nobody knows whose. No tenant is
// told what another one had.
func (d *deriver) leaves(ch *change, now string) (left string, ok bool) {
	t := d.e.res.tenant
	if t == nil || !t.ofEntity || now == "" || ch.op != webhook.Updated && ch.op != webhook.Missed {
		return "", false
	}
	if ch.b.body != nil {
		v := &changeVars{callVars: d.call.vars, operation: ch.op, key: ch.s.Key}
		v.before = side{tree: ch.b.body, unknown: ch.b.unknown}
		v.after = v.before
		left = t.text(v, d.x.Placeholders)
	}
	left = cmp.Or(left, ch.snap.Tenant)
	return left, left != now && (left != "" || ch.b.body != nil)
}

// toldOf returns v without what the tenant that the change is told to is not to see.
func (d *deriver) toldOf(ch *change, v *changeVars) *changeVars {
	if _, ok := d.leaves(ch, v.tenant); !ok {
		return v
	}
	told := *v
	told.before, told.compared = side{}, nil
	return &told
}

// tellLeft tells the tenant whose the entity was, if it is another's now, that it
// is not told there any more what becomes of it.
func (d *deriver) tellLeft(ch *change) {
	left := d.work(ch).left
	if left == "" {
		return
	}
	own := *ch
	own.op = webhook.Missed
	e := d.event(&own, d.gapScope(d.e.res.name), "left") // an element, to be another event than a gap for the new tenant
	e.Before, e.After, e.Changes, e.Tenant, e.Provenance.Unknown = nil, nil, nil, left, nil
	e.Gap = d.gap(webhook.GapUnknownState, fmt.Sprintf("%s %s made it another tenant's: what it is, and what becomes of it, is told there only",
		d.x.Request.Method, d.x.Request.Path))
	d.out.Events = append(d.out.Events, e)
}
