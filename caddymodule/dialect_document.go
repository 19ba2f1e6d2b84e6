package caddymodule

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/rules/lang"
)

// dialectVars is what the expressions of a dialect see.
type dialectVars struct {
	request  map[string]any
	params   map[string]string
	body     *sentBody // in request; nil: no object was sent
	resource any
	result   string // the name of value
	value    any
	types    func() any // asks for them
}

// Lookup implements [lang.Vars].
func (v *dialectVars) Lookup(name string) any {
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
func (v *dialectVars) setBody(body any) {
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

// requestFields is r as expressions see it, without its body.
func requestFields(r *http.Request) map[string]any {
	fields, _ := requestVars{r}.Lookup("request").(map[string]any)
	return fields
}

// document returns what the call says in our API's words; nil: nothing.
func (c *dialectCall) document(e *engine, to *dialectRoute) (map[string]any, error) {
	if len(to.fields) == 0 {
		return nil, nil
	}
	doc := map[string]any{}
	for _, f := range to.fields {
		if f.perResource {
			if err := c.forEach(e, f, doc); err != nil {
				return nil, err
			}
			continue
		}
		v, err := f.expr.Eval(&c.vars, nil)
		if err != nil {
			return nil, err
		}
		if list, is := v.([]any); is && f.one && (list[0] == nil || lang.IsUnknown(list[0])) {
			continue // a list of what was not sent
		}
		setField(doc, f.names, v)
	}
	if !asks(doc) {
		delete(doc, "credential") // what nothing needs is not kept
	}
	if to.filter != "" {
		doc["filter"] = to.filter
	}
	said := slices.ContainsFunc(to.fields, func(f dialectField) bool { return f.names[0] == "options" })
	if !said && to.action == dialectActions["create"] && c.vars.body != nil {
		if rest := c.vars.body.rest(); len(rest) > 0 {
			doc["options"] = rest
		}
	}
	return doc, nil
}

// asks reports whether anything in doc asks the API with the caller's credential.
func asks(doc map[string]any) bool {
	if doc["view_check"] == true {
		return true
	}
	views := []any{doc}
	if of, ok := doc["for"].(map[string]any); ok {
		views = slices.AppendSeq(views, maps.Values(of))
	}
	return doc["related"] != nil || slices.ContainsFunc(views, func(v any) bool {
		view, _ := v.(map[string]any)
		return view["expand"] != nil || view["query"] != nil
	})
}

// refused says why the call is refused before anything else is looked at, nil if
// it is not.
func (c *dialectCall) refused(to *dialectRoute) error {
	if b := c.vars.body; b != nil {
		defer func() { b.read = map[string]bool{} }() // what is looked at for this is not asked for
	}
	for _, r := range to.refuse {
		v, err := r.when.Eval(&c.vars, nil)
		if err != nil {
			return err
		}
		if v == true {
			return r.problem
		}
	}
	return nil
}

// forEach asks f for each resource, and notes what it comes to for that.
func (c *dialectCall) forEach(e *engine, f dialectField, doc map[string]any) error {
	defer func() { c.vars.resource = nil }()
	for _, resource := range e.resourceNames() {
		c.vars.resource = resource
		v, err := f.expr.Eval(&c.vars, nil)
		if err != nil {
			return err
		}
		setField(doc, append([]string{"for", resource}, f.names...), v)
	}
	return nil
}

// resourceNames returns the names of everything that events can be about, sorted.
func (e *engine) resourceNames() (names []string) {
	for _, p := range e.programs() {
		names = append(names, p.Resources()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// setField sets what names lead to in doc; null and unknown leave it out.
func setField(doc map[string]any, names []string, v any) {
	if v == nil || lang.IsUnknown(v) {
		return
	}
	for _, name := range names[:len(names)-1] {
		inner, ok := doc[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			doc[name] = inner
		}
		doc = inner
	}
	doc[names[len(names)-1]] = v
}

// translate puts the caller's names in the place of ours, in what is wrong with
// the fields that were simply passed on.
func (to *dialectRoute) translate(err error) error {
	p, ours := problemOf(err)
	if ours {
		return err
	}
	out := *p
	out.Errors = slices.Clone(p.Errors)
	for i := range out.Errors {
		for _, f := range to.fields {
			if f.translate(&out.Errors[i]) {
				break
			}
		}
	}
	if p.Detail == problem.InShort(p.Errors) {
		out.Detail = problem.InShort(out.Errors)
	}
	return &out
}

// translate puts the caller's name in the place of ours, and reports whether p
// is about f.
func (f *dialectField) translate(p *problem.Field) bool {
	names, theirs := f.names, f.theirs
	if at := strings.Split(p.Pointer, "/"); f.perResource && len(at) > 2 && at[1] == "for" {
		names, theirs = append([]string{"for", at[2]}, names...), strings.ReplaceAll(theirs, "{resource}", at[2])
	}
	rest, is := strings.CutPrefix(p.Pointer, "/"+strings.Join(names, "/"))
	if theirs == "" || !is || rest != "" && rest[0] != '/' {
		return false
	}
	if f.one {
		rest = strings.TrimPrefix(rest, "/0")
	}
	p.Pointer = "/" + strings.ReplaceAll(theirs, ".", "/") + rest
	for _, ours := range []string{strings.Join(names, "."), names[0]} {
		if text, is := strings.CutPrefix(p.Detail, ours); is && strings.HasPrefix(strings.TrimLeft(text, ":"), " ") {
			if f.one && strings.HasPrefix(text, " is missing") {
				text = " is missing" // what is to be written is no list
			}
			p.Detail = theirs + text
			break
		}
	}
	return true
}
