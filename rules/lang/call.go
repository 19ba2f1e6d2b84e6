package lang

import (
	"fmt"
	"maps"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// function is one that expressions may call. Arguments that are or contain
// something unknown make the result unknown; run never sees them.
type function struct {
	min, max int // number of arguments; max < 0: any
	usage    string
	run      func(f *frame, args []any) any
}

// decideUnknown are the functions whose run sees unknown arguments too.
var decideUnknown = map[string]bool{"meets": true}

func (c *compiler) call(n *ast.CallNode) (node, error) {
	if m, ok := n.Callee.(*ast.MemberNode); ok && m.Method {
		return nil, errorAt(n, "values have no methods: write a function, like lower(entity.name)")
	}
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return nil, errorAt(n, "only functions can be called, by their name: lower(entity.name)")
	}
	if p, ok := predicates[callee.Value]; ok {
		return c.predicate(n, callee.Value, p)
	}
	fn, ok := functions[callee.Value]
	if !ok {
		return nil, errorAt(n, "%w", noFunction(callee.Value))
	}
	if len(n.Arguments) < fn.min || fn.max >= 0 && len(n.Arguments) > fn.max {
		return nil, errorAt(n, "%s takes %s, not %d: write %s", callee.Value, howMany(fn.min, fn.max), len(n.Arguments), fn.usage)
	}
	args, err := c.all(n.Arguments)
	if err != nil {
		return nil, err
	}
	asItIs := decideUnknown[callee.Value]
	return func(f *frame) any {
		values := make([]any, len(args))
		for i, a := range args {
			if values[i] = a(f); asItIs {
				continue
			}
			values[i] = plain(values[i])
			if hasUnknown(values[i], f) {
				return Unknown
			}
		}
		return fn.run(f, values)
	}, nil
}

func noFunction(name string) error {
	switch name {
	case "now", "date", "duration", "timezone":
		return fmt.Errorf("there is no function %s: expressions have no clock, so that an exchange derived again gives the same events", name)
	case "reduce":
		return fmt.Errorf("there is no function reduce: write sum, count, map, filter or join")
	}
	if near := nearest(name, Functions()); near != "" {
		return fmt.Errorf("there is no function %s: did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no function %s", name)
}

// Functions returns the names of all that expressions may call, predicates and
// loops too, sorted.
func Functions() []string {
	names := slices.Concat(slices.Collect(maps.Keys(functions)), slices.Collect(maps.Keys(predicates)), slices.Collect(maps.Keys(loops)))
	slices.Sort(names)
	return names
}

func howMany(lo, hi int) string {
	switch {
	case hi < 0:
		return fmt.Sprintf("at least %s", arguments(lo))
	case lo == hi:
		return arguments(lo)
	}
	return fmt.Sprintf("%d to %s", lo, arguments(hi))
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
