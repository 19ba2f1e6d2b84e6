package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
)

// sentAround returns the names that lead to the object, in what the request sends,
// that path is somewhere in; ok is false if it sends none, or something at path.
func (c *call) sentAround(s *Subject, path string) (object []string, ok bool) {
	p, err := lang.ParsePath(path)
	if err != nil || c.reqKind != content.IsJSON && c.reqKind != content.IsAPI {
		return nil, false
	}
	names := p.Names()
	for n := len(names) - 1; n > 0; n-- {
		if c.e.res.keys.At(s.asked, names[:n]...).IsObject() {
			return names[:n], c.e.res.keys.At(s.asked, names...) == nil
		}
	}
	return nil, false
}

// leftOut reports whether the request sends the object that path is somewhere in,
// and nothing at path, so that the object may have been replaced. A merge patch says
// nothing by that (RFC 7396). Nor does another one than a PUT that was merged all the
// same: is shows in that object what was known there and not sent.
func (c *call) leftOut(s *Subject, b *state, is *tree.Value, path string) bool {
	names, ok := c.sentAround(s, path)
	if !ok || c.m.method == "PUT" {
		return ok
	}
	asked, now := c.e.res.keys.At(s.asked, names...), c.e.res.keys.At(is, names...)
	for m := range tree.Each(c.e.res.keys.At(b.body, names...).Members()) {
		name := m.Name
		if asked.Get(name) == nil && now.Get(name) != nil {
			return false
		}
	}
	return true
}

// mayBePart reports whether is shows of the object that path is in nothing but what
// the request sent of it, by something else than a PUT: it may have been replaced by
// that, or that may be the part of it that the answer is about.
func (c *call) mayBePart(s *Subject, is *tree.Value, path string) bool {
	names, ok := c.sentAround(s, path)
	return ok && c.m.method != "PUT" && holdsOnly(c.e.res.keys.At(is, names...), c.e.res.keys.At(s.asked, names...))
}

// sendsParts reports whether the answer shows of an object that the request sends
// nothing but that: see mayBePart.
func (c *call) sendsParts(s *Subject, shown *tree.Value) bool {
	if c.m.method == "PUT" || s.Kind == Create || c.reqKind != content.IsJSON && c.reqKind != content.IsAPI {
		return false
	}
	return showsParts(s.asked, shown)
}

func showsParts(asked, shown *tree.Value) bool {
	return asked.IsObject() && slices.ContainsFunc(asked.Members(), func(m tree.Member) bool {
		is := shown.Get(m.Name)
		return m.IsObject() && is.IsObject() && !isReference(&m.Value) && (holdsOnly(is, &m.Value) || showsParts(&m.Value, is))
	})
}

// isReference reports whether v is nothing but an id.
func isReference(v *tree.Value) bool {
	return len(v.Members()) == 1 && slices.Contains(genericIDs, v.Members()[0].Name)
}

// holdsOnly reports whether all the members of v are among those of asked, which
// has some: who sends an empty object means it to be that.
func holdsOnly(v, asked *tree.Value) bool {
	return len(asked.Members()) > 0 && !slices.ContainsFunc(v.Members(), func(m tree.Member) bool { return asked.Get(m.Name) == nil })
}

// tookAway reports whether the request itself removes what is at path, or what that
// is in: DELETE /changes/7/topic does. A form has no null, and sends nothing instead.
func (c *call) tookAway(s *Subject, path string) bool {
	if c.m.method == "DELETE" && c.isNamed(path) && strings.HasSuffix(strings.TrimSuffix(c.x.Request.Path, ".json"), "/"+lastOf(path)) {
		return true
	}
	if c.reqKind != content.IsPatch {
		v, _ := c.askedAt(s, path)
		if v == nil {
			return false
		}
		return v.Kind == tree.Null || isBlank(v) && (c.reqKind == content.IsForm || c.reqKind == content.IsParts)
	}
	for op := range tree.Each(s.asked.Elems()) {
		if op.Get("op").Is("remove") && pointed(op, "path") == path {
			return true
		}
	}
	return false
}

// lastOf returns the last name of a path of plain names.
func lastOf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// isBlank reports whether v is an empty text.
func isBlank(v *tree.Value) bool { return v.Kind == tree.String && likeness.IsVoid(v) }

// emptied reports whether the request sets what is at path to what many APIs leave
// out of their answers: false, 0, an empty text, list or object.
func (c *call) emptied(s *Subject, path string) bool {
	v, whole := c.askedAt(s, path)
	return v != nil && whole && isNone(v)
}

// isNone reports whether v is what many APIs leave out of their answers.
func isNone(v *tree.Value) bool {
	return likeness.IsVoid(v) || v.Kind < tree.Array && isVain(plainOf(v))
}

// setsOtherwise reports whether the request sets what is at path, and not to what
// was known there.
func (c *call) setsOtherwise(s *Subject, b *state, path string) bool {
	v, whole := c.askedAt(s, path)
	was := c.at(b.body, path)
	return v != nil && whole && !tree.Equal(v, was) && !likeness.Same(v, was) && !likeness.Masks(v, was)
}
