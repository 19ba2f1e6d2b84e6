package rules

import (
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// asks tells whether the request itself sets what is at path, or what it is in.
func (c *call) asks(s *Subject, path string) bool {
	v, whole := c.askedAt(s, path)
	return v != nil && (whole || v.Kind != tree.Object) || len(s.files) > 0 && newPathSet(s.files).touches(path)
}

// askedAt returns what the request sends at path, which is whole then, or else at
// the longest beginning of it at which it sends anything.
func (c *call) askedAt(s *Subject, path string) (v *tree.Value, whole bool) {
	p, err := lang.ParsePath(path)
	if err != nil || s.asked == nil {
		return nil, false
	}
	names := p.Names()
	if c.reqKind == isPatch {
		return c.patchedAt(s, names)
	}
	for n := len(names); n > 0; n-- {
		if v = c.e.res.keys.At(s.asked, names[:n]...); v != nil {
			if v.Kind == tree.Array && n < len(names)-1 {
				return nil, false // sent or not, what an element has is not told by that
			}
			return v, n == len(names)
		}
	}
	return nil, false
}

// patchedAt is askedAt for a JSON patch (RFC 6902).
func (c *call) patchedAt(s *Subject, names []string) (v *tree.Value, whole bool) {
	for i := range s.asked.Elems() {
		op := &s.asked.Elems()[i]
		pointer, _ := op.Get("path").Text()
		at := pointerNames(pointer)
		if n := min(len(at), len(names)); n > 0 && strings.Join(at[:n], "/") == strings.Join(names[:n], "/") {
			return op, true
		}
	}
	return nil, false
}

// isNamed reports whether the call's path, behind the entity, names the field that
// path begins with: /issues/5/labels is about labels.
func (c *call) isNamed(path string) bool {
	if !c.m.below() {
		return false
	}
	name, _, _ := strings.Cut(path, ".")
	for part := range strings.SplitSeq(c.x.Request.Path, "/") {
		if plainName(part) == plainName(name) {
			return true
		}
	}
	return false
}

// elementFate says what it means that an array is shown, as now, without an element
// that was known: it is gone if the request was about that array, or if the same
// view showed all that was known of it. Else the view may show some only.
func (c *call) elementFate(s *Subject, b *state, now view, path string) tree.Fate {
	if now.kind == viewSent || c.asks(s, path) || c.isNamed(path) || b.view.has(now) && !newPathSet(b.unknown).touches(path) {
		return tree.Removed
	}
	return tree.KeptDoubt
}

// showsLess says of a value which is shown differently now whether it is taken to
// say less than what was known, which stays then: it is the same thing in fewer
// words, or covered, or kept from who looks. less is set if others see more.
func (c *call) showsLess(s *Subject, b *state, now view, less *bool) func(path string, was, is *tree.Value) (bool, []string) {
	if b.view.only(now) || !b.view.last().alike(now) {
		return nil // it is as it is shown
	}
	return func(path string, was, is *tree.Value) (bool, []string) {
		asked, whole := c.askedAt(s, path)
		if !whole || masks(asked, was) {
			asked = nil
		}
		switch {
		case sameThing(was, is):
			if was.Kind == tree.Object && is.Kind < tree.Array {
				return true, besideReference(path, was, is)
			}
			return !fuller(is, was), nil
		case asked != nil && !sameThing(asked, was) && !tree.Equal(asked, was):
			return false, nil
		case masks(is, was):
			*less = true
			return true, unless(asked, path)
		case is.Kind == tree.Null && was.Kind != tree.Null:
			if asked != nil || b.view.onlyBy(now.as) || b.view.whole(now.as) {
				return false, nil
			}
			*less = true
			return true, []string{path}
		case was.Kind >= tree.Array && is.Kind < tree.Array && is.Kind != tree.Null && !(refers(was) && refers(is)):
			return true, unless(asked, path) // a number of things, say, for the things
		}
		return false, nil
	}
}

// unless returns path as the only one, none if it was asked for.
func unless(asked *tree.Value, path string) []string {
	if asked != nil {
		return nil
	}
	return []string{path}
}

// verdict is what a difference between two views says.
type verdict uint8

const (
	hasChanged verdict = iota
	isSame             // it says nothing
	isNew              // it is not known what it was
	isUnsure           // it may have changed
)

// judge says what it means that something known of the state before is shown
// differently now.
func (d *deriver) judge(ch *change, f *tree.Change, now view) verdict {
	before := ch.b.view
	switch {
	case sameLink(f.Old, f.New):
		return isSame
	case f.Old != nil && !before.by(now.as) && masks(f.Old, f.New):
		return isUnsure // even if the call set it: those who looked need not have seen it
	case ch.o.via != webhook.FromResponse && ch.o.via != webhook.FromFetch:
		return hasChanged
	case !before.last().alike(now):
		if d.asks(ch.s, f.Path) {
			return hasChanged
		}
		return isUnsure
	case before.only(now):
		return hasChanged
	case f.Old != nil && sameThing(f.Old, f.New):
		return isNew
	case d.asks(ch.s, f.Path) && f.Old == nil && (!before.by(now.as) || before.echo()):
		return isUnsure // it may have been there, and so
	case d.asks(ch.s, f.Path), f.New == nil, f.Element && d.isNamed(f.Path):
		return hasChanged
	case f.Old == nil:
		if before.show(now) {
			return hasChanged
		}
		return isUnsure
	case before.last() == now:
		return hasChanged // the same view showed both
	}
	return d.judgeValues(ch, f, now)
}

// judgeValues is judge of two values in views that may differ.
func (d *deriver) judgeValues(ch *change, f *tree.Change, now view) verdict {
	before, was, is := ch.b.view, f.Old, f.New
	alone := before.onlyBy(now.as)
	changed := true
	switch {
	case !alone && personal(f.Path), masks(was, is), masks(is, was):
		changed = false
	case was.Kind == tree.Null:
		changed = alone || before.whole(now.as) || before.show(now)
	case is.Kind == tree.Null: // as it would have been kept otherwise
	case was.Kind >= tree.Array != (is.Kind >= tree.Array):
		changed = refers(was) && refers(is)
	}
	if changed {
		return hasChanged
	}
	return isUnsure
}
