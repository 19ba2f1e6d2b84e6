package payload

import (
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
)

// named is a payload of the configuration.
type named struct{ *mapping.Mapping }

func (b named) append(dst []byte, v *Vars, fields lang.Globs) ([]byte, error) {
	return b.Append(dst, v.limited(fields).appendValue)
}

// appendValue appends what x comes to. Of a path the bytes are copied, so that
// 15000.00 stays 15000.00.
func (v *Vars) appendValue(dst []byte, x *lang.Expr) ([]byte, error) {
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
