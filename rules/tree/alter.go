package tree

// Fate says what becomes of what the newer state does not show.
type Fate uint8

const (
	Removed   Fate = iota // it is gone
	Kept                  // it is as it was
	KeptDoubt             // it is shown as it was, and its path is listed
)

// Judge says what [Overlay] makes of what the newer state does not show, or shows
// less of.
type Judge struct {
	// Lacks says what becomes of a member that the older state has at path, and the
	// newer one has not.
	Lacks func(path string) Fate

	// Element is Lacks for an element of an array that both have. nil: it is gone.
	Element func(path string) Fate

	// Less says whether the newer value at path is taken to say less than the older
	// one, which is kept then, and which paths are in doubt because of that. nil: never.
	Less func(path string, older, newer *Value) (keep bool, doubts []string)

	// Keys says which arrays are overlaid by element. Others are as the newer state
	// has them.
	Keys Keys
}

// Overlay returns newer with what older has and it lacks, as far as the judge keeps
// that (newer itself if it gets nothing), and the paths kept in doubt. Objects are
// overlaid level by level, except those that carry an id each and a different one:
// they are different things. The order is newer's.
func Overlay(older, newer *Value, by Judge) (v *Value, doubts []string) {
	o := overlayer{Judge: by}
	return o.overlay("", "", older, newer), o.doubts
}

type overlayer struct {
	Judge
	doubts []string
}

// overlay is Overlay at path; shape is the path with * for elements.
func (o *overlayer) overlay(path, shape string, older, newer *Value) *Value {
	switch {
	case older == nil || older.raw != "" && older.raw == newer.raw:
		return newer
	case older.IsObject() && newer.IsObject():
		if otherThing(path, older, newer) {
			return newer
		}
		return o.members(path, shape, older, newer)
	case len(o.Keys) > 0 && older.Kind == Array && newer.Kind == Array:
		if key, ok := o.Keys[shape]; ok {
			return o.elements(path, shape, key, older, newer)
		}
	}
	if o.Less != nil && path != "" && !Equal(older, newer) {
		if keep, doubts := o.Less(path, older, newer); keep {
			o.doubts = append(o.doubts, doubts...)
			return older
		}
	}
	return newer
}

func (o *overlayer) members(path, shape string, older, newer *Value) *Value {
	members := newer.Members()
	was := older.Members()
	altered, found := false, 0
	own := func(more int) {
		if !altered {
			members, altered = append(make([]Member, 0, len(members)+more), members...), true
		}
	}
	for i := range members {
		m := &members[i]
		prior := older.find(m.Name, i)
		if prior == nil {
			continue
		}
		found++
		if prior.raw != "" && prior.raw == m.raw || o.Less == nil && min(prior.Kind, m.Kind) < Array {
			continue
		}
		if now := o.overlay(Join(path, m.Name), o.Keys.below(shape, m.Name), prior, &m.Value); now != &m.Value {
			own(0)
			members[i].Value = *now
		}
	}
	if found < len(was) {
		for i := range was {
			m := &was[i]
			if newer.find(m.Name, i) == nil && o.keeps(Join(path, m.Name), o.Lacks) {
				own(len(was) - found)
				members = append(members, *m)
			}
		}
	}
	if !altered {
		return newer
	}
	v := NewObject(members)
	return &v
}

// elements overlays two arrays by key; newer stays as it is if an element has none,
// or two have the same.
func (o *overlayer) elements(path, shape string, key []string, older, newer *Value) *Value {
	was, ok1 := keyed(older, key)
	is, ok2 := keyed(newer, key)
	if !ok1 || !ok2 {
		return newer
	}
	elems, altered := newer.Elems(), false
	own := func() {
		if !altered {
			elems, altered = append(make([]Value, 0, len(elems)+len(was)), elems...), true
		}
	}
	for i := range elems {
		k, _ := elems[i].At(key...).Text()
		if now := o.overlay(Join(path, k), ElementsOf(shape), was[k], &elems[i]); now != &elems[i] {
			own()
			elems[i] = *now
		}
	}
	for i, all := 0, older.Elems(); i < len(all); i++ {
		if k, _ := all[i].At(key...).Text(); is[k] == nil && o.Element != nil && o.keeps(Join(path, k), o.Element) {
			own()
			elems = append(elems, all[i])
		}
	}
	if !altered {
		return newer
	}
	v := NewArray(elems)
	return &v
}

// keeps reports whether what is at path stays, and notes the doubt.
func (o *overlayer) keeps(path string, by func(path string) Fate) bool {
	fate := by(path)
	if fate == KeptDoubt {
		o.doubts = append(o.doubts, path)
	}
	return fate != Removed
}

func otherThing(path string, a, b *Value) bool {
	if path == "" {
		return false
	}
	x, y := a.Get("id"), b.Get("id")
	return x != nil && y != nil && !Equal(x, y)
}

// MergePatch applies an RFC 7396 patch: null deletes, arrays are replaced.
func MergePatch(target, patch *Value) Value {
	if patch.Kind != Object {
		return *patch
	}
	if !target.IsObject() {
		target = &Value{Kind: Object}
	}
	was, set := target.Members(), patch.Members()
	members := make([]Member, 0, len(was)+len(set))
	for i := range was {
		m := was[i]
		p := patch.find(m.Name, i)
		switch {
		case p == nil:
			members = append(members, m)
		case p.Kind != Null:
			members = append(members, Member{m.Name, MergePatch(&m.Value, p)})
		}
	}
	for i := range set {
		m := &set[i]
		if m.Kind != Null && target.find(m.Name, i) == nil {
			members = append(members, Member{m.Name, MergePatch(nil, &m.Value)})
		}
	}
	return NewObject(members)
}

// Assign returns target with each of from's members in place of its own.
func Assign(target, from *Value) Value {
	was, set := target.Members(), from.Members()
	members := make([]Member, 0, len(was)+len(set))
	for i := range was {
		m := was[i]
		if to := from.find(m.Name, i); to != nil {
			m.Value = *to
		}
		members = append(members, m)
	}
	for i := range set {
		if target.find(set[i].Name, i) == nil {
			members = append(members, set[i])
		}
	}
	return NewObject(members)
}
