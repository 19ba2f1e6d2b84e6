package tree

// Fate says what becomes of a member that the newer state does not show.
type Fate uint8

const (
	Removed   Fate = iota // it is gone
	Kept                  // it is as it was
	KeptDoubt             // it is shown as it was, and its path is listed
)

// Judge says what becomes of the member at path that newer does not show.
type Judge func(path string, newer *Value) Fate

// Overlay returns newer with the members of older that it lacks, each as fate
// says for its path (newer itself if it gets none), and the paths kept in doubt.
// Objects are overlaid level by level, except those that carry an id each and a
// different one: they are different things. The order is newer's.
func Overlay(older, newer *Value, fate Judge) (v *Value, doubts []string) {
	o := overlayer{fate: fate}
	return o.overlay("", older, newer), o.doubts
}

type overlayer struct {
	fate   Judge
	doubts []string
}

func (o *overlayer) overlay(path string, older, newer *Value) *Value {
	if !older.IsObject() || !newer.IsObject() || otherThing(path, older, newer) {
		return newer
	}
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
		if prior != nil {
			found++
		}
		if prior.IsObject() && m.Kind == Object && prior.raw != m.raw {
			now := o.overlay(Join(path, m.Name), prior, &m.Value)
			if m.raw == "" || now.raw != m.raw {
				own(0)
				members[i].Value = *now
			}
		}
	}
	if found < len(was) {
		for i := range was {
			m := &was[i]
			if newer.find(m.Name, i) != nil {
				continue
			}
			below := Join(path, m.Name)
			switch o.fate(below, newer) {
			case KeptDoubt:
				o.doubts = append(o.doubts, below)
				fallthrough
			case Kept:
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
