package lang

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

type unknown struct{}

func (unknown) String() string { return "unknown" }

// Unknown is the value of which nothing is known.
var Unknown any = unknown{}

// IsUnknown reports whether v is [Unknown].
func IsUnknown(v any) bool { _, ok := v.(unknown); return ok }

// Object is a value whose fields are worked out when they are read. [Vars] may
// return one in place of a map, to spare the fields that nobody reads.
type Object interface {
	// Field returns the value of a field, nil where there is none.
	Field(name string) any
	// Value returns all fields, as values of the language.
	Value() map[string]any
}

// Truth is three-valued: what reads an unknown may be undecided.
type Truth int8

// The zero Truth is False.
const (
	False Truth = iota
	True
	Undecided
)

// String returns true, false or unknown.
func (t Truth) String() string {
	switch t {
	case True:
		return "true"
	case Undecided:
		return "unknown"
	}
	return "false"
}

func (t Truth) value() any {
	if t == Undecided {
		return Unknown
	}
	return t == True
}

func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Truthy returns what v counts for as a condition: only true is true.
func Truthy(v any) Truth {
	switch v := v.(type) {
	case bool:
		return truthOf(v)
	case unknown:
		return Undecided
	}
	return False
}

// Not returns the opposite of t.
func (t Truth) Not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Undecided
}

// And returns whether both hold.
func (t Truth) And(u Truth) Truth {
	switch {
	case t == False || u == False:
		return False
	case t == Undecided || u == Undecided:
		return Undecided
	}
	return True
}

// Or returns whether one of both holds.
func (t Truth) Or(u Truth) Truth { return t.Not().And(u.Not()).Not() }

// Equal reports whether a and b are the same value: numbers by value (1 equals
// 1.0), strings exactly, arrays and objects by their content. Null equals null.
// Unknown equals nothing; see [Same] for three-valued equality.
func Equal(a, b any) bool { return Same(a, b) == True }

// Same is [Equal] in three values: undecided if it depends on an unknown.
func Same(a, b any) Truth { return same(a, b, nil) }

// same counts what it looks at in f, which may be nil.
func same(a, b any, f *frame) Truth {
	if !f.spend(1) {
		return Undecided
	}
	if IsUnknown(a) || IsUnknown(b) {
		return Undecided
	}
	switch a := a.(type) {
	case nil:
		return truthOf(b == nil)
	case bool:
		b, ok := b.(bool)
		return truthOf(ok && a == b)
	case string:
		b, ok := b.(string)
		return truthOf(ok && len(a) == len(b) && f.spendText(len(a)) && a == b)
	case int64, float64:
		c, ok := compareNumbers(a, b)
		return truthOf(ok && c == 0)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return False
		}
		t := True
		for i := range a {
			if t = t.And(same(a[i], b[i], f)); t == False {
				return t
			}
		}
		return t
	case map[string]any:
		b, ok := plain(b).(map[string]any)
		if !ok {
			return False
		}
		return sameMaps(a, b, f)
	case Object:
		return same(a.Value(), b, f)
	}
	return False
}

func sameMaps(a, b map[string]any, f *frame) Truth {
	t := True
	for k, v := range a {
		w, ok := b[k]
		if !ok {
			// A key of unknown value may as well not be there.
			if t = t.And(truthOf(IsUnknown(v)).And(Undecided)); t == False {
				return t
			}
			continue
		}
		if t = t.And(same(v, w, f)); t == False {
			return t
		}
	}
	for k, w := range b {
		if _, ok := a[k]; !ok {
			if !IsUnknown(w) {
				return False
			}
			t = Undecided
		}
	}
	return t
}

// plain turns an [Object] into its map.
func plain(v any) any {
	if o, ok := v.(Object); ok {
		return o.Value()
	}
	return v
}

// compareNumbers compares by value, exactly, also between int64 and float64.
func compareNumbers(a, b any) (int, bool) {
	switch a := a.(type) {
	case int64:
		switch b := b.(type) {
		case int64:
			return order(a, b), true
		case float64:
			c, ok := compareMixed(a, b)
			return c, ok
		}
	case float64:
		switch b := b.(type) {
		case float64:
			return order(a, b), !math.IsNaN(a) && !math.IsNaN(b)
		case int64:
			c, ok := compareMixed(b, a)
			return -c, ok
		}
	}
	return 0, false
}

func compareMixed(i int64, f float64) (int, bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f >= 1<<63:
		return -1, true
	case f < -1<<63:
		return 1, true
	}
	whole := math.Trunc(f)
	if c := order(i, int64(whole)); c != 0 {
		return c, true
	}
	return order(whole, f), true
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compare orders numbers and strings; anything else has no order.
func compare(f *frame, a, b any) (int, bool) {
	if a, ok := a.(string); ok {
		b, ok := b.(string)
		if !f.spendText(min(len(a), len(b))) {
			return 0, false
		}
		return strings.Compare(a, b), ok
	}
	return compareNumbers(a, b)
}

// hasUnknown reports whether v is or contains [Unknown].
func hasUnknown(v any, f *frame) bool {
	switch v := v.(type) {
	case unknown:
		return true
	case string: // it is counted for what is done with it
		return !f.spendText(len(v))
	case []any:
		for _, e := range v {
			if !f.spend(1) || hasUnknown(e, f) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if !f.spend(1) || hasUnknown(e, f) {
				return true
			}
		}
	}
	return false
}

// MarkUnknown returns v with [Unknown] at each of paths. v itself is not
// altered. Where a path leads below something that is not there, that is what
// becomes unknown. In an array, a path has the key of an element: key returns,
// as [Change.Key] does, the path of the key in the elements of the array at a
// path (the elements around it written as *). Of an array that has none, or no
// such element, all is unknown.
func MarkUnknown(v any, paths []Path, key func(path string) (Path, bool)) any {
	for _, p := range paths {
		v = markUnknown(v, p.Names(), "", key)
	}
	return v
}

func markUnknown(v any, names []string, path string, key func(string) (Path, bool)) any {
	if len(names) == 0 {
		return Unknown
	}
	below := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		out[names[0]] = markUnknown(v[names[0]], names[1:], below(escapeName(names[0])), key)
		return out
	case []any:
		if key == nil {
			return Unknown
		}
		at, ok := key(path)
		i := slices.IndexFunc(v, func(e any) bool { return ok && Text(at.In(e)) == names[0] })
		if i < 0 {
			return Unknown
		}
		out := slices.Clone(v)
		out[i] = markUnknown(v[i], names[1:], below("*"), key)
		return out
	}
	return Unknown
}

// normal turns other Go values that a [Vars] may return into values of the
// language.
func normal(v any) (any, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case uint64:
		if v > math.MaxInt64 {
			return strconv.FormatUint(v, 10), true
		}
		return int64(v), true
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, true
	case map[string]string:
		out := make(map[string]any, len(v))
		for k, s := range v {
			out[k] = s
		}
		return out, true
	case json.RawMessage:
		out, err := Decode(v)
		return out, err == nil
	}
	return nil, false
}
