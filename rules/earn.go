package rules

import (
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// earn adds the events of a change: the plain scope or what the route earns
// in its place, then the rules in the order in which they are declared. Two
// that earn one scope for one entity and element earn one event.
func (d *deriver) earn(ch *change) error {
	v := d.varsOf(ch)
	g := &d.earner
	*g = earner{d: d, ch: ch, v: v, told: d.toldOf(ch, v)}
	first := len(d.out.Events)
	plain := fillScope(d.e.res.plain[ch.op], d.m.params)
	byCall := false
	for _, l := range d.e.lines {
		if l.scope == "" {
			continue
		}
		byCall = true
		if err := g.consider(l.scope, l.when, nil, nil, &l.extras); err != nil {
			return err
		}
	}
	front := !byCall && plain != "" && ch.significant
	d.tellPlain(ch, plain, byCall)
	if front {
		e := d.add(ch, plain, "")
		if err := d.apply(&d.e.plain, e, g.told); err != nil {
			return err
		}
	}
	if ch.op != webhook.Deleted && !ch.same {
		instead, err := g.rules()
		if err != nil {
			return err
		}
		if instead && front {
			d.out.Events = slices.Delete(d.out.Events, first, first+1)
			d.trace.dropped(plain)
		}
	} else {
		d.tellIdle(ch)
	}
	d.distinct(first)
	return nil
}

// distinct drops, of the events from first on, those whose id another has
// already.
func (d *deriver) distinct(first int) {
	events := d.out.Events[first:]
	if len(events) < 2 {
		return
	}
	seen := make(map[webhook.EventID]bool, len(events))
	kept := events[:0]
	for i := range events {
		if id := events[i].ID; !seen[id] {
			seen[id] = true
			kept = append(kept, events[i])
		}
	}
	clear(events[len(kept):])
	d.out.Events = d.out.Events[:first+len(kept)]
}

// earner adds the events of one change.
type earner struct {
	d    *deriver
	ch   *change
	v    *changeVars // what conditions see
	told *changeVars // what events are made of: v, unless the state before is not to be told

	element string // outside resources: what tells the item apart, else ""
}

// rules considers the rules of the resource and of the route.
func (g *earner) rules() (instead bool, err error) {
	instead, err = g.all(g.d.e.res.rules)
	for i := 0; i < len(g.d.e.lines) && err == nil; i++ {
		var more bool
		more, err = g.all(g.d.e.lines[i].rules)
		instead = instead || more
	}
	return instead, err
}

// all considers the rules of a list.
func (g *earner) all(list []*rule) (instead bool, err error) {
	for _, r := range list {
		if r.on != "" && r.on != g.ch.op {
			g.tell(r.scope, r.when, nil, false, "it is for what is "+string(r.on)+" only")
			continue
		}
		n := len(g.d.out.Events)
		if r.each != nil {
			err = g.elements(r)
		} else {
			err = g.consider(r.scope, r.when, r.id, nil, &r.extras)
		}
		if err != nil {
			return false, err
		}
		instead = instead || r.instead && len(g.d.out.Events) > n
	}
	return instead, nil
}

// elements considers r for each element of its `each`.
func (g *earner) elements(r *rule) error {
	value, err := r.each.Eval(g.told, g.told.change())
	if err != nil {
		return err
	}
	if lang.IsUnknown(value) {
		if r.emitUnknown {
			g.tell(r.scope, r.when, nil, true, "its `each` depends on something unknown, and `unknown emit` lets it through")
			return g.add(r.scope, r.id, nil, &r.extras)
		}
		g.skip(r.scope, "its `each` depends on something unknown")
		g.tell(r.scope, r.when, nil, false, "its `each` depends on something unknown (`unknown skip`)")
		return nil
	}
	list, ok := listOf(value)
	if !ok && value != nil {
		g.skip(r.scope, "its `each` is no list")
	}
	if len(list) == 0 {
		g.tell(r.scope, r.when, nil, false, "its `each` has no elements")
	}
	trees := g.told.elements(r.each, list)
	for i, e := range list {
		if i >= maxElements {
			g.skip(r.scope, "its `each` has more than "+strconv.Itoa(maxElements)+" elements")
			return nil
		}
		g.at(e, trees[i])
		name := tree.Element(g.v.itemTree, r.eachKey, i)
		if g.element != "" {
			name = g.element + "." + name
		}
		if err := g.consider(r.scope, r.when, r.id, &name, &r.extras); err != nil {
			return err
		}
	}
	g.at(g.ch.s.item, g.ch.s.itemTree)
	return nil
}

// at has rules see an element.
func (g *earner) at(item any, itemTree *tree.Value) {
	g.v.item, g.v.itemTree = item, itemTree
	g.told.item, g.told.itemTree = item, itemTree
}

// consider adds an event of scope if its condition is true, or unknown where
// the rule says emit.
func (g *earner) consider(scope string, when, id *lang.Expr, element *string, x *extras) error {
	if when != nil {
		t, err := when.Truth(g.v, g.v.change())
		switch {
		case err != nil:
			return err
		case t == lang.False:
			g.tell(scope, when, element, false, "its condition is not true")
			return nil
		case t == lang.Undecided && !x.emitUnknown:
			g.skip(scope, "its condition depends on something unknown")
			g.tell(scope, when, element, false, "its condition depends on something unknown (`unknown skip`)")
			return nil
		case t == lang.Undecided:
			g.tell(scope, when, element, true, "its condition depends on something unknown, and `unknown emit` lets it through")
		default:
			g.tell(scope, when, element, true, "its condition is true")
		}
	} else {
		g.tell(scope, nil, element, true, "it has no condition")
	}
	return g.add(scope, id, element, x)
}

// tell takes down a verdict if somebody asks for it.
func (g *earner) tell(scope string, when *lang.Expr, element *string, earned bool, why string) {
	if g.d.trace != nil {
		g.d.trace.judged(fillScope(scope, g.d.m.params), when, element, earned, why)
	}
}

func (g *earner) skip(scope, why string) {
	g.d.out.Skipped = append(g.d.out.Skipped, fillScope(scope, g.d.m.params)+" "+g.ch.s.Key.ID+": "+why)
}

func (g *earner) add(scope string, id *lang.Expr, element *string, x *extras) error {
	name := ""
	if element != nil {
		name = *element
	}
	e := g.d.add(g.ch, fillScope(scope, g.d.m.params), name)
	if element != nil {
		e.Item = g.v.itemTree.JSON()
	}
	if id != nil {
		v, err := id.Eval(g.told, g.told.change())
		if err != nil {
			return err
		}
		if text := textOf(v); text != "" && text != e.Key.ID {
			e.Key.ID = text
			e.ID = webhook.NewEventID(g.d.x.ID, e.Key, e.Scope, name)
			e.Sequence = 0 // of another entity, whose sequence we do not count here
		}
	}
	return g.d.apply(x, e, g.told)
}

// add adds an event of scope to what is derived.
func (d *deriver) add(ch *change, scope, element string) *webhook.Event {
	d.out.Events = append(d.out.Events, d.event(ch, scope, element))
	return &d.out.Events[len(d.out.Events)-1]
}
