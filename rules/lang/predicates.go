package lang

import (
	"math"
	"strconv"

	"github.com/expr-lang/expr/ast"
	"github.com/sidehook/sidehook/webhook"
)

// predicate is one that looks at the change. Its first arguments are paths in
// quotes.
type predicate struct {
	min, max int
	paths    int // how many arguments are paths; < 0: all
	usage    string
	run      func(f *frame, c *Change, paths []Path, v any) any
	empty    func() any // what it is where nothing is compared, as on a delete
}

func no() any      { return false }
func nothing() any { return []any{} }

var predicates = map[string]predicate{
	"changed":      {1, -1, -1, `changed("status")`, changed, no},
	"became":       {2, 2, 1, `became("status", "done")`, became, no},
	"was":          {2, 2, 1, `was("status", "open")`, was, no},
	"added":        {1, 2, 1, `added("labels") or added("labels", "urgent")`, added, no},
	"removed":      {1, 2, 1, `removed("labels") or removed("labels", "urgent")`, removed, no},
	"additions":    {1, 1, 1, `additions("labels")`, additions, nothing},
	"removals":     {1, 1, 1, `removals("labels")`, removals, nothing},
	"increased":    {1, 1, 1, `increased("budget")`, moved(+1), no},
	"decreased":    {1, 1, 1, `decreased("budget")`, moved(-1), no},
	"crossed":      {2, 2, 1, `crossed("stock", 10)`, crossed(true, true), no},
	"crossed_up":   {2, 2, 1, `crossed_up("budget.used", 100)`, crossed(true, false), no},
	"crossed_down": {2, 2, 1, `crossed_down("stock", 10)`, crossed(false, true), no},
}

// none stands for the second argument that was not given.
type none struct{}

func (c *compiler) predicate(n *ast.CallNode, name string, p predicate) (node, error) {
	if !c.env.predicates() {
		return nil, errorAt(n, "%s() looks at a change, and there is none in %s: write it in a rule (emit … when %s), or on_change in a subscription", name, c.env, p.usage)
	}
	if len(n.Arguments) < p.min || p.max >= 0 && len(n.Arguments) > p.max {
		return nil, errorAt(n, "%s takes %s, not %d: write %s", name, howMany(p.min, p.max), len(n.Arguments), p.usage)
	}
	count := p.paths
	if count < 0 {
		count = len(n.Arguments)
	}
	paths := make([]Path, count)
	for i := range paths {
		lit, ok := n.Arguments[i].(*ast.StringNode)
		if !ok {
			return nil, errorAt(n.Arguments[i], "%s wants a path in quotes, as seen from the entity: write %s", name, p.usage)
		}
		if err := checkArgument(name, lit.Value); err != nil {
			return nil, errorAt(lit, "%w", err)
		}
		var err error
		if paths[i], err = ParsePath(lit.Value); err != nil {
			return nil, errorAt(lit, "%s: %w", name, err)
		}
	}
	value := constant(none{})
	if len(n.Arguments) > count {
		var err error
		if value, err = c.compile(n.Arguments[count]); err != nil {
			return nil, err
		}
	}
	c.expr.compares = true
	return func(f *frame) any {
		change := f.change
		if change == nil || change.Operation != webhook.Created && change.Operation != webhook.Updated {
			return p.empty()
		}
		return p.run(f, change, paths, plain(value(f)))
	}, nil
}

// absent is the state of a path at which there is nothing.
type absent struct{}

// at returns what doc has at p: a value, Unknown, or absent.
func at(doc any, p Path) any {
	if doc == nil {
		return absent{}
	}
	rest := p.text
	for range p.names {
		var part string
		part, rest = cutPath(rest)
		name := unescapeName(part)
		if d, ok := doc.(Document); ok {
			if doc, ok = d.Member(name); !ok {
				return absent{}
			}
			continue
		}
		switch v := plain(doc).(type) {
		case unknown:
			return v
		case map[string]any:
			next, ok := v[name]
			if !ok {
				return absent{}
			}
			doc = next
		case []any:
			i, ok := index(name)
			if !ok || i >= len(v) {
				return absent{}
			}
			doc = v[i]
		default:
			return absent{}
		}
	}
	return plain(doc)
}

func changed(f *frame, c *Change, paths []Path, _ any) any {
	if c.Operation == webhook.Created {
		return false
	}
	t := False
	for _, p := range paths {
		if t = t.Or(differs(f, c, at(c.Before, p), at(c.After, p), p, p)); t == True {
			break
		}
	}
	return t.value()
}

// is reports whether a state is v; nil is null and absent.
func is(f *frame, state, v any) Truth {
	_, gone := state.(absent)
	switch {
	case IsUnknown(state) || IsUnknown(v):
		return Undecided
	case v == nil:
		return truthOf(gone || state == nil)
	case gone || state == nil:
		return False
	}
	return same(state, v, f)
}

func became(f *frame, c *Change, paths []Path, v any) any {
	now := is(f, at(c.After, paths[0]), v)
	if c.Operation == webhook.Created || now == False {
		return now.value()
	}
	return now.And(is(f, at(c.Before, paths[0]), v).Not()).value()
}

func was(f *frame, c *Change, paths []Path, v any) any {
	return is(f, at(c.Before, paths[0]), v).value()
}

// moved reports whether a number grew (+1) or shrank (-1).
func moved(sign int) func(*frame, *Change, []Path, any) any {
	return func(_ *frame, c *Change, paths []Path, _ any) any {
		if c.Operation == webhook.Created {
			return false
		}
		b, a := number(at(c.Before, paths[0])), number(at(c.After, paths[0]))
		if b == nil || a == nil {
			return false
		}
		return side(a, b, sign).value()
	}
}

// crossed reports whether a number reached or passed a bound, from below (up)
// or from above (down): before was on that side of it, after is not.
func crossed(up, down bool) func(*frame, *Change, []Path, any) any {
	return func(f *frame, c *Change, paths []Path, v any) any {
		if c.Operation == webhook.Created {
			return false
		}
		b, a, n := number(at(c.Before, paths[0])), number(at(c.After, paths[0])), number(v)
		if a == nil || b == nil || n == nil {
			return false
		}
		t := False
		if up {
			t = t.Or(side(b, n, -1).And(side(a, n, -1).Not()))
		}
		if down {
			t = t.Or(side(b, n, +1).And(side(a, n, +1).Not()))
		}
		return t.value()
	}
}

// side reports whether v is below (-1) or above (+1) n.
func side(v, n any, want int) Truth {
	if IsUnknown(v) || IsUnknown(n) {
		return Undecided
	}
	c, ok := compareNumbers(v, n)
	return truthOf(ok && c == want)
}

// number reads a number or a numeric string like "43.75"; nil is neither, and
// Unknown stays.
func number(v any) any {
	switch v := v.(type) {
	case int64, float64, unknown:
		return v
	case string:
		return parseText(v)
	}
	return nil
}

// parseText reads a string as JSON writes a number, or returns nil.
func parseText(s string) any {
	d := decoder{src: []byte(s)}
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || len(s) > 400 {
		return nil
	}
	v := d.number()
	if d.err != nil || d.at != len(s) {
		return nil
	}
	if _, big := v.(string); big {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(x, 0) {
			return nil
		}
		return x
	}
	return v
}
