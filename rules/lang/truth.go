package lang

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

// truthy returns what v counts for as a condition: only true is true.
func truthy(v any) Truth {
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
