package tree

// Text makes a string value.
func Text(s string) Value { return Value{Kind: String, raw: string(appendQuoted(nil, s))} }

// NewObject makes an object of members, whose names must differ.
func NewObject(members []Member) Value { return Value{Kind: Object, kids: &kids{members: members}} }

// NewArray makes an array of elems.
func NewArray(elems []Value) Value { return Value{Kind: Array, kids: &kids{elems: elems}} }

// With returns v with member name set to to; v itself is not altered.
func (v *Value) With(name string, to Value) Value {
	members := make([]Member, 0, len(v.Members())+1)
	found := false
	for _, m := range v.Members() {
		if m.Name == name {
			m.Value, found = to, true
		}
		members = append(members, m)
	}
	if !found {
		members = append(members, Member{name, to})
	}
	return NewObject(members)
}
