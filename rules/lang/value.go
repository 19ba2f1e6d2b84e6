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

// Document is an [Object] that tells a field that is null from one that is not
// there.
type Document interface {
	Object
	// Member returns the value of a field, and whether it is there.
	Member(name string) (v any, ok bool)
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
// becomes unknown; below a null, a text or a number there is nothing that could. In an array, a path has the key of an element: key returns,
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
	switch v := plain(v).(type) {
	case map[string]any:
		if inner, ok := v[names[0]]; ok && len(names) > 1 && !holds(inner) {
			return v
		}
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

// holds reports whether v may have something in it.
func holds(v any) bool {
	switch v.(type) {
	case map[string]any, []any, unknown:
		return true
	}
	return false
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
