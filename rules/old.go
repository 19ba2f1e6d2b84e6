package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
)

// mayBeOld reports whether the answer to an update may show the state from before it,
// as some APIs do, where the fields of a request do not contradict it: it has what is
// in a list or an object otherwise than that was set, or not what a JSON patch put
// there; or the request does not say what it comes to: an action, a command, something
// that the answer does not show.
func (c *call) mayBeOld(s *Subject, entity *tree.Value) bool {
	switch {
	case s.Kind != Update && s.Kind != Upsert || c.e.res.after == "response":
		return false
	case len(s.opaque) > 0:
		return true
	case c.reqKind == content.IsPatch:
		return slices.ContainsFunc(s.asked.Elems(), func(op tree.Value) bool { return undone(&op, entity) })
	}
	var few [fewSet]string
	if set := c.setFields(few[:0], s.asked); countShown(entity, s.asked, set) == 0 && (len(set) > 0 || c.m.below()) {
		return true
	}
	return unlike(s.asked, entity)
}

// isOld reports whether an answer that may be old shows nothing that differs from what
// was known before, and lacks nothing that the request emptied.
func (c *call) isOld(s *Subject, b *state) bool {
	return s.old && !(b.body != nil && (showsNew(b.body, s.answer) || c.lost(s, b, s.answer)))
}

// unlike reports whether something is shown that is not what asked sets it to. What
// is not shown at all is not.
func unlike(asked, shown *tree.Value) bool {
	switch {
	case asked == nil, shown == nil:
		return false
	case asked.IsObject() && shown.IsObject():
		return !likeness.Same(asked, shown) && slices.ContainsFunc(asked.Members(), func(m tree.Member) bool { return unlike(&m.Value, shown.Get(m.Name)) })
	case asked.IsArray() && shown.IsArray():
		return len(asked.Elems()) != len(shown.Elems()) || slices.ContainsFunc(asked.Elems(), func(v tree.Value) bool { return !has(shown, &v) })
	case asked.IsArray(), shown.IsArray() && asked.Kind != tree.Null:
		return false // a count, or a list in words
	case asked.Kind >= tree.Array || shown.Kind >= tree.Array:
		return !likeness.Same(asked, shown) && !(likeness.IsVoid(asked) && likeness.IsVoid(shown))
	}
	return !tree.Equal(asked, shown) && !alike(asked, shown) && !likeness.Same(asked, shown) && !likeness.Masks(shown, asked)
}

// has reports whether a list has an element that is not unlike v.
func has(list, v *tree.Value) bool {
	return slices.ContainsFunc(list.Elems(), func(e tree.Value) bool { return e.IsArray() == v.IsArray() && !unlike(v, &e) })
}

// undone reports whether an entity is not as an operation of a JSON patch leaves it,
// or that cannot be told.
func undone(op, entity *tree.Value) bool {
	kind, _ := op.Get("op").Text()
	path, _ := op.Get("path").Text()
	names := patch.Names(path)
	if kind == "test" || len(names) == 0 {
		return false
	}
	value, list := op.Get("value"), entity.At(names[:len(names)-1]...)
	switch shown := entity.At(names...); {
	case kind != "add" && kind != "replace" && kind != "remove" || value == nil && kind != "remove":
		return true
	case list.IsArray():
		return kind == "remove" || !has(list, value)
	case kind == "remove":
		return shown != nil && !likeness.IsVoid(shown)
	default:
		return unlike(value, shown)
	}
}

// hidden returns the fields that a call sets if it sets nothing else, neither state has
// any of them, and nothing differs: a password, or what the API does not know.
func (d *deriver) hidden(ch *change) []string {
	if !ch.same || ch.b.body == nil || d.unsure || d.later || !d.isItem() || d.reqKind != content.IsJSON && d.reqKind != content.IsMerge || d.hasScopes() {
		return nil
	}
	set := d.setFields(nil, ch.s.asked)
	if slices.ContainsFunc(set, func(name string) bool { return ch.b.body.Get(name) != nil || ch.o.body.Get(name) != nil }) {
		return nil
	}
	return slices.DeleteFunc(set, func(name string) bool { return isNone(ch.s.asked.Get(name)) }) // what is empty may be left out
}
