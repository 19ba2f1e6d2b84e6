package mapping

import (
	"fmt"

	"github.com/sidehook/sidehook/rules/lang"
)

// Line is a compiled [Field].
type Line struct {
	Key      string
	Expr     *lang.Expr // nil: Below
	Below    Lines
	Optional bool
}

// Lines are the lines of an object, in their order.
type Lines []Line

// Append appends lines as a JSON object. value appends what an expression comes
// to. A line that is optional and comes to null, or is an object of which nothing
// is there, is left out.
func (lines Lines) Append(dst []byte, value func([]byte, *lang.Expr) ([]byte, error)) (_ []byte, err error) {
	dst = append(dst, '{')
	begin := len(dst)
	for i := range lines {
		f, before := &lines[i], len(dst)
		if before > begin {
			dst = append(dst, ',')
		}
		dst = append(lang.AppendString(dst, f.Key), ':')
		at, nothing := len(dst), "null"
		if f.Expr == nil {
			nothing = "{}"
			dst, err = f.Below.Append(dst, value)
		} else {
			dst, err = value(dst, f.Expr)
		}
		if err != nil {
			return nil, err
		}
		if f.Optional && string(dst[at:]) == nothing {
			dst = dst[:before]
		}
	}
	return append(dst, '}'), nil
}

// Mapping is a compiled [Payload]: lines, or the expression of the whole body.
type Mapping struct {
	whole *lang.Expr
	lines Lines
}

// Compile compiles p for expressions of env. An error names the line.
func Compile(p Payload, env lang.Environment) (*Mapping, error) {
	m := new(Mapping)
	var err error
	switch {
	case p.Expr != "" && len(p.Fields) > 0:
		return nil, fmt.Errorf("it has an expression and lines: write one of both")
	case p.Expr != "":
		m.whole, err = lang.Compile(p.Expr, env)
	case len(p.Fields) == 0:
		return nil, fmt.Errorf("it is empty: write lines of a key and an expression, like EntityId int(id)")
	default:
		m.lines, err = compileFields(p.Fields, "", env)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// compileFields compiles the fields of a payload; place is where they stand in
// it.
func compileFields(fields []Field, place string, env lang.Environment) (out Lines, err error) {
	seen := map[string]bool{}
	for _, f := range fields {
		at := place + f.Key
		if seen[f.Key] {
			return nil, fmt.Errorf("%s stands there twice", at)
		}
		seen[f.Key] = true
		got := Line{Key: f.Key, Optional: f.Optional}
		switch {
		case f.Expr != "" && len(f.Fields) > 0:
			return nil, fmt.Errorf("%s has an expression and a block: write one of both", at)
		case f.Expr == "" && len(f.Fields) == 0:
			return nil, fmt.Errorf("%s has no value: write an expression, like %s entity.name", at, f.Key)
		case f.Expr == "":
			got.Below, err = compileFields(f.Fields, at+".", env)
		default:
			if got.Expr, err = lang.Compile(f.Expr, env); err != nil {
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

// Append appends what m comes to; value appends what an expression comes to.
func (m *Mapping) Append(dst []byte, value func([]byte, *lang.Expr) ([]byte, error)) ([]byte, error) {
	if m.whole != nil {
		return value(dst, m.whole)
	}
	return m.lines.Append(dst, value)
}

// JSON returns what m comes to. The only error is [lang.ErrTooMuch].
func (m *Mapping) JSON(v lang.Vars) ([]byte, error) {
	return m.Append(nil, func(dst []byte, x *lang.Expr) ([]byte, error) {
		got, err := x.Eval(v, nil)
		if err != nil {
			return nil, err
		}
		return lang.AppendJSON(dst, got)
	})
}

// Reads returns the names that m may read.
func (m *Mapping) Reads() []string {
	if m.whole != nil {
		return m.whole.Reads()
	}
	return m.lines.reads()
}

func (lines Lines) reads() (names []string) {
	for _, f := range lines {
		if f.Expr != nil {
			names = append(names, f.Expr.Reads()...)
		}
		names = append(names, f.Below.reads()...)
	}
	return names
}
