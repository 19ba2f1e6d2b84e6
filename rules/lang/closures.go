package lang

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

func (c *compiler) pointer(n *ast.PointerNode) (node, error) {
	at := c.depth - 1
	if at < 0 {
		return nil, errorAt(n, "# stands for an element only inside any(), filter() and the like")
	}
	switch n.Name {
	case "":
		return func(f *frame) any { return f.scopes[at].item }, nil
	case "index":
		return func(f *frame) any { return int64(f.scopes[at].index) }, nil
	}
	return nil, errorAt(n, "there is no #%s: write # for the element, or #index", n.Name)
}

// loop is a closure over a list: each judges one element.
type loop struct {
	list, each node // each is nil if the call has none
	rest       node // third argument, or nil
	at         int  // its scope
	weight     int  // nodes in each
}

// closure compiles any(list, predicate) and its like. A list that is null, or
// no list, is empty; what depends on an unknown is unknown.
func (c *compiler) closure(n *ast.BuiltinNode) (node, error) {
	run, ok := loops[n.Name]
	if !ok || len(n.Arguments) == 0 {
		return nil, errorAt(n, "there is no function %s", n.Name)
	}
	l := loop{at: c.depth}
	var err error
	if l.list, err = c.compile(n.Arguments[0]); err != nil {
		return nil, err
	}
	before := c.nodes
	if len(n.Arguments) > 1 {
		if l.each, err = c.body(n.Arguments[1]); err != nil {
			return nil, err
		}
	}
	l.weight = c.nodes - before + 1
	if len(n.Arguments) > 2 {
		if l.rest, err = c.compile(n.Arguments[2]); err != nil {
			return nil, err
		}
	}
	return func(f *frame) any {
		switch list := l.list(f).(type) {
		case unknown:
			return list
		case []any:
			return run(f, &l, list)
		}
		return run(f, &l, []any{})
	}, nil
}

func (c *compiler) body(n ast.Node) (node, error) {
	if p, ok := n.(*ast.PredicateNode); ok {
		n = p.Node
	}
	c.depth++
	c.expr.scopes = max(c.expr.scopes, c.depth)
	defer func() { c.depth-- }()
	return c.compile(n)
}

// on evaluates the closure on element i; without a closure it is the element.
func (l *loop) on(f *frame, list []any, i int) any {
	if !f.spend(l.weight) {
		return Unknown
	}
	if l.each == nil {
		return list[i]
	}
	s := &f.scopes[l.at]
	s.item, s.index = list[i], i
	return l.each(f)
}

// tally counts the elements for which the closure is true, and undecided.
func (l *loop) tally(f *frame, list []any, stop func(yes, maybe int) bool) (yes, maybe int) {
	for i := range list {
		switch truthy(l.on(f, list, i)) {
		case True:
			yes++
		case Undecided:
			maybe++
		}
		if stop != nil && stop(yes, maybe) {
			break
		}
	}
	return yes, maybe
}

var loops = map[string]func(f *frame, l *loop, list []any) any{
	"any": func(f *frame, l *loop, list []any) any {
		return l.exists(f, list).value()
	},
	"none": func(f *frame, l *loop, list []any) any {
		return l.exists(f, list).Not().value()
	},
	"all":           all,
	"one":           one,
	"count":         count,
	"filter":        filter,
	"map":           mapped,
	"sum":           sum,
	"find":          func(f *frame, l *loop, list []any) any { return found(f, l, list, false, false) },
	"findIndex":     func(f *frame, l *loop, list []any) any { return found(f, l, list, false, true) },
	"findLast":      func(f *frame, l *loop, list []any) any { return found(f, l, list, true, false) },
	"findLastIndex": func(f *frame, l *loop, list []any) any { return found(f, l, list, true, true) },
	"groupBy":       groupBy,
	"sortBy":        sortBy,
}

func (l *loop) exists(f *frame, list []any) Truth {
	yes, maybe := l.tally(f, list, func(yes, _ int) bool { return yes > 0 })
	if yes == 0 && maybe > 0 {
		return Undecided
	}
	return truthOf(yes > 0)
}

func all(f *frame, l *loop, list []any) any {
	t := True
	for i := range list {
		if t = t.And(truthy(l.on(f, list, i))); t == False {
			break
		}
	}
	return t.value()
}

func one(f *frame, l *loop, list []any) any {
	yes, maybe := l.tally(f, list, func(yes, _ int) bool { return yes > 1 })
	if yes < 2 && maybe > 0 {
		return Unknown
	}
	return yes == 1
}

func count(f *frame, l *loop, list []any) any {
	yes, maybe := l.tally(f, list, nil)
	if maybe > 0 {
		return Unknown
	}
	return int64(yes)
}

func filter(f *frame, l *loop, list []any) any {
	out := []any{}
	for i := range list {
		switch truthy(l.on(f, list, i)) {
		case True:
			out = append(out, list[i])
		case Undecided:
			return Unknown
		}
	}
	return out
}

func mapped(f *frame, l *loop, list []any) any {
	out := make([]any, 0, len(list))
	for i := range list {
		out = append(out, plain(l.on(f, list, i)))
	}
	return out
}

func sum(f *frame, l *loop, list []any) any {
	var total any = int64(0)
	for i := range list {
		if total = arithmetic(f, "+", total, l.on(f, list, i)); total == nil {
			return nil
		}
	}
	return total
}

// found returns the first element (or the last, or its index) that the closure
// holds for.
func found(f *frame, l *loop, list []any, backward, wantIndex bool) any {
	for n := range list {
		i := n
		if backward {
			i = len(list) - 1 - n
		}
		switch truthy(l.on(f, list, i)) {
		case True:
			if wantIndex {
				return int64(i)
			}
			return list[i]
		case Undecided:
			return Unknown
		}
	}
	return nil
}

// groupBy returns an object of lists; the keys are texts.
func groupBy(f *frame, l *loop, list []any) any {
	out := map[string]any{}
	for i := range list {
		key := f.text(l.on(f, list, i))
		if IsUnknown(key) {
			return Unknown
		}
		k, _ := key.(string)
		group, _ := out[k].([]any)
		out[k] = append(group, list[i])
	}
	return out
}

// sortBy is stable; what has no order comes last.
func sortBy(f *frame, l *loop, list []any) any {
	direction := 1
	if l.rest != nil && l.rest(f) == "desc" {
		direction = -1
	}
	type pair struct{ key, item any }
	pairs := make([]pair, len(list))
	for i := range list {
		pairs[i] = pair{l.on(f, list, i), list[i]}
		if IsUnknown(pairs[i].key) {
			return Unknown
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return rank(f, a.key, b.key) * direction })
	out := make([]any, len(pairs))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out
}

// rank orders any two values: numbers, then strings, then the rest as one.
func rank(f *frame, a, b any) int {
	f.spend(1)
	ca, cb := class(a), class(b)
	if ca != cb {
		return ca - cb
	}
	c, _ := compare(f, a, b)
	return c
}

func class(v any) int {
	switch v.(type) {
	case int64, float64:
		return 0
	case string:
		return 1
	}
	return 2
}
