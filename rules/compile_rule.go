package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/webhook"
)

func (k *compiler) line(place string, c *Route, r *resource, path *route.Pattern) (l *line, err error) {
	l = &line{scope: c.Scope}
	switch {
	case c.Scope != "":
		if err := scopeAt(join(place, "scope"), c.Scope, path); err != nil {
			return nil, err
		}
	case c.When != "":
		return nil, bad(join(place, "when"), "when limits emit: name the scope that this line earns, or leave when out")
	case c.Unknown != "":
		return nil, bad(join(place, "unknown"), "unknown is about a condition, and this line has none: write it in the block of an emit line, or name a scope with a when")
	}
	if l.when, err = k.condition(join(place, "when"), c.When, lang.EnvRule); err != nil {
		return nil, err
	}
	if l.each, err = k.expr(join(place, "each"), c.Each, lang.EnvEach); err != nil {
		return nil, err
	}
	if l.id, err = k.expr(join(place, "id"), c.ID, lang.EnvRule); err != nil {
		return nil, err
	}
	if l.extras, err = k.extras(place, &c.Extras); err != nil {
		return nil, err
	}
	if l.scope != "" {
		l.attributes = overlaid(r.attributes, l.attributes)
	}
	for i := range c.Emit {
		compiled, err := k.rule(fmt.Sprintf("%s.emit[%d]", place, i), &c.Emit[i], r, path)
		if err != nil {
			return nil, err
		}
		l.rules = append(l.rules, compiled)
	}
	return l, nil
}

// rule compiles an emit line for calls on path.
func (k *compiler) rule(place string, c *Rule, r *resource, path *route.Pattern) (*rule, error) {
	out := &rule{scope: c.Scope, instead: c.Instead}
	if c.Scope == "" {
		return nil, bad(join(place, "scope"), "emit wants a scope, like project.status.updated")
	}
	if err := scopeAt(join(place, "scope"), c.Scope, path); err != nil {
		return nil, err
	}
	on, err := word(join(place, "on"), c.On, "", []string{"create", "update"})
	if err != nil {
		return nil, err
	}
	out.on = map[string]webhook.Operation{"create": webhook.Created, "update": webhook.Updated}[on]
	if out.when, err = k.condition(join(place, "when"), c.When, lang.EnvRule); err != nil {
		return nil, err
	}
	if out.each, err = k.expr(join(place, "each"), c.Each, lang.EnvEach); err != nil {
		return nil, err
	}
	if out.id, err = k.expr(join(place, "id"), c.ID, lang.EnvRule); err != nil {
		return nil, err
	}
	if out.each != nil {
		out.eachKey = r.keyOf(out.each.String())
	}
	out.extras, err = k.extras(place, &c.Extras)
	out.attributes = overlaid(r.attributes, out.attributes)
	return out, err
}

// keyOf returns the key of the array that an `each` goes through.
func (r *resource) keyOf(each string) []string {
	for path, key := range r.keys {
		if strings.Contains(each, `"`+path+`"`) || strings.HasSuffix(each, "."+path) {
			return key
		}
	}
	return nil
}

func (k *compiler) extras(place string, c *Extras) (x extras, err error) {
	unknown, err := word(join(place, "unknown"), c.Unknown, "skip", []string{"skip", "emit"})
	if err != nil {
		return x, err
	}
	x.emitUnknown, x.description = unknown == "emit", c.Description
	for i, n := range c.Related {
		at := fmt.Sprintf("%s.related[%d]", place, i)
		if n.Name == "" || n.Expr == "" {
			return x, bad(at, "related wants a name and an expression, like: related label item")
		}
		e, err := k.expr(at, n.Expr, lang.EnvRule)
		if err != nil {
			return x, err
		}
		if err := k.relates(at, n); err != nil {
			return x, err
		}
		x.related = append(x.related, relatedExpr{n.Name, e, n.Resource})
	}
	x.attributes, err = k.fields(join(place, "attributes"), c.Attributes, 0)
	return x, err
}

// relates notes that rules relate an entity of a resource, if n says so.
func (k *compiler) relates(place string, n Related) error {
	if n.Resource == "" {
		return nil
	}
	if !slices.ContainsFunc(k.c.Resources, func(r Resource) bool { return r.Name == n.Resource }) {
		return bad(join(place, "resource"), "related %s: there is no resource %s here: write resource %s and its path in sidehook of the site", n.Name, n.Resource, n.Resource)
	}
	if !slices.Contains(k.p.related, n.Name) {
		k.p.related = append(k.p.related, n.Name)
	}
	return nil
}

// maxFieldDepth bounds how deeply attributes nest.
const maxFieldDepth = 8

func (k *compiler) fields(place string, c []Field, depth int) (out mapping.Lines, err error) {
	if depth > maxFieldDepth {
		return nil, bad(place, "attributes nest more than %d levels", maxFieldDepth)
	}
	seen := make(map[string]bool)
	for i, f := range c {
		at := fmt.Sprintf("%s[%d]", place, i)
		switch {
		case f.Key == "":
			return nil, bad(at, "a line is a key and an expression, like: owner after.owner_id")
		case seen[f.Key]:
			return nil, bad(at, "the key %q stands twice", f.Key)
		case (f.Expr == "") == (len(f.Fields) == 0):
			return nil, bad(at, "%s wants either an expression or a block of lines", f.Key)
		}
		seen[f.Key] = true
		got := mapping.Line{Key: f.Key, Optional: f.Optional}
		if got.Expr, err = k.expr(at+".expr", f.Expr, lang.EnvRule); err != nil {
			return nil, err
		}
		if got.Below, err = k.fields(at+".fields", f.Fields, depth+1); err != nil {
			return nil, err
		}
		out = append(out, got)
	}
	return out, nil
}
