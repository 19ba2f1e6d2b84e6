package rules

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// asks tells whether the request itself sets what is at path, or what it is in.
func (c *call) asks(s *Subject, path string) bool {
	v, whole := c.askedAt(s, path)
	return v != nil && (whole || v.Kind != tree.Object) || s.isOpaque(path)
}

// isOpaque reports whether the request gives what is at path, or what it is in, something
// that does not tell what it makes of it.
func (s *Subject) isOpaque(path string) bool {
	return len(s.opaque) > 0 && slices.ContainsFunc(s.opaque, func(name string) bool { return pathSet{tree.Join("", name)}.touches(path) })
}

// askedAt returns what the request sends at path, which is whole then, or else at
// the longest beginning of it at which it sends anything.
func (c *call) askedAt(s *Subject, path string) (v *tree.Value, whole bool) {
	p, err := lang.ParsePath(path)
	if err != nil || s.asked == nil {
		return nil, false
	}
	names := p.Names()
	if c.reqKind == content.IsPatch {
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
	for op := range tree.Each(s.asked.Elems()) {
		pointer, _ := op.Get("path").Text()
		at := patch.Names(pointer)
		n := 0
		for n < min(len(at), len(names)) && at[n] == names[n] {
			n++
		}
		index := n < len(at) && (at[n] == "-" || likeness.IsDigits(at[n])) // of what is known by its key here
		if n > 0 && (n == len(at) || n == len(names) || index) {
			return op, true
		}
	}
	return nil, false
}

// isNamed reports whether the call's path, behind the entity, or its query names the
// field that path begins with: /issues/5/labels is about labels, and so are
// /issues/5/label/7, /issues/5/addLabel and /issues/5?add_labels=urgent.
func (c *call) isNamed(path string) bool {
	name, _, _ := strings.Cut(path, ".")
	if c.isSetByQuery(name) {
		return true
	}
	if !c.m.below() {
		return false
	}
	name, behind := likeness.PlainName(name), strings.TrimSuffix(c.x.Request.Path, ".json")
	if id := "/" + url.PathEscape(c.m.params[c.e.res.idParam]) + "/"; strings.Contains(behind, id) {
		behind = behind[strings.LastIndex(behind, id)+len(id):] // what is before it is called like the collection
	}
	for part := range strings.SplitSeq(behind, "/") {
		part = likeness.PlainName(part)
		for _, deed := range deeds {
			if what := strings.TrimPrefix(part, deed); what != "" && (what == name || what == singular(name)) {
				return true
			}
		}
	}
	return false
}

// deeds are what names of parameters and actions begin with, before the field that they
// are about.
var deeds = []string{"add", "remove", "set", "append", "delete", "unset"}

// isSetByQuery reports whether a parameter of the query is called like a field, or like
// what is to be done to it.
func (c *call) isSetByQuery(field string) bool {
	if c.x.Request.Query == "" || likeness.PlainName(field) == "" {
		return false
	}
	values, _ := url.ParseQuery(c.x.Request.Query) // what it could read is in values
	for param := range values {
		param = strings.TrimSuffix(param, "[]")
		for _, deed := range deeds {
			param = strings.TrimPrefix(param, deed+"_")
		}
		if likeness.PlainName(param) == likeness.PlainName(field) && !selecting[strings.ToLower(param)] {
			return true
		}
	}
	return false
}

// elementFate says what it means that an array is shown, as now, without an element
// that was known: it is gone if the request was about that array, if the same view
// showed all that was known of it, or in a GET, where nobody else looked. Else the
// view may show some only.
func (c *call) elementFate(s *Subject, b *state, now views.View, path string) tree.Fate {
	if now.Kind == views.Sent || now.Kind == views.Get && b.view.OnlyBy(now.As) && !newPathSet(b.unknown).touches(path) || c.asks(s, path) || c.isNamed(path) || b.view.Has(now) && !newPathSet(b.unknown).touches(path) {
		return tree.Removed
	}
	return tree.KeptDoubt
}

// showsLess returns a judge of values that are shown differently now than they were
// known: whether the new one only says less, so that the old one stays. It does if it is
// the same thing in fewer words (an id for an object), or covered (****), or null for who
// may not see it. less is set if others see more.
func (c *call) showsLess(s *Subject, b *state, now views.View, o *outcome, less *bool) func(path string, was, is *tree.Value) (bool, []string) {
	if b.view.Only(now) || !b.view.Last().Alike(now) {
		return nil // it is as it is shown
	}
	return func(path string, was, is *tree.Value) (bool, []string) {
		asked, whole := c.askedAt(s, path)
		if !whole || likeness.Masks(asked, was) {
			asked = nil
		}
		switch {
		case c.e.res.isVersion(path):
			return false, nil
		case likeness.Same(was, is), asked == nil && likeness.Nearly(was, is):
			if was.Kind == tree.Object && is.Kind < tree.Array {
				return true, likeness.Beside(path, was, is)
			}
			return !likeness.Fuller(is, was), nil
		case asked != nil && !(asked.Kind == tree.Null && c.m.method == "PUT") && !likeness.Same(asked, was) && !tree.Equal(asked, was):
			return false, nil
		case likeness.Masks(is, was):
			*less = true
			return true, unless(asked, path)
		case is.Kind == tree.Null && was.Kind != tree.Null:
			// A PUT sends back what its caller sees.
			if asked != nil && c.m.method != "PUT" || now.As == views.Service || b.view.OnlyBy(now.As) || b.view.Whole(now.As) {
				return false, nil
			}
			*less, o.doubtful = true, o.doubtful || !c.e.res.ignore.Match(path)
			return true, []string{path}
		case was.Kind >= tree.Array && is.Kind < tree.Array && is.Kind != tree.Null && !(likeness.Refers(was) && likeness.Refers(is)):
			return true, unless(asked, path) // a number of things, say, for the things
		case was.Kind == tree.Array && is.Kind == tree.Array && len(is.Elems()) < len(was.Elems()) && likeness.PartOf(is, was):
			if c.elementFate(s, b, now, path) == tree.Removed {
				return false, nil
			}
			*less, o.doubtful = true, o.doubtful || !c.e.res.ignore.Match(path)
			return true, []string{path}
		}
		return false, nil
	}
}

// overlaying says how the state after, as it is shown now, is laid over the state
// before. less, which may be nil, is set if the view showed less than others did.
func (c *call) overlaying(o *outcome, s *Subject, b *state, now views.View, lacks missing) (by tree.Judge, less *bool) {
	by = tree.Judge{Keys: c.e.res.keys, Lacks: lacks}
	if len(by.Keys) == 0 && b.view.Only(now) {
		return by, nil
	}
	shows := new(bool)
	by.Less = c.showsLess(s, b, now, o, shows)
	by.Element = func(path string) tree.Fate {
		fate := c.elementFate(s, b, now, path)
		if fate == tree.KeptDoubt {
			*shows, o.doubtful = true, o.doubtful || !c.e.res.ignore.Match(path)
		}
		return fate
	}
	return by, shows
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
func (d *deriver) judge(ch *change, f *tree.Change, now views.View) verdict {
	before := ch.b.view
	switch {
	case likeness.SameLink(f.Old, f.New), likeness.OfTheCall[likeness.PlainName(f.Path)]:
		return isSame
	case f.Old != nil && !before.OnlyBy(now.As) && likeness.Masks(f.Old, f.New):
		return isUnsure // even if the call set it: those who looked need not have seen it
	case f.Old == nil && (before.Echo() || ch.o.via == webhook.FromComputed && !before.By(d.call.vars.viewer())):
		return isUnsure // those who looked were shown what they had set, or may not see it
	case ch.o.via != webhook.FromResponse && ch.o.via != webhook.FromFetch:
		return hasChanged
	case !before.Last().Alike(now):
		if d.asks(ch.s, f.Path) {
			return hasChanged
		}
		return isUnsure
	case before.Only(now):
		return hasChanged
	case f.Old != nil && !d.e.res.isVersion(f.Path) && likeness.Same(f.Old, f.New):
		return isNew
	case d.asks(ch.s, f.Path) && f.Old == nil && !before.By(now.As):
		return isUnsure // it may have been there, and so
	case d.asks(ch.s, f.Path), f.New == nil, f.Old != nil && d.e.res.isVersion(f.Path),
		(f.Element || f.New.Kind == tree.Array) && d.isNamed(f.Path):
		return hasChanged
	case f.Old != nil && likeness.Nearly(f.Old, f.New), f.Old == nil && f.New.Kind == tree.Null && !before.Show(now):
		return isNew
	case f.Old == nil, f.Old.Kind == tree.Array && f.New.Kind == tree.Array && likeness.PartOf(f.Old, f.New):
		if before.Show(now) && (f.Old == nil || before.Last() == now || len(f.Old.Elems()) < len(f.New.Elems())) {
			return hasChanged
		}
		return isUnsure
	case before.Last() == now:
		return hasChanged // the same view showed both
	}
	return d.judgeValues(ch, f, now)
}

// judgeValues is judge of two values in views that may differ.
func (d *deriver) judgeValues(ch *change, f *tree.Change, now views.View) verdict {
	before, was, is := ch.b.view, f.Old, f.New
	alone := before.OnlyBy(now.As)
	changed := true
	switch {
	case !alone && likeness.Personal(f.Path), likeness.Masks(was, is), likeness.Masks(is, was):
		changed = false
	case was.Kind == tree.Array && is.Kind == tree.Array: // each may see elements that the other does not
		changed = alone || before.Whole(now.As) || before.Whole(views.Service)
	case was.Kind == tree.Null:
		changed = alone || before.Whole(now.As) || before.Show(now)
	case is.Kind == tree.Null: // as it would have been kept otherwise
	case was.Kind >= tree.Array != (is.Kind >= tree.Array):
		changed = likeness.Refers(was) && likeness.Refers(is)
	}
	if changed {
		return hasChanged
	}
	return isUnsure
}
