package tree

import (
	"strconv"
	"strings"
)

// Equal compares by value: 1 is 1.0, the order of members means nothing, a
// string's escapes mean nothing.
func Equal(a, b *Value) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind {
		return false
	}
	if a.raw != "" && a.raw == b.raw {
		return true
	}
	switch a.Kind {
	case Number:
		return equalNumbers(a.raw, b.raw)
	case String:
		return unquote(a.raw) == unquote(b.raw)
	case Array:
		x, y := a.Elems(), b.Elems()
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !Equal(&x[i], &y[i]) {
				return false
			}
		}
		return true
	case Object:
		x := a.Members()
		if len(x) != len(b.Members()) {
			return false
		}
		for i := range x {
			if !Equal(&x[i].Value, b.find(x[i].Name, i)) {
				return false
			}
		}
		return true
	}
	return a.Kind == Null
}

// find is Get, which looks first where the member stood in another object.
func (v *Value) find(name string, hint int) *Value {
	k := v.below()
	if k == nil {
		return nil
	}
	if hint < len(k.members) && k.members[hint].Name == name {
		return &k.members[hint].Value
	}
	if at := k.find(name); at >= 0 {
		return &k.members[at].Value
	}
	return nil
}

func equalNumbers(a, b string) bool {
	an, ad, ae, aok := decimal(a)
	bn, bd, be, bok := decimal(b)
	return aok && bok && an == bn && ad == bd && ae == be
}

// decimal returns a number as sign, digits without zeros at either end, and
// the power of ten of the last digit. ok is false for absurd exponents.
func decimal(s string) (negative bool, digits string, exponent int, ok bool) {
	s, negative = strings.CutPrefix(s, "-")
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > 1e6 || e < -1e6 {
			return false, "", 0, false
		}
		mantissa, exponent = s[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent -= len(fraction)
	digits = strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return false, "", 0, true // zero has no sign here
	}
	return negative, trimmed, exponent + len(digits) - len(trimmed), true
}
