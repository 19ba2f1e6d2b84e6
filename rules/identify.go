package rules

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
)

// find returns the entity in an answer, or nil: where `entity` says, else the
// root if it has an id, else what is in an envelope, else the root. JSON:API's
// data is flattened to one object; an array of one is its element.
func (r *resource) find(root *tree.Value) *tree.Value {
	if root == nil {
		return nil
	}
	if r.entity != nil {
		return object(flat(valueAt(r.entity, root)))
	}
	root = single(root)
	if data := root.Get("data"); data != nil {
		if flattened := flat(data); flattened != data {
			return flattened
		}
	}
	return object(r.unwrap(root, maxEnvelope))
}

// valueAt returns what v has where q says, nil if there is nothing.
func valueAt(q *lang.Query, v *tree.Value) *tree.Value {
	raw, ok := q.Get(v.Shared())
	if !ok {
		return nil
	}
	found, err := tree.ParseShared(raw)
	if err != nil {
		return nil
	}
	return found
}

// maxEnvelope is how many envelopes may lie around an entity.
const maxEnvelope = 4

// unwrap returns what is in the envelopes around an entity, at most depth of
// them, or root if it has an id, or none: under data or the resource's name, or,
// if an id is in there, in one of the other envelopes that there are.
func (r *resource) unwrap(root *tree.Value, depth int) *tree.Value {
	if _, ok := r.idIn(root); ok || depth == 0 {
		return root
	}
	found := root
	for i, name := range r.opens {
		v := single(root.Get(name))
		if !v.IsObject() || i >= len(r.wraps) && !isEnvelope(root, name) {
			continue
		}
		v = r.unwrap(v, depth-1)
		if _, ok := r.idIn(v); ok {
			return v
		}
		if found == root && (i < len(r.wraps) || r.singular) {
			found = v
		}
	}
	return found
}

// isEnvelope reports whether beside what is under name there is nothing in root
// that tells of an entity.
func isEnvelope(root *tree.Value, name string) bool {
	for m := range tree.Each(root.Members()) {
		switch other := m.Name; other {
		case name, "meta", "metadata", "status", "info", "pagination":
		default:
			if !isReceiptWord(other) && !besideNames[other] {
				return false
			}
		}
	}
	return true
}

// asked returns what a request's body says of the entity: the body, or what is
// in its envelope. What the answer's entity, which may be nil, has under an
// envelope's name is a field of it.
func (r *resource) asked(root, shown *tree.Value) *tree.Value {
	if !root.IsObject() {
		return root
	}
	if len(root.Members()) <= 3 {
		data := root.Get("data")
		if flattened := flat(data); flattened != data || data.Get("attributes").IsObject() {
			return flattened
		}
	}
	for i, name := range r.wraps {
		// Beside the entity under its name there may be something about the call.
		if v := root.Get(name); v.IsObject() && shown.Get(name) == nil && (len(root.Members()) == 1 || i > 0 && others(root, v)) &&
			!patch.IsCommand(&tree.Member{Name: name, Value: *v}) {
			return v
		}
	}
	return root
}

// others reports whether everything beside v in root is plain: what a form sends
// with an entity, or an option of the call.
func others(root, v *tree.Value) bool {
	for m := range tree.Each(root.Members()) {
		if m.Kind >= tree.Array && m.Name != "" && root.Get(m.Name) != v {
			return false
		}
	}
	return true
}

func object(v *tree.Value) *tree.Value {
	if v.IsObject() {
		return v
	}
	return nil
}

// single returns the only element of an array of one object, else v.
func single(v *tree.Value) *tree.Value {
	if v != nil && v.Kind == tree.Array && len(v.Elems()) == 1 && v.Elems()[0].IsObject() {
		return &v.Elems()[0]
	}
	return v
}

// idIn returns the id in an entity, by the names that ids have.
func (r *resource) idIn(entity *tree.Value) (string, bool) {
	if r.idBelow != nil && entity != nil {
		if v := valueAt(r.idBelow, entity); v != nil {
			return v.Text()
		}
	}
	if id, ok := r.idInNames(entity); ok {
		return id, true
	}
	return r.idInSelf(entity)
}

func (r *resource) idInNames(entity *tree.Value) (string, bool) {
	for _, name := range r.idNames {
		if id, ok := entity.Get(name).Text(); ok {
			return id, true
		}
	}
	return "", false
}

// idInSelf returns the id in what an entity without one says of its own place: HAL's
// link, a name that is a path (AIP-122), or a field that has its URI.
func (r *resource) idInSelf(entity *tree.Value) (string, bool) {
	if href, ok := entity.At("_links", "self", "href").Text(); ok {
		return r.idInURL(href, "")
	}
	if name, ok := entity.Get("name").Text(); ok && strings.Contains(name, "/") && !strings.HasPrefix(name, "/") {
		if id, ok := r.idInURL("/"+name, ""); ok {
			return id, true
		}
	}
	for _, name := range selfNames {
		link, ok := entity.Get(name).Text()
		if !ok || r.item == nil || r.idParam == "" {
			continue
		}
		if path, ok := resolve(link, ""); ok {
			if values, ok := r.item.Match(path); ok { // another host may have another thing at a path that ends alike
				return values[r.idParam], true
			}
		}
	}
	return "", false
}

// selfNames are fields that have the URI of what they are in: JSON-LD's, those of
// hyperlinked APIs.
var selfNames = []string{"@id", "self", "selfLink", "self_link", "_self", "resource_uri", "url", "uri", "href"}

// hasIDName reports whether an entity has a field by a name that ids have.
func (r *resource) hasIDName(entity *tree.Value) bool {
	return slices.ContainsFunc(r.idNames, func(name string) bool { return entity.Get(name) != nil })
}

// idOf returns the id of the entity in an answer: where `id` says, else in the
// entity.
func (r *resource) idOf(root, entity *tree.Value) (string, bool) {
	if r.id != nil && root != nil {
		return valueAt(r.id, root).Text()
	}
	return r.idIn(entity)
}

// shows reports whether an answer's entity is the one with that id.
func (r *resource) shows(root, entity *tree.Value, id string) bool {
	if r.singular {
		return true
	}
	if r.id != nil {
		got, _ := r.idOf(root, entity)
		return got == id
	}
	for _, name := range r.idNames {
		if entity.Get(name).Is(id) {
			return true
		}
	}
	if got, ok := r.idInSelf(entity); ok {
		return got == id && (!r.hasIDName(entity) || entity.At("_links", "self", "href") != nil)
	}
	return false
}

// idInURL returns the id that a Location, Content-Location or link names. It
// may be relative to base (an escaped path). What the API knows under another
// prefix than its callers is told by the end of the path, from the last literal
// part on.
func (r *resource) idInURL(link, base string) (string, bool) {
	if link == "" {
		return "", false // it would be the base itself
	}
	path, ok := resolve(link, base)
	if !ok || r.idParam == "" {
		return "", false
	}
	if values, ok := r.item.Match(path); ok {
		return values[r.idParam], true
	}
	path, _, _ = strings.Cut(path, versions)
	n := r.item.Len()
	for i := range n {
		if !r.item.Fixed(i) {
			continue
		}
		if values, ok := r.item.MatchEnd(path, i+1); ok && values[r.idParam] != "" {
			return values[r.idParam], true
		}
		break
	}
	return "", false
}

// versions parts the path of an entity from the name of one of its versions, as FHIR has
// it: /Patient/5/_history/3 (R5, RESTful API, vread).
const versions = "/_history/"

// resolve returns the escaped path that link means, seen from base.
func resolve(link, base string) (path string, ok bool) {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Opaque != "" {
		return "", false
	}
	if b, err := url.Parse(base); err == nil && base != "" {
		u = b.ResolveReference(u)
	}
	return u.EscapedPath(), strings.HasPrefix(u.EscapedPath(), "/")
}

// isOther reports whether the answer says that it is another resource than the
// entity (RFC 9110 §8.7): what it has for an id is that one's.
func (c *call) isOther() bool {
	link := c.x.Response.Header.Get("Content-Location")
	if _, ok := c.e.res.idInURL(link, c.x.Request.Path); link == "" || ok {
		return false
	}
	path, ok := resolve(link, c.x.Request.Path)
	return ok && strings.TrimSuffix(path, "/") != strings.TrimSuffix(c.x.Request.Path, "/")
}
