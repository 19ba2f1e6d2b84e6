package rules

import (
	"strconv"

	"github.com/sidehook/sidehook/webhook"
)

// items earns the events of a route outside every resource.
func (d *deriver) items(items []item) error {
	for i := range items {
		for _, r := range items[i].line.rules {
			if err := d.called(&items[i], r); err != nil {
				return err
			}
		}
	}
	d.distinct(0)
	return nil
}

// called considers r for one item.
func (d *deriver) called(it *item, r *rule) error {
	ch := &change{
		s: &Subject{Key: d.key(""), Kind: Call, item: it.value, itemTree: it.tree}, snap: &webhook.Snapshot{}, op: webhook.Called,
		b: unknownBefore, o: outcome{via: webhook.FromResponse, confidence: webhook.Observed},
	}
	if it.line.each != nil && !readsResponse(it.line.each) {
		ch.o.via = webhook.FromRequest
	}
	ch.s.Key.Resource = fillScope(parentScope(r.scope), d.m.params)
	v := &changeVars{callVars: d.call.vars, operation: webhook.Called, key: ch.s.Key, item: it.value, itemTree: it.tree}
	v.after = side{tree: it.tree, absent: it.tree == nil}
	v.tenant, _ = d.tenant(ch)
	if err := d.name(ch, v, it); err != nil {
		return err
	}
	g := &earner{d: d, ch: ch, v: v, told: v, element: strconv.Itoa(it.index)}
	d.trace.item(ch)
	var err error
	if r.each != nil {
		err = g.elements(r)
	} else {
		err = g.consider(r.scope, r.when, r.id, &g.element, &r.extras)
	}
	return err
}

// name gives an item its id: the line's, else the exchange and its index.
func (d *deriver) name(ch *change, v *changeVars, it *item) error {
	ch.s.Key.ID = d.x.ID.String() + "-" + strconv.Itoa(it.index)
	if it.line.id != nil {
		got, err := it.line.id.Eval(v, v.change())
		if err != nil {
			return err
		}
		if text := textOf(got); text != "" {
			ch.s.Key.ID = text
		}
	}
	v.key = ch.s.Key
	return nil
}
