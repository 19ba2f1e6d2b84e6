package rules

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// entityInAnswer returns what in the answer may be the entity, or nil.
func (c *call) entityInAnswer() *tree.Value {
	if c.unsure || c.res == nil || c.resKind == isForm || c.prefers("return=minimal") {
		return nil
	}
	return c.e.res.find(c.res)
}

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
	if entity == nil || c.later || s.Kind == Delete || !c.e.res.shows(c.res, entity, s.Key.ID) {
		return
	}
	grade := webhook.Observed
	if link := c.x.Response.Header.Get("Content-Location"); link != "" {
		// RFC 9110 §8.7: the answer is a representation of that URI.
		if !c.isAt(link, s.Key.ID) {
			return
		}
		grade = webhook.Proven
	}
	if c.prefers("return=representation") {
		grade = webhook.Proven
	}
	if c.cut() {
		return
	}
	s.answer, s.grade = entity, grade
	s.receipt = grade == webhook.Observed && c.isReceipt(entity, s.asked, nil)
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

// fewFields is up to how many fields, besides its id, an answer is small.
const fewFields = 3

// isReceipt judges whether an answer that names the entity only says that
// something was done: {"ok": true, "id": "o-1", "rev": "3"}. It is one if it
// has few fields of its own and lacks some that the request set or the state
// before had; or has few and there is nothing to compare it with. A receipt
// taken for the entity would make every other field look removed; an entity
// taken for a receipt costs one GET.
func (c *call) isReceipt(entity, asked, before *tree.Value) bool {
	enough := max(fewFields+1, (len(before.Members())+1)/2)
	if c.e.res.hasOwn(entity, enough) {
		return false
	}
	fromRequest := c.setFields(asked)
	if len(fromRequest) == 0 && !before.IsObject() {
		return !c.bulk // elements of a bulk come as what they are
	}
	for _, name := range fromRequest {
		if entity.Get(name) == nil {
			return true
		}
	}
	if !before.IsObject() {
		// A POST to what is there may replace it or add to it: the request does not say.
		return c.e.res.singular && c.e.kind == Create
	}
	put := c.m.method == "PUT" && asked.IsObject()
	for i := range before.Members() {
		name := before.Members()[i].Name
		set := asked.Get(name)
		left := put && set == nil || set != nil && set.Kind == tree.Null // the request itself took it away
		if !left && entity.Get(name) == nil {
			return true
		}
	}
	return false
}

// hasOwn reports whether an entity has at least so many fields besides its id.
func (r *resource) hasOwn(entity *tree.Value, enough int) bool {
	members := entity.Members()
	if len(members) >= enough+len(r.idNames) {
		return true
	}
	for i := range members {
		if enough == 0 {
			break
		}
		if name := members[i].Name; r.telling&lengthBit(name) == 0 || !slices.Contains(r.idNames, name) {
			enough--
		}
	}
	return enough == 0
}

// setFields returns the fields that the request gives a value.
func (c *call) setFields(asked *tree.Value) (names []string) {
	if asked == nil {
		return nil
	}
	if c.reqKind == isPatch {
		for i := range asked.Elems() {
			text, _ := asked.Elems()[i].Get("path").Text()
			if path := pointerNames(text); len(path) > 0 && asked.Elems()[i].Get("value") != nil {
				names = append(names, path[0])
			}
		}
		return names
	}
	for i := range asked.Members() {
		// A null may be answered by leaving the field out.
		if m := &asked.Members()[i]; m.Kind != tree.Null && !slices.Contains(c.e.res.idNames, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// cut reports whether the query asks for a part of the entity only.
func (c *call) cut() bool {
	if c.x.Request.Query == "" {
		return false
	}
	values, _ := url.ParseQuery(c.x.Request.Query) // what it could read is in values
	for name := range values {
		name = strings.ToLower(strings.TrimLeft(name, "$_"))
		if name == "fields" || name == "select" || name == "opt_fields" || strings.HasPrefix(name, "fields[") {
			return true
		}
	}
	return false
}

// fetch returns the path of the GET that s wants, or "".
func (c *call) fetch(s *Subject) string {
	after := c.e.res.after
	switch {
	case c.unsure || c.later || s.Kind != Delete && after == "fetch":
	case s.Kind == Delete || after == "response" || after == "request":
		return ""
	case s.answer != nil && !s.receipt || c.putProven(s) != nil:
		return ""
	}
	path, _ := c.m.itemPath(s.Key.ID)
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
	if c.m.method != "PUT" || !validated || c.resKind != isEmpty || c.later || c.unsure ||
		c.reqKind != isJSON || c.bulk || s.asked != c.req {
		return nil
	}
	return object(c.req)
}
