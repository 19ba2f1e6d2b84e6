package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// An entity keeps the id by which it was known first. Other names lead to it:
// the slug beside an id (/pages/42 and /pages/about), and the new name after a
// call that renamed what its path is made of. The store follows them: see
// [webhook.Snapshot].

// genericIDs are names of ids that mean no more than that.
var genericIDs = []string{"id", "_id", "ID", "Id", "uuid"}

// secondNames are fields by which many APIs let a path name an entity, too, in lower
// case and without separators.
var secondNames = map[string]bool{
	"slug": true, "handle": true, "key": true, "username": true, "login": true, "permalink": true, "code": true, "name": true,
	"identifier": true, "idreadable": true, "displayid": true, "shortid": true, "email": true, "emailaddress": true,
	"path": true, "fullpath": true, "pathwithnamespace": true, "fullname": true,
}

// names finds out which other names the call tells of its entity, whose id its
// path says. The subject's key is the one by which the entity is to be known.
func (c *call) names(s *Subject, entity *tree.Value) {
	r, said := c.e.res, s.Key.ID
	if c.unsure || !c.e.named || r.singular || c.e.id != nil || s.Kind == Create || r.shows(c.res, entity, said) {
		return
	}
	below := c.m.below() && s.Kind != Upsert
	if below {
		entity = nil // a call below the entity (/pages/about/links) may be answered with another thing
	}
	for _, seen := range []*tree.Value{entity, c.shownBefore()} {
		if id, ok := r.idIn(seen); ok && id != said && r.isSecond(seen, said) {
			s.Key, s.names = c.key(id), []webhook.EntityKey{s.Key}
			return
		}
	}
	if s.Kind == Delete || below {
		return
	}
	if name := c.renamed(s, entity); name != "" && name != said {
		s.renamed, s.names = name, []webhook.EntityKey{c.key(name)}
		if id, ok := r.idOf(c.res, entity); ok && r.id != nil && id != said && id != name {
			s.Key, s.names = c.key(id), []webhook.EntityKey{s.Key, c.key(name)}
		}
		return
	}
	if id, ok := r.idIn(entity); ok && id != "" && !c.later && !c.cut() {
		s.guess, s.names = entity, []webhook.EntityKey{c.key(id)}
	}
}

// Names returns the keys under which calls on the subject may come, if the call
// tells of others than its own.
func (s *Subject) Names() []webhook.EntityKey {
	if s.guess != nil || len(s.names) == 0 {
		return nil
	}
	return append([]webhook.EntityKey{s.Key}, s.names...)
}

// shownBefore returns the entity that the GET before the call saw, or nil.
func (c *call) shownBefore() *tree.Value { return c.e.res.find(c.readBefore()) }

// readBefore returns the body that the GET before the call was answered with, or nil.
func (c *call) readBefore() *tree.Value {
	if c.x.Before == nil || c.x.Before.Status != 200 {
		return nil
	}
	root, kind := content.Read(c.x.Before.Body, c.x.Before.Header, c.m.Redacts())
	if root == nil || kind == content.IsForm {
		return nil
	}
	return root
}

// isSecond reports whether the entity has said, which is no number, as one of
// its names beside the id.
func (r *resource) isSecond(entity *tree.Value, said string) bool {
	if likeness.IsDigits(said) {
		return false
	}
	if id, ok := r.idIn(entity); ok && likeness.SameID(id, said) {
		return true
	}
	if entity.Get(r.idParam).Is(said) {
		return true
	}
	if name, value, ok := strings.Cut(said, "="); ok && entity.Get(name).Is(strings.Trim(value, "'")) {
		return true // /products/key=k1, Accounts(number='k1')
	}
	return slices.ContainsFunc(entity.Members(), func(m tree.Member) bool {
		return m.Kind == tree.String && wordIn(secondNames, m.Name) && (m.Is(said) || m.Is("/"+said))
	})
}

// renamed returns the name that the entity has after the call, if that is
// another than its path said: the request sets the field that the path is made
// of, or the answer, which repeats what the request set, has another value there.
func (c *call) renamed(s *Subject, entity *tree.Value) string {
	for _, field := range c.e.res.called {
		asked, sets := c.askedIn(s, field)
		shown, shows := entity.Get(field).Text()
		switch {
		case shows && shown != "" && (sets && asked != s.Key.ID || field == c.e.res.idField && !slices.Contains(genericIDs, field) && echoes(s.asked, entity)):
			return shown
		case shows:
			return ""
		case sets && asked != "" && field == c.e.res.idField && !slices.Contains(genericIDs, field):
			if id, ok := c.e.res.idInURL(c.x.Response.Header.Get("Location"), c.x.Request.Path); ok {
				return id // the API may have made another name of it
			}
			return asked
		}
	}
	return ""
}

// askedIn returns the text that the request sets a field to, if it does.
func (c *call) askedIn(s *Subject, field string) (text string, sets bool) {
	if c.reqKind != content.IsPatch {
		return s.asked.Get(field).Text()
	}
	for op := range tree.Each(s.asked.Elems()) {
		at, _ := op.Get("path").Text()
		if names := patch.Names(at); len(names) == 1 && names[0] == field && !op.Get("op").Is("test") {
			text, sets = op.Get("value").Text()
		}
	}
	return text, sets
}

// echoes reports whether entity shows some of what the request set, and nothing
// else in its place.
func echoes(asked, entity *tree.Value) bool {
	same := 0
	for m := range tree.Each(asked.Members()) {
		switch v := entity.Get(m.Name); {
		case v == nil || v.Kind != m.Kind:
		case tree.Equal(v, &m.Value):
			same++
		default:
			return false
		}
	}
	return same > 0
}

// spoken is the name in the path of the GET that shows the subject, if that is
// not its id.
func (c *call) spoken(s *Subject) string {
	switch {
	case s.renamed != "":
		return s.renamed
	case s.called != "":
		return s.called
	}
	return s.Key.ID
}

// goesBy reports whether an entity has that name.
func (r *resource) goesBy(entity *tree.Value, name string) bool {
	return slices.ContainsFunc(r.called, func(field string) bool { return entity.Get(field).Is(name) })
}
