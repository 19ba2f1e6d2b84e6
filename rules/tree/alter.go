package tree

import "strconv"

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
	inOlder, inNewer := finder{in: older}, finder{in: newer}
	altered := false
	for i := range newer.Members {
		m := newer.Members[i]
		if was := inOlder.find(m.Name, i); was.IsObject() && m.Kind == Object && was.raw != m.raw {
			raw := m.raw
			m.Value = o.overlay(Join(path, m.Name), was, &newer.Members[i].Value)
			altered = altered || raw == "" || m.raw != raw
		}
		members = append(members, m)
	}
	for i := range older.Members {
		m := older.Members[i]
		if inNewer.find(m.Name, i) != nil {
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
	inPatch, inTarget := finder{in: patch}, finder{in: target}
	for i := range target.Members {
		m := target.Members[i]
		p := inPatch.find(m.Name, i)
		switch {
		case p == nil:
			members = append(members, m)
		case p.Kind != Null:
			members = append(members, Member{m.Name, MergePatch(&m.Value, p)})
		}
	}
	for i := range patch.Members {
		m := &patch.Members[i]
		if m.Kind != Null && inTarget.find(m.Name, i) == nil {
			members = append(members, Member{m.Name, MergePatch(nil, &m.Value)})
		}
	}
	return NewObject(members)
}

// Remove returns v without the paths that match selects; elements of arrays
// are named by their index. v itself is not altered.
func Remove(v *Value, match func(path string) bool) Value { return remove("", v, match) }

func remove(path string, v *Value, match func(string) bool) Value {
	switch v.Kind {
	case Object:
		members := make([]Member, 0, len(v.Members))
		same := v.raw != ""
		for i := range v.Members {
			m := v.Members[i]
			below := Join(path, m.Name)
			if match(below) {
				same = false
				continue
			}
			raw := m.raw
			m.Value = remove(below, &m.Value, match)
			same = same && m.raw == raw
			members = append(members, m)
		}
		if !same {
			return NewObject(members)
		}
	case Array:
		elems := make([]Value, len(v.Elems))
		same := v.raw != ""
		for i := range v.Elems {
			elems[i] = remove(Join(path, strconv.Itoa(i)), &v.Elems[i], match)
			same = same && elems[i].raw == v.Elems[i].raw
		}
		if !same {
			return NewArray(elems)
		}
	}
	return *v
}
