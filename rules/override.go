package rules

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/webhook"
)

// overridable are the methods that a POST may stand for and that may be routes.
var overridable = []string{"POST", "PUT", "PATCH", "DELETE", merge}

// merge is what a PATCH was called before there was one, in OData 1 to 3.
const merge = "MERGE"

func (p *Program) matchOverridden(path string) *Match {
	var m *Match
	for _, method := range overridable {
		e, pattern, ok := p.table.Find(method, path)
		switch {
		case !ok:
		case m == nil:
			m = &Match{p: p, e: e, params: route.Values(pattern, path)}
		default:
			m.others = append(m.others, e)
		}
	}
	return m
}

// effective returns the method that r, whose match m is, stands for.
func (m *Match) effective(r *webhook.Request) string {
	if m.method != "" {
		return m.method
	}
	return m.p.method(r)
}

// method returns the effective method of r: only a POST can be overridden, and
// only where the configuration says by what.
func (p *Program) method(r *webhook.Request) string {
	if p.override == nil || r.Method != "POST" {
		return r.Method
	}
	said := r.Header.Get(p.override.Header)
	if p.override.Field != "" {
		said = saidIn(r, p.override.Field)
	}
	said = strings.ToUpper(strings.TrimSpace(said))
	if _, _, ok := p.table.Find(said, r.Path); said == merge && !ok {
		return "PATCH"
	}
	if slices.Contains(overridable, said) || slices.Contains(safe, said) {
		return said
	}
	return r.Method
}

// untold is why it is not known what a call did whose body was not kept.
const untold = "which method it stood for is not known: `override field` has that in the body, which was not kept"

// untold reports whether what overrides r's method, if anything does, was not kept.
func (p *Program) untold(r *webhook.Request) bool {
	return p.override != nil && p.override.Field != "" && r.Method == "POST" && !r.Body.Whole() && saidIn(r, p.override.Field) == ""
}

// deleting returns the endpoint of those that a call may be that deletes, or nil.
func (m *Match) deleting() *endpoint {
	for _, e := range append([]*endpoint{m.e}, m.others...) {
		if e.kind == Delete {
			return e
		}
	}
	return nil
}

// ifGone returns the call, and what it is about, as a delete, if it is one for all
// that is known, and a GET behind it finds nothing any more.
func (c *call) ifGone(s *Subject, seen Seen) (*call, *Subject) {
	obs := seen.Observation
	if c.m.method != "" || obs == nil || obs.Status != 404 && obs.Status != 410 {
		return c, s
	}
	e := c.m.deleting()
	if e == nil || s.Kind == Delete {
		return c, s
	}
	own, m, subject := *c, *c.m, *s
	m.e, own.m, own.e, subject.Kind = e, &m, e, Delete
	subject.doubt = cmp.Or(s.doubt, "may or may not have been done: a GET behind it found nothing")
	return &own, &subject
}

// saidIn returns the text of a field of a request's body, a form or JSON, else
// of its query.
func saidIn(r *webhook.Request, field string) string {
	body, _ := content.Read(r.Body, r.Header, true)
	if said, ok := body.Get(field).Text(); ok || r.Query == "" {
		return said
	}
	values, _ := url.ParseQuery(r.Query) // what it could read is in values
	return values.Get(field)
}
