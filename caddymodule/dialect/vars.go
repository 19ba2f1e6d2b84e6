package dialect

// vars is what the expressions of a dialect see.
type vars struct {
	request  map[string]any
	params   map[string]string
	body     *sentBody // in request; nil: no object was sent
	resource any
	result   string // the name of value
	value    any
	types    func() any // asks for them
}

// Lookup implements [lang.Vars].
func (v *vars) Lookup(name string) any {
	switch name {
	case "request":
		return v.request
	case "params":
		return v.params
	case "resource":
		return v.resource
	case v.result:
		return v.value
	case "types":
		return v.types()
	}
	return nil
}

// setBody makes body what request.body is.
func (v *vars) setBody(body any) {
	v.request["body"] = body
	if members, ok := body.(map[string]any); ok {
		v.body = &sentBody{members: members, read: map[string]bool{}}
		v.request["body"] = v.body
	}
}

// sentBody is a body that remembers which of its members were asked for: the
// others are kept as options.
type sentBody struct {
	members map[string]any
	read    map[string]bool
}

// Field implements [lang.Object].
func (b *sentBody) Field(name string) any {
	b.read[name] = true
	return b.members[name]
}

// Value implements [lang.Object].
func (b *sentBody) Value() map[string]any { return b.members }

// rest returns the members that nobody asked for.
func (b *sentBody) rest() map[string]any {
	rest := map[string]any{}
	for name, v := range b.members {
		if !b.read[name] {
			rest[name] = v
		}
	}
	return rest
}
