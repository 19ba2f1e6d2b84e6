package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/route"
)

// safe are the methods that change nothing (RFC 9110 §9.2.1).
var safe = []string{"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"}

// pattern compiles the method and the path of a route.
func (k *compiler) pattern(place string, c *Route, collection string) (*route.Pattern, error) {
	if !methodName.MatchString(c.Method) {
		return nil, bad(join(place, "method"), "%q is no method: write one in capitals, like POST", c.Method)
	}
	if slices.Contains(safe, c.Method) {
		return nil, bad(join(place, "method"), "%s changes nothing and is never captured: write POST, PUT, PATCH, DELETE or the API's own method", c.Method)
	}
	if c.Path == "" {
		return nil, bad(join(place, "path"), "a route wants a path, like {id}/archive or /api/projects/archive")
	}
	switch {
	case strings.Contains(c.Path, "|"):
		return nil, bad(join(place, "path"), "%q: a line has one path, and | is for methods: write a line for each, or a parameter like {action}", c.Path)
	case c.Operation == "" && slices.Contains(operations, c.Path):
		return nil, bad(join(place, "path"), "%s stands where the path does, and so means %s %s: write on %s %s %s if the resource's own path is meant, else that path in full",
			c.Path, c.Method, absolute(collection, c.Path), c.Method, cmp.Or(collection, "PATH"), c.Path)
	}
	p, err := route.Parse(absolute(collection, c.Path))
	if err != nil {
		return nil, bad(join(place, "path"), "%v", err)
	}
	return p, nil
}

// operations are what a line of a resource may say that its calls do.
var operations = []string{"create", "update", "delete", "upsert"}

// route compiles an `on` line of a resource.
func (k *compiler) route(place string, c *Route, r *resource) error {
	p, err := k.pattern(place, c, r.collection.String())
	if err != nil {
		return err
	}
	kind, err := word(join(place, "operation"), c.Operation, string(Update), operations)
	if err != nil {
		return err
	}
	if err := unsaid(place, c, r, p); err != nil {
		return err
	}
	if err := r.fills(join(place, "path"), p); err != nil {
		return err
	}
	l, err := k.line(place, c, r, p)
	if err != nil {
		return err
	}
	e := &endpoint{method: c.Method, pattern: p, place: place, res: r, kind: Kind(kind), lines: []*line{l}, id: l.id, each: l.each}
	e.named = r.names(p)
	l.id, l.each = nil, nil
	if e.kind == Delete && len(l.rules) > 0 {
		return bad(join(place, "emit"), "emit lines are considered for creates and updates; name the scope of a delete on its own line: on %s %s delete emit SCOPE", c.Method, c.Path)
	}
	there, taken := k.p.table.Put(c.Method, p, e)
	switch {
	case !taken:
		k.endpoints = append(k.endpoints, e)
		return nil
	case there.res != r:
		return conflict(place, e, there)
	}
	return there.merge(place, e)
}

// unsaid is an error if c takes the place of the route by which r's entities are
// created or deleted, and does not say what it does: as the update that it would
// be, it is meant by nobody.
func unsaid(place string, c *Route, r *resource, p *route.Pattern) error {
	kind := Create
	switch {
	case c.Operation != "":
		return nil
	case c.Method == "POST" && p.Same(r.collection):
	case c.Method == "DELETE" && p.Same(r.item):
		kind = Delete
	default:
		return nil
	}
	rest := ""
	if c.Scope != "" {
		rest = " emit " + c.Scope
	}
	return bad(place, "%s %s is where a %s is %sd, and without an operation this line makes it an update: write on %s %s %s%s, or update if that is meant",
		c.Method, p, r.name, kind, c.Method, c.Path, kind, rest)
}

// merge adds the line of a second `on` for the same route.
func (e *endpoint) merge(place string, more *endpoint) error {
	same := func(a, b *lang.Expr) bool {
		return a == nil && b == nil || a != nil && b != nil && a.String() == b.String()
	}
	switch {
	case e.kind != more.kind:
		return bad(place, "%s %s is a %s there (%s) and a %s here: a route does one thing", e.method, e.pattern, e.kind, e.place, more.kind)
	case !slices.Equal(e.pattern.Params(), more.pattern.Params()):
		return bad(join(place, "path"), "%s and %s are the same route: give their parameters the same names", e.pattern, more.pattern)
	case !same(e.each, more.each) || !same(e.id, more.id):
		return bad(place, "%s %s says each or id differently than %s: write them the same on every line of a route", e.method, e.pattern, e.place)
	}
	e.lines = append(e.lines, more.lines...)
	return e.heard(place)
}

// heard is an error if a line of e earns nothing, for another one has a scope that
// takes the place of the plain one.
func (e *endpoint) heard(place string) error {
	scope := ""
	for _, l := range e.lines {
		scope = cmp.Or(scope, l.scope)
	}
	idle := func(l *line) bool { return l.scope == "" && len(l.rules) == 0 }
	if scope == "" || !slices.ContainsFunc(e.lines, idle) {
		return nil
	}
	return bad(place, "%s %s has two lines, and on one %s takes the place of the plain scope, so that nothing comes of the other: "+
		"write one line with emit %s in its block, and both are earned", e.method, e.pattern, scope, scope)
}

// outside compiles an `on` line outside every resource.
func (k *compiler) outside(place string, c *Route) error {
	if c.Operation != "" {
		return bad(join(place, "operation"), "%s needs a resource to %s: write this line inside one", c.Operation, c.Operation)
	}
	if c.Scope == "" && len(c.Emit) == 0 {
		return bad(place, "this line earns nothing: add emit and a scope, like: on %s %s emit email.opened", c.Method, c.Path)
	}
	p, err := k.pattern(place, c, "")
	if err != nil {
		return err
	}
	l, err := k.line(place, c, k.p.outside, p)
	if err != nil {
		return err
	}
	for i, r := range l.rules {
		if r.instead || r.on != "" {
			return bad(fmt.Sprintf("%s.emit[%d]", place, i), "instead and on create|update are for resources: outside there is no plain scope and no change")
		}
	}
	if err := l.alone(place); err != nil {
		return err
	}
	for _, r := range l.rules {
		if r.when != nil && r.when.ReadsBefore() {
			return bad(place, "%s is earned by a call that is about no resource, and nothing is known from before it: write the line into a resource, or let `when` ask request, response or item", r.scope)
		}
	}
	e := &endpoint{method: c.Method, pattern: p, place: place, res: k.p.outside, kind: Call, lines: []*line{l}}
	there, taken := k.p.table.Put(c.Method, p, e)
	switch {
	case !taken:
		k.endpoints = append(k.endpoints, e)
		return nil
	case there.kind != Call:
		return conflict(place, e, there)
	case !slices.Equal(there.pattern.Params(), p.Params()):
		return bad(join(place, "path"), "%s and %s are the same route: give their parameters the same names", there.pattern, p)
	}
	there.lines = append(there.lines, l)
	return nil
}

// alone makes what the line of a route outside resources earns its first rule.
func (l *line) alone(place string) error {
	if l.scope == "" && (len(l.related) > 0 || len(l.attributes) > 0 || l.description != "") {
		return bad(place, "related, attributes and description belong to a scope: write them in the block of an emit line")
	}
	if l.scope != "" {
		l.rules = slices.Insert(l.rules, 0, &rule{scope: l.scope, when: l.when, extras: l.extras})
	}
	l.scope, l.when, l.extras = "", nil, extras{}
	return nil
}
