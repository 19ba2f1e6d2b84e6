package openapi

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schemas makes schemas of Go types, as encoding/json writes their values. What
// a field means stands in its tags:
//
//	jsonschema  what it is, in words
//	enum        the values that it may have, with | between
//	format      the format of a text
//	bounds      from|to: of a number, of the length of a text or of a list
//
// A slice, map or pointer is never null: what is not there is left out.
type Schemas struct {
	types map[reflect.Type]*jsonschema.Schema
	named map[string]*jsonschema.Schema
}

// NewSchemas returns one that knows what each of types is written as; types that
// write themselves (json.Marshaler) must be among them.
func NewSchemas(types map[reflect.Type]*jsonschema.Schema) *Schemas {
	return &Schemas{types: types, named: map[string]*jsonschema.Schema{}}
}

// Named returns the components: all that were given a name.
func (s *Schemas) Named() map[string]*jsonschema.Schema { return s.named }

// Name makes t a component; schemas that are made later refer to it. A closed one
// has no fields but those of t: that is for what is received. What is sent may
// get more fields in later versions.
func (s *Schemas) Name(name string, t reflect.Type, closed bool) error {
	of, err := s.Of(t)
	if err != nil {
		return err
	}
	if !closed {
		of.AdditionalProperties = nil
	}
	s.Add(name, of)
	s.types[t] = Ref(name)
	return nil
}

// Add makes a schema a component.
func (s *Schemas) Add(name string, of *jsonschema.Schema) { s.named[name] = of }

// Ref refers to a component.
func Ref(name string) *jsonschema.Schema {
	return &jsonschema.Schema{Ref: "#/components/schemas/" + name}
}

// Of returns the schema of a type.
func (s *Schemas) Of(t reflect.Type) (*jsonschema.Schema, error) {
	of, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: s.types})
	if err != nil {
		return nil, err
	}
	neverNull(of)
	return of, tagged(t, of)
}

// neverNull takes null out of the types of a schema, at any depth.
func neverNull(of *jsonschema.Schema) {
	if of == nil {
		return
	}
	if of.Types = slices.DeleteFunc(of.Types, func(t string) bool { return t == "null" }); len(of.Types) == 1 {
		of.Type, of.Types = of.Types[0], nil
	} else if len(of.Types) == 0 {
		of.Types = nil
	}
	neverNull(of.Items)
	neverNull(of.AdditionalProperties)
	for _, p := range of.Properties {
		neverNull(p)
	}
}

// tagged applies the tags of t's fields.
func tagged(t reflect.Type, of *jsonschema.Schema) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
		if of.Items != nil {
			of = of.Items
		}
	}
	if t.Kind() != reflect.Struct || of.Ref != "" {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := of.Properties[name]
		if p == nil || name == "" {
			continue
		}
		if err := tag(f.Tag, p); err != nil {
			return fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		if err := tagged(f.Type, p); err != nil {
			return err
		}
	}
	return nil
}

func tag(tags reflect.StructTag, p *jsonschema.Schema) error {
	if text, ok := tags.Lookup("enum"); ok {
		for v := range strings.SplitSeq(text, "|") {
			p.Enum = append(p.Enum, v)
		}
	}
	if format, ok := tags.Lookup("format"); ok {
		p.Format = format
	}
	text, ok := tags.Lookup("bounds")
	if !ok {
		return nil
	}
	from, to, _ := strings.Cut(text, "|")
	low, err := strconv.Atoi(from)
	if err != nil {
		return fmt.Errorf("bounds %q: %w", text, err)
	}
	high, err := strconv.Atoi(to)
	if err != nil {
		return fmt.Errorf("bounds %q: %w", text, err)
	}
	switch p.Type {
	case "string":
		p.MinLength, p.MaxLength = &low, &high
	case "array":
		p.MinItems, p.MaxItems = &low, &high
	default:
		p.Minimum, p.Maximum = new(float64(low)), new(float64(high))
	}
	return nil
}

// Nullable returns a schema of what of describes, or null.
func Nullable(of *jsonschema.Schema) *jsonschema.Schema {
	null := &jsonschema.Schema{Type: "null"}
	if of.Type == "" || len(of.Enum) > 0 {
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{of, null}, Description: of.Description}
	}
	out := of.CloneSchemas()
	out.Types, out.Type = []string{of.Type, "null"}, ""
	return out
}
