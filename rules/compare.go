package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// compare finds what differs, as far as both states are known.
func (d *deriver) compare(ch *change) {
	if ch.b.body == nil {
		ch.significant = true
		return
	}
	by := comparison{wasUnknown: newPathSet(ch.b.unknown), isUnknown: newPathSet(ch.o.unknown), now: ch.o.view.Last()}
	by.guessed = ch.b.source == webhook.FromSnapshot && ch.snap.Via == webhook.FromComputed || ch.o.via == webhook.FromComputed && d.reqKind == content.IsJSON
	said := ch.b.view.Last().Kind == views.Said && !ch.b.view.Show(by.now) // what only repeated a call need not be all
	ch.doubt = ch.o.doubtful
	changes := tree.Diff(ch.b.body, ch.o.body, d.e.res.keys)
	values := sizeOf(changes)
	for i := range changes {
		f := &changes[i]
		if !d.differs(ch, &by, f) {
			continue
		}
		if said && f.Old == nil {
			ch.o.confidence = webhook.Inferred
		}
		if ch.fields == nil {
			ch.fields = make([]webhook.FieldChange, 0, len(changes))
		}
		ch.fields = append(ch.fields, webhook.FieldChange{
			Path: f.Path, Old: values.copy(by.wasUnknown.rest(f.Path, f.Old)), New: values.copy(by.isUnknown.rest(f.Path, f.New)),
		})
		ch.significant = ch.significant || !d.e.res.ignore.Match(f.Path)
	}
	d.doubtUnshown(ch, by.isUnknown)
	if d.reqKind == content.IsJSON || len(ch.fields) == 0 && len(ch.unknown) == 0 { // forms send tokens and buttons
		ch.unknown = append(ch.unknown, ch.o.beside...)
	}
	ch.significant = ch.significant || ch.doubt
	ch.same = len(ch.fields) == 0 && !ch.doubt
}

// comparison is what is known of two states before they are compared.
type comparison struct {
	wasUnknown, isUnknown pathSet

	now     views.View // that shows the state after
	guessed bool       // in one of them, what is null and what is absent is not told apart
}

// differs reports whether a difference is a change, and notes what it leaves in
// doubt if that is not known.
func (d *deriver) differs(ch *change, by *comparison, f *tree.Change) bool {
	nothing := by.guessed && isNothing(f.Old) && isNothing(f.New)
	switch {
	case by.isUnknown.touches(f.Path), d.sameID(ch.s, f), nothing && !d.asks(ch.s, f.Path):
		return false
	case nothing, by.wasUnknown.hides(f.Path, f.Old, f.New): // it was so already, or the call made it so
		d.doubt(ch, f.Path)
		return false
	}
	switch d.judge(ch, f, by.now) {
	case isSame:
		return false
	case isNew:
		ch.unknown = append(ch.unknown, f.Path)
		return false
	case isUnsure: // the other view did not show it, or not so
		d.doubt(ch, f.Path)
		if f.Element || f.Old != nil && f.Old.Kind == tree.Array {
			ch.o.view = ch.o.view.LessBut(by.now) // the others may show some elements only
		}
		return false
	}
	return true
}

// doubt notes that it is not known whether what is at paths has changed.
func (d *deriver) doubt(ch *change, paths ...string) {
	for _, path := range paths {
		ch.unknown, ch.doubt = append(ch.unknown, path), ch.doubt || !d.e.res.ignore.Match(path)
	}
}

// doubtUnshown notes what the call may have changed without a difference between
// the states.
func (d *deriver) doubtUnshown(ch *change, isUnknown pathSet) {
	for _, path := range ch.b.unknown { // it may have been otherwise, and is what was set
		if (d.at(ch.s.asked, path) != nil || d.reqKind == content.IsPatch && d.asks(ch.s, path)) && !isUnknown.covers(path) {
			ch.doubt = ch.doubt || !d.e.res.ignore.Match(path)
		}
	}
	d.doubt(ch, d.covered(ch)...)
	d.doubt(ch, d.contested(ch)...)
	if ch.b.view.Echo() || ch.b.view.AllOld() { // nobody was ever shown more than what calls set, or not since
		d.doubt(ch, cleared(nil, "", ch.s.asked, ch.b.body, ch.o.body)...)
	}
}

// isNothing reports whether v is null or absent: which of them, a computed state
// does not know of what a request set to null.
func isNothing(v *tree.Value) bool { return v == nil || v.Kind == tree.Null }

// contested returns the fields that a call sets to what was thought to be there,
// where nothing differs and calls overlapped before: the last of those may have
// been another, and this call may have changed them.
func (d *deriver) contested(ch *change) (paths []string) {
	told := ch.o.via != webhook.FromComputed && ch.snap.Version != "" && ch.snap.Version == d.version(ch.o.body)
	if !ch.doubtful() || ch.significant || told {
		return nil
	}
	names := d.setFields(nil, ch.s.asked)
	for m := range tree.Each(ch.s.asked.Members()) {
		if m.Kind == tree.Null {
			names = append(names, m.Name)
		}
	}
	for _, name := range names {
		paths = append(paths, tree.Join("", name))
	}
	return paths
}

// cleared appends the paths below path that a request sets to null and that
// neither state has.
func cleared(paths []string, path string, asked, before, after *tree.Value) []string {
	for m := range tree.Each(asked.Members()) {
		was, is := before.Get(m.Name), after.Get(m.Name)
		switch {
		case m.Kind == tree.Null && was == nil && is == nil:
			paths = append(paths, tree.Join(path, m.Name))
		case was.IsObject() && is.IsObject() && m.MayHaveNull():
			paths = cleared(paths, tree.Join(path, m.Name), &m.Value, was, is)
		}
	}
	return paths
}

// covered returns the fields that the request sets and that are covered in both
// states alike, so that nothing tells whether it changed them: a password.
func (d *deriver) covered(ch *change) (paths []string) {
	for m := range tree.Each(ch.s.asked.Members()) {
		if is := ch.o.body.Get(m.Name); m.Kind == tree.String && tree.Equal(ch.b.body.Get(m.Name), is) && likeness.Masks(is, &m.Value) {
			paths = append(paths, tree.Join("", m.Name))
		}
	}
	return paths
}

// values are copies of JSON in one piece.
type values []byte

// sizeOf returns values with room for those of changes.
func sizeOf(changes []tree.Change) values {
	n := 0
	for i := range changes {
		n += changes[i].Old.Size() + changes[i].New.Size()
	}
	return make(values, 0, n)
}

// copy returns v as JSON, nil for nil.
func (vs *values) copy(v *tree.Value) json.RawMessage {
	if v == nil {
		return nil
	}
	start := len(*vs)
	*vs = v.Append(*vs)
	return json.RawMessage((*vs)[start:len(*vs):len(*vs)])
}

// sameID reports whether an id differs by its type only, or by not being told
// once: 5 and "5" are one id, and the body of a PUT need not repeat its path's.
func (d *deriver) sameID(s *Subject, f *tree.Change) bool {
	if !slices.Contains(d.e.res.idNames, f.Path) {
		return false
	}
	a, ok1 := f.Old.Text()
	b, ok2 := f.New.Text()
	switch {
	case f.Old == nil:
		return ok2 && b == s.Key.ID
	case f.New == nil:
		return ok1 && a == s.Key.ID
	}
	return ok1 && ok2 && a == b
}

// pathSet answers whether a path is one of a set, below one, or around one.
type pathSet []string

func newPathSet(paths []string) pathSet {
	if len(paths) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(paths))
}

func (set pathSet) touches(path string) bool {
	if len(set) == 0 {
		return false
	}
	if set.covers(path) {
		return true
	}
	at, _ := slices.BinarySearch(set, path+".")
	return at < len(set) && strings.HasPrefix(set[at], path+".")
}

// hides reports whether the paths of the set, which a state does not tell, keep it from
// telling that what it shows at path differs from other. Whatever a part of an object
// is, the object is neither null nor a text.
func (set pathSet) hides(path string, shown, other *tree.Value) bool {
	if shown != nil && shown.Kind >= tree.Array && (other == nil || other.Kind != shown.Kind) {
		return set.covers(path)
	}
	return set.touches(path)
}

// rest returns what a state shows at path without the members that the set has.
func (set pathSet) rest(path string, shown *tree.Value) *tree.Value {
	if !shown.IsObject() || !set.touches(path) {
		return shown
	}
	var members []tree.Member
	for _, m := range shown.Members() {
		if at := tree.Join(path, m.Name); !set.covers(at) {
			m.Value = *set.rest(at, &m.Value)
			members = append(members, m)
		}
	}
	v := tree.NewObject(members)
	return &v
}

// covers reports whether path is one of the set, or below one.
func (set pathSet) covers(path string) bool {
	for i := 0; i <= len(path); i++ {
		if i == len(path) || path[i] == '.' {
			if _, found := slices.BinarySearch(set, path[:i]); found {
				return true
			}
		}
	}
	return false
}
