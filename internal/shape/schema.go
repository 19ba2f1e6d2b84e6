package shape

import (
	"maps"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

// Everybody is the group that is told everything.
const Everybody = ^uint64(0)

// visibleTo reports whether s may be told to a group: it had it, or several did.
func (s *Shape) visibleTo(group uint64) bool {
	return s.Several || s.Group == group || group == Everybody
}

// Known reports whether a group may be told anything of s.
func (s *Shape) Known(group uint64) bool { return s != nil && s.Seen > 0 && s.visibleTo(group) }

// Schema returns a JSON Schema (2020-12) of the documents there were, as it may be
// told to a group: without the fields that only one other had. Documents may
// come that have more, so it allows more.
func (s *Shape) Schema(group uint64) *jsonschema.Schema {
	out := &jsonschema.Schema{}
	if !s.Known(group) {
		return out
	}
	out.Types = s.types()
	if len(out.Types) == 1 {
		out.Type, out.Types = out.Types[0], nil
	}
	for _, f := range formats {
		if s.Types&text != 0 && s.Formats&f.bit != 0 {
			out.Format = f.name
			break
		}
	}
	if s.Items != nil && s.Items.visibleTo(group) {
		out.Items = s.Items.Schema(group)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		f := s.Fields[name]
		switch {
		case !f.visibleTo(group):
		case s.Map:
			out.AdditionalProperties = f.Schema(group)
		default:
			if out.Properties == nil {
				out.Properties = map[string]*jsonschema.Schema{}
			}
			out.Properties[name] = f.Schema(group)
			if f.Seen == s.Objects {
				out.Required = append(out.Required, name)
			}
		}
	}
	return out
}

func (s *Shape) types() (names []string) {
	for _, t := range []struct {
		bit  uint8
		name string
	}{{null, "null"}, {boolean, "boolean"}, {integer, "integer"}, {number, "number"}, {text, "string"}, {object, "object"}, {array, "array"}} {
		if s.Types&t.bit != 0 && !(t.bit == integer && s.Types&number != 0) {
			names = append(names, t.name)
		}
	}
	return names
}

// Example returns a document that fits the schema that a group is told. No value
// in it comes of any document.
func (s *Shape) Example(group uint64) any {
	if !s.Known(group) {
		return map[string]any{}
	}
	switch {
	case s.Types&object != 0:
		out := map[string]any{}
		for name, f := range s.Fields {
			if s.Map {
				name = "name"
			}
			if f.visibleTo(group) {
				out[name] = f.Example(group)
			}
		}
		return out
	case s.Types&array != 0:
		if s.Items == nil || !s.Items.visibleTo(group) {
			return []any{}
		}
		return []any{s.Items.Example(group)}
	case s.Types&text != 0:
		for _, f := range formats {
			if s.Formats&f.bit != 0 {
				return f.example
			}
		}
		return "text"
	case s.Types&integer != 0:
		return 1
	case s.Types&number != 0:
		return 1.5
	case s.Types&boolean != 0:
		return true
	}
	return nil
}
