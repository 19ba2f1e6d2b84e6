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
// says for its path, and the paths kept in doubt. Objects are overlaid level by
// level, except those that carry an id each and a different one: they are
// different things. The order is newer's.
func Overlay(older, newer *Value, fate Judge) (v Value, doubts []string) {
	o := overlayer{fate: fate}
	return o.overlay("", older, newer), o.doubts
}

type overlayer struct {
	fate   Judge
	doubts []string
}

func (o *overlayer) overlay(path string, older, newer *Value) Value {
	if !older.IsObject() || !newer.IsObject() || otherThing(path, older, newer) {
		return *newer
	}
	members := make([]Member, 0, max(len(older.Members), len(newer.Members)))
	altered := false
	for i := range newer.Members {
		m := newer.Members[i]
		if was := older.find(m.Name, i); was.IsObject() && m.Kind == Object && was.raw != m.raw {
			raw := m.raw
			m.Value = o.overlay(Join(path, m.Name), was, &newer.Members[i].Value)
			altered = altered || raw == "" || m.raw != raw
		}
		members = append(members, m)
	}
	for i := range older.Members {
		m := older.Members[i]
		if newer.find(m.Name, i) != nil {
			continue
		}
		below := Join(path, m.Name)
		switch o.fate(below, newer) {
		case KeptDoubt:
			o.doubts = append(o.doubts, below)
			fallthrough
		case Kept:
			members, altered = append(members, m), true
		}
	}
	if !altered {
		return *newer
	}
	return NewObject(members)
}

func otherThing(path string, a, b *Value) bool {
	x, y := a.Get("id"), b.Get("id")
	return path != "" && x != nil && y != nil && !Equal(x, y)
}

// MergePatch applies an RFC 7396 patch: null deletes, arrays are replaced.
func MergePatch(target, patch *Value) Value {
	if patch.Kind != Object {
		return *patch
	}
	if !target.IsObject() {
		target = &Value{Kind: Object}
	}
	members := make([]Member, 0, len(target.Members)+len(patch.Members))
	for i := range target.Members {
		m := target.Members[i]
		p := patch.find(m.Name, i)
		switch {
		case p == nil:
			members = append(members, m)
		case p.Kind != Null:
			members = append(members, Member{m.Name, MergePatch(&m.Value, p)})
		}
	}
	for i := range patch.Members {
		m := &patch.Members[i]
		if m.Kind != Null && target.find(m.Name, i) == nil {
			members = append(members, Member{m.Name, MergePatch(nil, &m.Value)})
		}
	}
	return NewObject(members)
}

// Assign returns target with each of from's members in place of its own.
func Assign(target, from *Value) Value {
	members := make([]Member, 0, len(target.Members)+len(from.Members))
	for i := range target.Members {
		m := target.Members[i]
		if set := from.find(m.Name, i); set != nil {
			m.Value = *set
		}
		members = append(members, m)
	}
	for i := range from.Members {
		if target.find(from.Members[i].Name, i) == nil {
			members = append(members, from.Members[i])
		}
	}
	return NewObject(members)
}
