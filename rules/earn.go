package rules

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// earn returns the events of a change: the plain scope or what the route earns
// in its place, then the rules in the order in which they are declared. Two
// that earn one scope for one entity and element earn one event.
func (d *deriver) earn(ch *change) ([]webhook.Event, error) {
	v := d.varsOf(ch)
	g := &earner{d: d, ch: ch, v: v}
	plain := fillScope(d.e.res.plain[ch.op], d.m.params)
	byCall := false
	for _, l := range d.e.lines {
		if l.scope == "" {
			continue
		}
		byCall = true
		if err := g.consider(l.scope, l.when, nil, nil, &l.extras); err != nil {
			return nil, err
		}
	}
	var front []webhook.Event
	if !byCall && plain != "" && ch.significant {
		front = append(front, d.event(ch, plain, ""))
	}
	if ch.op != webhook.Deleted && !ch.same {
		instead, err := g.rules()
		if err != nil {
			return nil, err
		}
		if instead {
			front = nil
		}
	}
	return distinct(append(front, g.events...)), nil
}

// distinct drops events whose id another has already.
func distinct(events []webhook.Event) []webhook.Event {
	seen := make(map[webhook.EventID]bool, len(events))
	return slices.DeleteFunc(events, func(e webhook.Event) bool {
		again := seen[e.ID]
		seen[e.ID] = true
		return again
	})
}

// earner collects the events of one change.
type earner struct {
	d      *deriver
	ch     *change
	v      *changeVars
	events []webhook.Event
}

// rules considers the rules of the resource and of the route.
func (g *earner) rules() (instead bool, err error) {
	lists := make([][]*rule, 0, 1+len(g.d.e.lines))
	lists = append(lists, g.d.e.res.rules)
	for _, l := range g.d.e.lines {
		lists = append(lists, l.rules)
	}
	for _, list := range lists {
		for _, r := range list {
			if r.on != "" && r.on != g.ch.op {
				continue
			}
			n := len(g.events)
			if r.each != nil {
				err = g.elements(r)
			} else {
				err = g.consider(r.scope, r.when, r.id, nil, &r.extras)
			}
			if err != nil {
				return false, err
			}
			instead = instead || r.instead && len(g.events) > n
		}
	}
	return instead, nil
}

// elements considers r for each element of its `each`.
func (g *earner) elements(r *rule) error {
	value, err := r.each.Eval(g.v, g.v.change())
	if err != nil {
		return err
	}
	if lang.IsUnknown(value) {
		if r.emitUnknown {
			return g.add(r.scope, r.id, nil, &r.extras)
		}
		g.skip(r.scope, "its `each` depends on something unknown")
		return nil
	}
	list, _ := value.([]any)
	for i, e := range list {
		if i >= maxElements {
			g.skip(r.scope, "its `each` has more than "+strconv.Itoa(maxElements)+" elements")
			return nil
		}
		g.v.item, g.v.itemTree = e, toTree(e)
		name := tree.Element(g.v.itemTree, r.eachKey, i)
		if err := g.consider(r.scope, r.when, r.id, &name, &r.extras); err != nil {
			return err
		}
	}
	g.v.item, g.v.itemTree = g.ch.s.item, nil
	return nil
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
			return nil
		case t == lang.Undecided && !x.emitUnknown:
			g.skip(scope, "its condition depends on something unknown")
			return nil
		}
	}
	return g.add(scope, id, element, x)
}

func (g *earner) skip(scope, why string) {
	g.d.out.Skipped = append(g.d.out.Skipped, fillScope(scope, g.d.m.params)+" "+g.ch.s.Key.ID+": "+why)
}

func (g *earner) add(scope string, id *lang.Expr, element *string, x *extras) error {
	name := ""
	if element != nil {
		name = *element
	}
	e := g.d.event(g.ch, fillScope(scope, g.d.m.params), name)
	if element != nil {
		e.Item = g.v.itemTree.JSON()
	}
	if id != nil {
		v, err := id.Eval(g.v, g.v.change())
		if err != nil {
			return err
		}
		if text := textOf(v); text != "" && text != e.Key.ID {
			e.Key.ID = text
			e.ID = webhook.NewEventID(g.d.x.ID, e.Key, e.Scope, name)
			e.Sequence = 0 // of another entity, whose sequence we do not count here
		}
	}
	if err := x.apply(&e, g.v); err != nil {
		return err
	}
	g.events = append(g.events, e)
	return nil
}

// apply adds related values and attributes.
func (x *extras) apply(e *webhook.Event, v *changeVars) error {
	for _, n := range x.related {
		raw, err := v.json(n.expr)
		if err != nil {
			return err
		}
		e.Related = append(e.Related, webhook.Related{Name: n.name, Value: raw})
	}
	if len(x.attributes) == 0 {
		return nil
	}
	raw, err := v.object(nil, x.attributes)
	e.Attrs = raw
	return err
}

// object appends fields as a JSON object, in their order.
func (v *changeVars) object(dst []byte, fields []field) (_ json.RawMessage, err error) {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(lang.AppendString(dst, f.key), ':')
		if f.expr == nil {
			if dst, err = v.object(dst, f.fields); err != nil {
				return nil, err
			}
			continue
		}
		raw, err := v.json(f.expr)
		if err != nil {
			return nil, err
		}
		dst = append(dst, raw...)
	}
	return append(dst, '}'), nil
}

// varsOf returns what rules see of a change.
func (d *deriver) varsOf(ch *change) *changeVars {
	v := &changeVars{callVars: d.vars, operation: ch.op, key: ch.s.Key, item: ch.s.item}
	v.before = side{absent: ch.op == webhook.Created, tree: ch.b.body, unknown: slices.Concat(ch.b.unknown, ch.unknown)}
	v.after = side{absent: ch.o.gone, tree: ch.o.body, unknown: ch.o.unknown}
	v.tenant, _ = d.tenant(ch)
	return v
}

// tenant returns the tenant that may see the change, and whether one is wanted
// and was not found.
func (d *deriver) tenant(ch *change) (tenant string, unowned bool) {
	t := d.e.res.tenant
	if t == nil {
		return "", false
	}
	if !t.ofEntity {
		tenant = d.vars.keyTenant()
		return tenant, tenant == ""
	}
	v := &changeVars{callVars: d.vars, operation: ch.op, key: ch.s.Key}
	v.before = side{absent: ch.op == webhook.Created, tree: ch.b.body, unknown: ch.b.unknown}
	v.after = side{absent: ch.o.gone, tree: ch.o.body, unknown: ch.o.unknown}
	if tenant = t.text(v, d.x.Placeholders); tenant == "" {
		tenant = ch.snap.Tenant
	}
	return tenant, tenant == ""
}

// worked is what all events of one change share.
type worked struct {
	before, after json.RawMessage
	tenant, actor string
	unowned       bool
	unknown       []string
}

func (d *deriver) work(ch *change) *worked {
	if ch.worked != nil {
		return ch.worked
	}
	w := &worked{before: ch.b.body.JSON(), after: ch.o.body.JSON()}
	w.tenant, w.unowned = d.tenant(ch)
	w.unknown = slices.Concat(ch.b.unknown, ch.unknown, ch.o.unknown)
	slices.Sort(w.unknown)
	w.unknown = slices.Compact(w.unknown)
	v := &changeVars{callVars: d.vars, operation: ch.op, key: ch.s.Key, tenant: w.tenant}
	v.before, v.after = side{tree: ch.b.body}, side{tree: ch.o.body}
	w.actor = d.vars.actorOf(v)
	ch.worked = w
	return w
}

// event returns an event of scope for the change.
func (d *deriver) event(ch *change, scope, element string) webhook.Event {
	w := d.work(ch)
	return webhook.Event{
		ID:    webhook.NewEventID(d.x.ID, ch.s.Key, scope, element),
		Scope: scope, Key: ch.s.Key, Exchange: d.x.ID, Time: d.x.Ended,
		Operation: ch.op, Before: w.before, After: w.after, Changes: ch.fields,
		Tenant: w.tenant, Unowned: w.unowned, Actor: w.actor,
		Params: d.m.params, SkipKey: d.x.Request.SkipKey, DryRun: d.p.dryRun,
		Request: webhook.EventRequest{
			ID: d.x.Request.ID, Method: d.p.method(&d.x.Request), Path: d.x.Request.Path, Trace: d.x.Request.Trace,
		},
		Provenance: webhook.Provenance{
			Before: ch.b.source, BeforeAge: ch.b.age, After: ch.o.via, Confidence: ch.o.confidence,
			Unknown: w.unknown, Concurrent: ch.concurrent,
		},
	}
}

// items earns the events of a route outside every resource.
func (d *deriver) items(items []item) error {
	for _, it := range items {
		ch := &change{
			s: &Subject{Key: d.key(""), Kind: Call, item: it.value}, snap: &webhook.Snapshot{}, op: webhook.Called,
			b: state{source: webhook.FromNone}, o: outcome{via: webhook.FromResponse, confidence: webhook.Observed},
		}
		if it.line.each != nil && !readsResponse(it.line.each) {
			ch.o.via = webhook.FromRequest
		}
		ch.s.Key.Resource = fillScope(parentScope(it.line.scope), d.m.params)
		v := &changeVars{callVars: d.vars, operation: webhook.Called, key: ch.s.Key, item: it.value, itemTree: it.tree}
		v.after = side{tree: it.tree, absent: it.tree == nil}
		v.tenant, _ = d.tenant(ch)
		if err := d.name(ch, v, it); err != nil {
			return err
		}
		g := &earner{d: d, ch: ch, v: v}
		element := strconv.Itoa(it.index)
		if err := g.consider(it.line.scope, it.line.when, nil, &element, &it.line.extras); err != nil {
			return err
		}
		for _, r := range it.line.rules {
			if err := g.consider(r.scope, r.when, r.id, &element, &r.extras); err != nil {
				return err
			}
		}
		d.out.Events = append(d.out.Events, g.events...)
	}
	d.out.Events = distinct(d.out.Events)
	return nil
}

// name gives an item its id: the line's, else the exchange and its index.
func (d *deriver) name(ch *change, v *changeVars, it item) error {
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
