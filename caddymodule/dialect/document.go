package dialect

import (
	"maps"
	"slices"

	"github.com/sidehook/sidehook/rules/lang"
)

// document returns what the call says in our API's words; nil: nothing.
func (c *call) document(to *compiledRoute) (map[string]any, error) {
	if len(to.fields) == 0 {
		return nil, nil
	}
	doc := map[string]any{}
	for _, f := range to.fields {
		if f.perResource {
			if err := c.forEach(f, doc); err != nil {
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
	said := slices.ContainsFunc(to.fields, func(f field) bool { return f.names[0] == "options" })
	if !said && to.action == actions["create"] && c.vars.body != nil {
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
func (c *call) refused(to *compiledRoute) error {
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
func (c *call) forEach(f field, doc map[string]any) error {
	defer func() { c.vars.resource = nil }()
	for _, resource := range c.api.Resources() {
		c.vars.resource = resource
		v, err := f.expr.Eval(&c.vars, nil)
		if err != nil {
			return err
		}
		setField(doc, append([]string{"for", resource}, f.names...), v)
	}
	return nil
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
