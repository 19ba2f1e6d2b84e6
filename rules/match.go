package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/webhook"
)

// Match is what a route says of one call.
type Match struct {
	p      *Program
	e      *endpoint
	others []*endpoint // what the call may be instead, where override decides
	params map[string]string
	method string // the effective one; "": only the request tells, or nothing does (untold)
}

// Match returns what the most specific route says of a call, or nil if no
// route names it; then it allocates nothing. path is escaped. A slash at the
// end means nothing; see package route.
//
// Where override is configured, a POST that may turn out to be another method
// matches too; [Program.Plan] decides by what the request says.
func (p *Program) Match(method, path string) *Match {
	if p.override != nil && method == "POST" {
		return p.matchOverridden(path)
	}
	if !slices.Contains(p.methods, method) {
		return nil
	}
	e, pattern, ok := p.table.Find(method, path)
	if !ok {
		return nil
	}
	return &Match{p: p, e: e, params: route.Values(pattern, path), method: method}
}

// matchRequest is Match by the method that a request stands for; ok is false if
// no route names it.
func (p *Program) matchRequest(r *webhook.Request) (m Match, ok bool) {
	method := p.method(r)
	if !slices.Contains(p.methods, method) {
		return m, false
	}
	e, pattern, ok := p.table.Find(method, r.Path)
	if !ok {
		return m, false
	}
	return Match{p: p, e: e, params: route.Values(pattern, r.Path), method: method}, true
}

// Kind returns what a call on the route does.
func (m *Match) Kind() Kind { return m.e.kind }

// Resource returns the name of the resource, parameters filled in; "" for a
// route outside every resource.
func (m *Match) Resource() string { return m.e.res.nameFor(m.params) }

// nameFor fills the parameters into the resource's name.
func (r *resource) nameFor(params map[string]string) string {
	if !r.dynamic {
		return r.name
	}
	return fill(r.name, params)
}

func fill(text string, params map[string]string) string {
	return nameParam.ReplaceAllStringFunc(text, func(p string) string { return params[p[1:len(p)-1]] })
}

// fillScope fills parameters into a scope: what no scope may hold becomes _, and what
// is kept for others has one behind it. For wildcards do not reach those, and a caller
// of the API, who chose the path, is not to speak for Sidehook.
func fillScope(scope string, params map[string]string) string {
	if !strings.Contains(scope, "{") {
		return scope
	}
	filled := nameParam.ReplaceAllStringFunc(scope, func(p string) string {
		return strings.Map(func(r rune) rune {
			if webhook.CheckScope(string(r)) != nil || r == '.' || r == '/' {
				return '_'
			}
			return r
		}, params[p[1:len(p)-1]])
	})
	if strings.HasSuffix(filled, webhook.GapSuffix) {
		filled += "_"
	}
	if first, rest, _ := strings.Cut(filled, "."); first == "sidehook" {
		return strings.TrimSuffix("sidehook_."+rest, ".")
	}
	return filled
}

// Entity returns the entity that the path names, if it names one. placeholders
// holds the values of [Program.Placeholders].
func (m *Match) Entity(req *webhook.Request, placeholders map[string]string) (webhook.EntityKey, bool) {
	if !m.e.named {
		return webhook.EntityKey{}, false
	}
	v := &callVars{m: m, req: req, placeholders: placeholders}
	return webhook.EntityKey{
		API: m.p.api, Tenant: v.keyTenant(), Resource: m.Resource(), ID: m.id(),
	}, true
}

// WantsBefore reports whether the state before the call is worth a GET: `before
// fetch`, or `before auto` and the call deletes, upserts, or one of its rules
// reads the state before.
func (m *Match) WantsBefore() bool {
	return m.e.wantsBefore() || slices.ContainsFunc(m.others, (*endpoint).wantsBefore)
}

func (e *endpoint) wantsBefore() bool {
	switch {
	case e.kind == Call || !e.named:
		return false
	case e.res.before == "fetch":
		return true
	case e.res.before != "auto" || e.kind == Create:
		return false
	case e.kind == Delete || e.kind == Upsert:
		return true
	}
	return e.readsBefore()
}

// readsBefore reports whether a rule of the route reads the state before.
func (e *endpoint) readsBefore() bool {
	reads := func(r *rule) bool { return r.on != webhook.Created && r.readsBefore() }
	return slices.ContainsFunc(e.res.rules, reads) || e.plain.readsBefore() || slices.ContainsFunc(e.lines, func(l *line) bool {
		return l.when != nil && l.when.ReadsBefore() || l.extras.readsBefore() || slices.ContainsFunc(l.rules, reads)
	})
}

func (r *rule) readsBefore() bool {
	return r.when != nil && r.when.ReadsBefore() || r.each != nil && r.each.ReadsBefore() || r.extras.readsBefore()
}

func (x *extras) readsBefore() bool {
	return slices.ContainsFunc(x.related, func(n relatedExpr) bool { return n.expr.ReadsBefore() }) ||
		fieldsReadBefore(x.attributes)
}

func fieldsReadBefore(lines mapping.Lines) bool {
	return slices.ContainsFunc(lines, func(l mapping.Line) bool {
		return l.Expr != nil && l.Expr.ReadsBefore() || fieldsReadBefore(l.Below)
	})
}

// ItemPath returns the escaped path whose GET shows the entity that the call's
// path names; ok is false if it names none.
func (m *Match) ItemPath(query string) (path string, ok bool) {
	if !m.e.named {
		return "", false
	}
	path, ok = m.itemPath(m.params[m.e.res.idParam])
	return carry(path, query), ok
}

// itemPath returns the path of the entity with that id; of an entity that has
// two, the call's own if the other one cannot be told.
func (m *Match) itemPath(id string) (path string, ok bool) {
	r := m.e.res
	if r.item == nil {
		return "", false
	}
	value := func(name string) string {
		if name == r.idParam {
			return id
		}
		return m.params[name]
	}
	if path, ok = r.item.Build(value); !ok && m.e.named && m.e.pattern.EndsIn(r.idParam) {
		return m.e.pattern.Build(value) // the entity's other path, which lacks a parameter of that
	}
	return path, ok
}

// below reports whether the call's path goes on behind the entity that it names:
// what is sent there, and shown there, may be another thing.
func (m *Match) below() bool {
	r := m.e.res
	return m.e.named && !r.singular && !m.e.pattern.EndsIn(r.idParam) && !m.atItem()
}

// atItem reports whether the call's path is the entity's own.
func (m *Match) atItem() bool {
	item := m.e.res.item
	return item != nil && strings.TrimSuffix(m.e.pattern.String(), "/") == strings.TrimSuffix(item.String(), "/")
}

// MaySucceed reports whether a final status can mean success: 2xx, or where
// `success` is set (which [Program.Plan] judges) below 400, or a 4xx that it names.
func (m *Match) MaySucceed(status int) bool {
	success := m.e.res.success
	if success == nil || status < 300 {
		return status >= 200 && status < 300
	}
	return status < 400 || status < 500 && success.HasStatus(status)
}
