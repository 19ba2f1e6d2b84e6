package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// showsDone reports whether a GET shows that a call of unknown outcome was done, as
// far as what it asked for was kept: something changed to what it asked for, and
// nothing is otherwise. What else changed may have been changed by others.
func (d *deriver) showsDone(ch *change) bool {
	switch {
	case d.reqKind == content.IsPatch:
		return d.showsPatched(ch)
	case !ch.s.asked.IsObject() || d.later && !ch.setsFields():
		return slices.ContainsFunc(ch.fields, func(f webhook.FieldChange) bool {
			return !d.later || !isServerWord(f.Path) && !d.e.res.isVersion(f.Path) // which accepting it moves, too
		})
	}
	partly := d.saidNo && !d.later && !d.dry // it has ended, and may have done some of it
	typed := d.reqKind != content.IsForm && d.reqKind != content.IsParts
	for m := range tree.Each(ch.s.asked.Members()) {
		now := ch.o.body.Get(m.Name)
		switch {
		case !isNothing(now) && differsFrom(&m.Value, now, typed) && !partly:
			return false
		case typed && now == nil && m.Kind != tree.Null && ch.concurrent: // what differs may be another's doing
			return false
		}
	}
	return slices.ContainsFunc(ch.fields, func(f webhook.FieldChange) bool {
		asked := at(ch.s.asked, f.Path)
		return asked != nil && !(partly && differsFrom(asked, at(ch.o.body, f.Path), typed)) || len(f.New) == 0 && d.m.method == "PUT"
	})
}

// setsFields reports whether the request has a name that is one of the entity's fields:
// an action, {"os-stop": null}, has none.
func (ch *change) setsFields() bool {
	return slices.ContainsFunc(ch.s.asked.Members(), func(m tree.Member) bool {
		return ch.b.body.Get(m.Name) != nil || ch.o.body.Get(m.Name) != nil
	})
}

// showsPatched is showsDone for a JSON patch (RFC 6902): something changed where one
// of its operations is, and none is contradicted.
func (d *deriver) showsPatched(ch *change) bool {
	var changed pathSet
	for _, f := range ch.fields {
		changed = append(changed, f.Path)
	}
	changed = newPathSet(changed)
	shown := false
	for op := range tree.Each(ch.s.asked.Elems()) {
		path := pointed(op, "path")
		now := at(ch.o.body, path)
		names := patch.Names(textAt(op, "path"))
		element := len(names) > 0 && likeness.IsDigits(names[len(names)-1]) // of an array: the next one is there now
		switch kind := textAt(op, "op"); {
		case isNothing(now) || element:
		case kind == "remove", (kind == "add" || kind == "replace") && differsFrom(op.Get("value"), now, true):
			return false
		}
		shown = shown || changed.touches(path)
	}
	return shown
}

// differsFrom reports whether what a request says of a field contradicts what it is now.
// In an object it may leave members out; where it is not typed, as in a form, a text
// may stand for what it says.
func differsFrom(asked, now *tree.Value, typed bool) bool {
	if !asked.IsObject() || !now.IsObject() {
		return !tree.Equal(asked, now) && (typed || !alike(asked, now))
	}
	for m := range tree.Each(asked.Members()) {
		if is := now.Get(m.Name); !isNothing(is) && differsFrom(&m.Value, is, typed) {
			return true
		}
	}
	return false
}
