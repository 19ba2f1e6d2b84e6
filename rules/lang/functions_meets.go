package lang

import (
	"maps"
	"slices"
	"strings"
)

// meets reports whether an object meets all conditions: an object too, of paths
// and the value, or the values one of which is wanted there. A third argument
// names operators other than eq, by the same paths. Conditions that are no
// object, and operators that there are not, make null.
func meets(f *frame, a []any) any {
	conditions, operators := plain(a[1]), any(nil)
	if len(a) > 2 {
		operators = plain(a[2])
	}
	if hasUnknown(conditions, f) || hasUnknown(operators, f) {
		return Unknown
	}
	wanted, ok := conditions.(map[string]any)
	if !ok && conditions != nil {
		return nil
	}
	named, ok := operators.(map[string]any)
	if !ok && operators != nil {
		return nil
	}
	met := True
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		test, ok := meetings[textOr(named[path], "eq")]
		if !ok {
			return nil
		}
		p, err := ParsePath(path)
		if err != nil {
			return nil
		}
		met = met.And(test(f, reach(f, a[0], p), wanted[path]))
	}
	return met.value()
}

// textOr returns v if it is a text, other if it is null, else what is no operator.
func textOr(v any, other string) string {
	if v == nil {
		return other
	}
	text, _ := v.(string)
	return text
}

// reach returns what p leads to in v, null if to nothing, looking at no more of v
// than that.
func reach(f *frame, v any, p Path) any {
	for _, name := range p.Names() {
		if v = fieldOf(v, name); !f.spend(1) {
			return Unknown
		}
	}
	return plain(v)
}

// meetings are the operators of meets.
var meetings = map[string]func(f *frame, got, wanted any) Truth{
	"eq":       oneOf(equalOrNull),
	"ne":       func(f *frame, got, wanted any) Truth { return oneOf(equalOrNull)(f, got, wanted).Not() },
	"lt":       oneOf(operator("<")),
	"lte":      oneOf(operator("<=")),
	"gt":       oneOf(operator(">")),
	"gte":      oneOf(operator(">=")),
	"contains": oneOf(operator("contains")),
	"starts":   oneOf(func(f *frame, a, b any) Truth { return texts(f, a, b, strings.HasPrefix) }),
	"ends":     oneOf(func(f *frame, a, b any) Truth { return texts(f, a, b, strings.HasSuffix) }),
}

func operator(name string) func(f *frame, a, b any) Truth {
	return func(f *frame, a, b any) Truth { return truthy(operators[name](f, a, b)) }
}

func equalOrNull(f *frame, a, b any) Truth { return same(a, b, f) }

// oneOf is test for one value, or for any of a list.
func oneOf(test func(f *frame, a, b any) Truth) func(f *frame, got, wanted any) Truth {
	return func(f *frame, got, wanted any) Truth {
		list, ok := wanted.([]any)
		if !ok {
			return test(f, got, wanted)
		}
		t := False
		for _, one := range list {
			if t = t.Or(test(f, got, one)); t == True || !f.spend(1) {
				return t
			}
		}
		return t
	}
}
