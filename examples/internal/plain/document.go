package plain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Doc is a JSON object: its values are nil, bool, string, [json.Number], Doc's
// underlying map and []any.
type Doc = map[string]any

// shape is what a collection's objects look like: the fields in their order,
// each with the value that a new object has.
type shape struct {
	names  []string
	fields map[string]*shape
	value  any
}

// parseShape reads a sample of an object. It panics if that is no JSON object:
// it stands in the source.
func parseShape(sample string) *shape {
	dec := json.NewDecoder(strings.NewReader(sample))
	dec.UseNumber()
	s, err := readShape(dec)
	if _, ok := s.value.(Doc); err != nil || !ok {
		panic(fmt.Sprintf("plain: not a JSON object (%v): %s", err, sample))
	}
	return s
}

func readShape(dec *json.Decoder) (*shape, error) {
	t, err := dec.Token()
	if err != nil {
		return &shape{}, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			e, err := readShape(dec)
			if err != nil {
				return e, err
			}
			list = append(list, e.value)
		}
		_, err = dec.Token()
		return &shape{value: list}, err
	case json.Delim('{'):
		return readObject(dec)
	}
	return &shape{value: t}, nil
}

func readObject(dec *json.Decoder) (*shape, error) {
	s, doc := &shape{fields: map[string]*shape{}}, Doc{}
	s.value = doc
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return s, err
		}
		name := t.(string)
		f, err := readShape(dec)
		if err != nil {
			return f, err
		}
		s.names, s.fields[name], doc[name] = append(s.names, name), f, f.value
	}
	_, err := dec.Token()
	return s, err
}

// new returns a new object.
func (s *shape) new() Doc { return clone(s.value).(Doc) }

// merge changes doc as patch says (RFC 7396), and refuses what the shape does
// not have. null sets a field to what a new object has in it.
func (s *shape) merge(doc, patch Doc) error {
	for _, name := range slices.Sorted(maps.Keys(patch)) {
		value, f := patch[name], s.fields[name]
		if f == nil && len(s.names) > 0 {
			return fmt.Errorf("there is no field %s", name)
		}
		if f == nil {
			f = &shape{}
		}
		inner, isObject := value.(Doc)
		old, wasObject := doc[name].(Doc)
		switch {
		case value == nil:
			doc[name] = clone(f.value)
		case !sameKind(value, f.value):
			return fmt.Errorf("%s is %s", name, kind(f.value))
		case isObject && (wasObject || len(f.names) > 0):
			if !wasObject {
				old = f.new()
			}
			if err := f.merge(old, inner); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			doc[name] = old
		default:
			doc[name] = value
		}
	}
	return nil
}

func sameKind(a, b any) bool { return b == nil || kind(a) == kind(b) }

func kind(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	case Doc:
		return "an object"
	}
	return "null"
}

// ordered is a value that is written in the order of its shape; what the shape
// does not have comes behind, sorted.
type ordered struct {
	shape *shape
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o ordered) MarshalJSON() ([]byte, error) {
	doc, isObject := o.value.(Doc)
	if !isObject || o.shape == nil || len(o.shape.names) == 0 {
		return marshal(o.value)
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(doc)), func(n string) bool { return o.shape.fields[n] != nil })
	out := []byte{'{'}
	for _, name := range slices.Concat(o.shape.names, names) {
		value, there := doc[name]
		if !there {
			continue
		}
		key, _ := marshal(name)
		text, err := marshal(ordered{o.shape.fields[name], value})
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = slices.Concat(out, key, []byte{':'}, text)
	}
	return append(out, '}'), nil
}

// marshal writes v without escaping <, > and &.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

// decode reads exactly one JSON value; numbers keep their digits.
func decode(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("the body is not what is expected here: %w", err)
	}
	if dec.More() {
		return nil, errors.New("the body holds more than one JSON value")
	}
	return v, nil
}

// clone returns a copy of v that shares nothing with it.
func clone(v any) any {
	switch v := v.(type) {
	case Doc:
		out := make(Doc, len(v))
		for name, f := range v {
			out[name] = clone(f)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}
