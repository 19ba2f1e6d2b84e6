package rules

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// entityInAnswer returns what in the answer may be the entity, or nil.
func (c *call) entityInAnswer() *tree.Value {
	if c.unsure || c.res == nil || c.resKind == content.IsForm || c.resKind == content.IsParts || c.prefers("return=minimal") {
		return nil
	}
	return c.inEnvelope(c.e.res.find(c.res))
}

// inEnvelope returns what is in an envelope that has an id of its own, like that
// of the call: {"id": "req-7", "result": {"id": 5, …}}; v if it is none.
func (c *call) inEnvelope(v *tree.Value) *tree.Value {
	r := c.e.res
	if r.id != nil || r.entity != nil || r.singular || !v.IsObject() {
		return v
	}
	for _, name := range envelopeNames {
		inner := single(v.Get(name))
		if !inner.IsObject() || !r.hasID(v) || !r.hasID(inner) {
			continue
		}
		if c.e.named {
			if id := c.m.params[r.idParam]; !r.shows(v, v, id) && r.shows(inner, inner, id) {
				return inner
			}
			continue
		}
		asked := object(r.asked(c.req, v))
		if set := c.setFields(nil, asked); countShown(v, asked, set) == 0 && countShown(inner, asked, set) > 0 {
			return inner
		}
	}
	return v
}

// envelopeNames are names that an answer's envelope has for what is in it, and
// that are hardly anything else beside an id.
var envelopeNames = []string{"data", "result", "response", "payload", "body"}

// prefers reports whether the answer says that it honoured a preference
// (RFC 7240 §3).
func (c *call) prefers(preference string) bool {
	for _, v := range c.x.Response.Header["Preference-Applied"] {
		if slices.ContainsFunc(strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' }),
			func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), preference) }) {
			return true
		}
	}
	return false
}

// grade judges, without a look at the state before, whether the answer's
// entity is s as it is now.
func (c *call) grade(s *Subject, entity *tree.Value) {
	if entity == nil || c.later || s.Kind == Delete || !c.showsIt(s, entity) {
		return
	}
	grade := webhook.Observed
	if link := c.x.Response.Header.Get("Content-Location"); link != "" {
		// RFC 9110 §8.7: the answer is a representation of that URI.
		if !c.isAt(link, s.Key.ID) && !c.isAt(link, c.spoken(s)) {
			return
		}
		if !strings.Contains(link, versions) { // which is another URI than the entity's own
			grade = webhook.Proven
		}
	}
	if c.prefers("return=representation") {
		grade = webhook.Proven
	}
	if c.cut() {
		if c.x.Response.Status == partialContent { // it may tell what was not done
			s.other = c.shownOtherwise(s, entity)
		} else if !c.mayBeAnother(s, entity) {
			s.part = entity
		}
		return
	}
	s.answer, s.grade = entity, grade
	s.echo = grade == webhook.Observed && c.shownBefore() == nil && c.isEcho(entity, s.asked)
	if grade == webhook.Observed {
		s.other, s.old = c.shownOtherwise(s, entity), c.mayBeOld(s, entity)
	}
	s.said = grade == webhook.Observed && !s.echo && c.e.res.representation != "full" && c.showsOnlyWhatWasSet(entity, s.asked)
	s.parts = grade == webhook.Observed && c.sendsParts(s, entity)
	s.receipt = grade == webhook.Observed &&
		(c.isReceipt(entity, s.asked, c.shownBefore()) || c.mayBeAnother(s, entity) || c.resKind == content.IsAPI && isIdentifier(entity))
}

// mayKeep reports whether a PUT was answered with nothing but what it set: such an
// answer does not tell whether what it left out is gone.
func (c *call) mayKeep(s *Subject) bool { return s.said && c.m.method == "PUT" && !c.bulk }

// isIdentifier reports whether v only says which resource is meant (JSON:API
// 1.1, resource identifier objects).
func isIdentifier(v *tree.Value) bool {
	for m := range tree.Each(v.Members()) {
		switch m.Name {
		case "type", "id", "lid", "meta", "links":
		default:
			return false
		}
	}
	return true
}

// mayBeAnother reports whether an answer that has the subject's id may be about
// another thing all the same: what POST /issues/5/comments created may be
// comment 5, and the scale of the deployment web is called web, too.
func (c *call) mayBeAnother(s *Subject, entity *tree.Value) bool {
	r := c.e.res
	byName := r.id != nil && r.idField != "" && !slices.Contains(genericIDs, r.idField)
	if r.after == "response" {
		return false
	}
	return c.m.below() && (likeness.IsDigits(s.Key.ID) || byName) || c.e.id != nil && r.id == nil && !c.isItem() && c.isPartOf(entity, s.Key.ID)
}

// showsIt reports whether the answer's entity is s.
func (c *call) showsIt(s *Subject, entity *tree.Value) bool {
	return c.e.res.shows(c.res, entity, s.Key.ID) || s.renamed != "" && c.e.res.goesBy(entity, s.renamed)
}

// isAt reports whether link is the URI of the entity with that id.
func (c *call) isAt(link, id string) bool {
	if got, ok := c.e.res.idInURL(link, c.x.Request.Path); ok {
		return got == id
	}
	path, ok := resolve(link, c.x.Request.Path)
	want, ok2 := c.m.itemPath(id)
	return ok && ok2 && path == want
}

// partialContent is the status of an answer with a part of a representation. Only a GET
// has ranges (RFC 9110 §14.2): in answer to another call it is a success of which
// no more is known (§15) than that not all is shown, or was done.
const partialContent = 206

// selecting are query parameters that ask for a part of the entity, in lower
// case and without $ or _ before them. One of them too many costs one GET.
var selecting = map[string]bool{
	"fields": true, "field": true, "select": true, "opt_fields": true, "attributes": true, "properties": true,
	"props": true, "columns": true, "projection": true, "mask": true, "only": true, "omit": true, "exclude": true,
	"include_fields": true, "includefields": true, "exclude_fields": true, "excludefields": true, "fl": true,
	"return_fields": true, "returnfields": true, "response_fields": true, "fieldmask": true, "read_mask": true,
}

// cut reports whether the answer shows a part of the entity only: the call asked for
// no more, or its status says so.
func (c *call) cut() bool {
	if c.x.Response.Status == partialContent {
		return true
	}
	if h := c.x.Request.Header; len(h["X-Fields"])+len(h["X-Goog-Fieldmask"]) > 0 {
		return true
	}
	if c.x.Request.Query == "" {
		return false
	}
	values, _ := url.ParseQuery(c.x.Request.Query) // what it could read is in values
	for name := range values {
		name = strings.ToLower(strings.TrimLeft(name, "$_"))
		if selecting[name] || strings.HasPrefix(name, "fields[") {
			return true
		}
	}
	return false
}

// fetch returns the path of the GET that s wants, or "".
func (c *call) fetch(s *Subject) string {
	after := c.e.res.after
	switch {
	case c.unsure && !c.saidNo || c.later || s.Kind != Delete && after == "fetch":
	case after == "response" || after == "request":
		return ""
	case c.saidNo || s.doubt != "" || s.unnamed == idDoubt:
	case s.Kind == Delete, s.answer != nil && !s.receipt && !s.echo && len(s.other) == 0 && !s.old && !s.parts && !c.mayKeep(s) || c.putProven(s) != nil:
		return ""
	}
	path, _ := c.m.itemPath(c.spoken(s))
	return carry(path, c.x.Request.Query)
}

// carry adds to the path of a GET what it must have of a call's query.
func carry(path, query string) string {
	if _, carried := views.SplitQuery(query); carried != "" && path != "" {
		return path + "?" + carried
	}
	return path
}

// putProven returns the request's body if HTTP proves that it is stored as it
// was sent: a successful PUT answered with a validator (RFC 9110 §9.3.4). A weak
// ETag proves nothing, nor does one that comes with a body: many servers put
// one on every answer.
func (c *call) putProven(s *Subject) *tree.Value {
	h := c.x.Response.Header
	etag := h.Get("Etag")
	validated := etag != "" && !strings.HasPrefix(etag, "W/") || etag == "" && h.Get("Last-Modified") != ""
	if c.m.method != "PUT" || !validated || c.twice || c.resKind != content.IsEmpty || c.later || c.unsure || c.x.Response.Status == partialContent ||
		c.reqKind != content.IsJSON || c.bulk || s.asked != c.req {
		return nil
	}
	return object(c.req)
}
