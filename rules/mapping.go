package rules

import (
	"fmt"

	"github.com/sidehook/sidehook/rules/lang"
)

// field is a compiled [Field].
type field struct {
	key      string
	expr     *lang.Expr // nil: fields
	fields   []field
	optional bool
}

// appendFields appends fields as a JSON object, in their order. value appends
// what an expression comes to. A field that is optional and comes to null, or is
// an object of which nothing is there, is left out.
func appendFields(dst []byte, fields []field, value func([]byte, *lang.Expr) ([]byte, error)) (_ []byte, err error) {
	dst = append(dst, '{')
	begin := len(dst)
	for i := range fields {
		f, before := &fields[i], len(dst)
		if before > begin {
			dst = append(dst, ',')
		}
		dst = append(lang.AppendString(dst, f.key), ':')
		at, nothing := len(dst), "null"
		if f.expr == nil {
			nothing = "{}"
			dst, err = appendFields(dst, f.fields, value)
		} else {
			dst, err = value(dst, f.expr)
		}
		if err != nil {
			return nil, err
		}
		if f.optional && string(dst[at:]) == nothing {
			dst = dst[:before]
		}
	}
	return append(dst, '}'), nil
}

// mapping is a compiled [Payload]: fields, or the expression of the whole body.
type mapping struct {
	whole  *lang.Expr
	fields []field
}

func compileMapping(p Payload, env lang.Environment) (m mapping, err error) {
	switch {
	case p.Expr != "" && len(p.Fields) > 0:
		return m, fmt.Errorf("it has an expression and lines: write one of both")
	case p.Expr != "":
		m.whole, err = lang.Compile(p.Expr, env)
		return m, err
	case len(p.Fields) == 0:
		return m, fmt.Errorf("it is empty: write lines of a key and an expression, like EntityId int(id)")
	}
	m.fields, err = compileFields(p.Fields, "", env)
	return m, err
}

// compileFields compiles the fields of a payload; place is where they stand in
// it.
func compileFields(fields []Field, place string, env lang.Environment) (out []field, err error) {
	seen := map[string]bool{}
	for _, f := range fields {
		at := place + f.Key
		if seen[f.Key] {
			return nil, fmt.Errorf("%s stands there twice", at)
		}
		seen[f.Key] = true
		got := field{key: f.Key, optional: f.Optional}
		switch {
		case f.Expr != "" && len(f.Fields) > 0:
			return nil, fmt.Errorf("%s has an expression and a block: write one of both", at)
		case f.Expr == "" && len(f.Fields) == 0:
			return nil, fmt.Errorf("%s has no value: write an expression, like %s entity.name", at, f.Key)
		case f.Expr == "":
			got.fields, err = compileFields(f.Fields, at+".", env)
		default:
			if got.expr, err = lang.Compile(f.Expr, env); err != nil {
				err = fmt.Errorf("%s: %w", at, err)
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, got)
	}
	return out, nil
}

func (m mapping) append(dst []byte, v *eventVars, fields lang.Globs) ([]byte, error) {
	v = v.limited(fields)
	if m.whole != nil {
		return v.appendValue(dst, m.whole)
	}
	return appendFields(dst, m.fields, v.appendValue)
}

// appendValue appends what x comes to. Of a path the bytes are copied, so that
// 15000.00 stays 15000.00.
func (v *eventVars) appendValue(dst []byte, x *lang.Expr) ([]byte, error) {
	x, err := x.Branch(v, nil)
	if err != nil {
		return nil, err
	}
	if root, p, ok := x.PlainPath(); ok {
		if raw := v.raw(root); raw != nil {
			if at, ok := p.Get(raw); ok {
				return append(dst, at...), nil
			}
			return append(dst, "null"...), nil
		}
	}
	got, err := x.Eval(v, nil)
	if err != nil {
		return nil, err
	}
	return lang.AppendJSON(dst, got)
}

// Mapping is a compiled [Payload] over other names than those of an event.
type Mapping struct{ m mapping }

// CompileMapping compiles p for expressions of env. An error names the line.
func CompileMapping(p Payload, env lang.Environment) (*Mapping, error) {
	m, err := compileMapping(p, env)
	if err != nil {
		return nil, err
	}
	return &Mapping{m}, nil
}

// JSON returns what m comes to. The only error is [lang.ErrTooMuch].
func (m *Mapping) JSON(v lang.Vars) ([]byte, error) {
	value := func(dst []byte, x *lang.Expr) ([]byte, error) {
		got, err := x.Eval(v, nil)
		if err != nil {
			return nil, err
		}
		return lang.AppendJSON(dst, got)
	}
	if m.m.whole != nil {
		return value(nil, m.m.whole)
	}
	return appendFields(nil, m.m.fields, value)
}

// Reads returns the names that m may read.
func (m *Mapping) Reads() []string {
	if m.m.whole != nil {
		return m.m.whole.Reads()
	}
	return readsOf(m.m.fields)
}

func readsOf(fields []field) (names []string) {
	for _, f := range fields {
		if f.expr != nil {
			names = append(names, f.expr.Reads()...)
		}
		names = append(names, readsOf(f.fields)...)
	}
	return names
}
