package views

import "strings"

// maxViews bounds how many views of one entity are remembered.
const maxViews = 8

// List are the views that have contributed to a state, the last one first,
// with spaces between them.
type List string

// All goes through the views of vs.
func (vs List) All(yield func(View) bool) {
	for s := range strings.SplitSeq(string(vs), " ") {
		if s != "" && !yield(parseView(s)) {
			return
		}
	}
}

// Last returns the view that was added last.
func (vs List) Last() View {
	first, _, _ := strings.Cut(string(vs), " ")
	v := parseView(first)
	v.Less, v.old = false, false
	return v
}

// With returns vs with v as the last. A view that showed less once may do so again.
func (vs List) With(v View) List {
	if s := v.String(); vs == "" || string(vs) == s {
		return List(s)
	}
	list, plain := make([]View, 1, maxViews), v.plain()
	for w := range vs.All {
		if w.plain() == plain {
			v.Less = v.Less || w.Less
			continue
		}
		if w.old = w.old && !v.Shows(w); len(list) < maxViews {
			list = append(list, w)
		}
	}
	list[0] = v
	return joinViews(list)
}

// LessBut returns vs with all but v as ones that may show less.
func (vs List) LessBut(v View) List {
	var list []View
	for w := range vs.All {
		w.Less = w.Less || w.plain() != v
		list = append(list, w)
	}
	return joinViews(list)
}

// Old returns vs with all of them as old.
func (vs List) Old() List {
	var list []View
	for w := range vs.All {
		w.old = true
		list = append(list, w)
	}
	return joinViews(list)
}

// OldBut returns vs with those as old that show what the last one does not.
func (vs List) OldBut() List {
	var list []View
	last := vs.Last()
	for w := range vs.All {
		w.old = w.old || len(list) > 0 && !last.Shows(w)
		list = append(list, w)
	}
	return joinViews(list)
}

func joinViews(list []View) List {
	var b strings.Builder
	for i, v := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.String())
	}
	return List(b.String())
}

// Only reports whether v is the only one of vs.
func (vs List) Only(v View) bool {
	return vs != "" && strings.IndexByte(string(vs), ' ') < 0 && parseView(string(vs)) == v
}

// OnlyBy reports whether nobody but as looked.
func (vs List) OnlyBy(as string) bool {
	for v := range vs.All {
		if v.As != as {
			return false
		}
	}
	return true
}

// Whole reports whether as looked, and was shown whatever others were, as far as
// that is known.
func (vs List) Whole(as string) bool {
	looked := false
	for v := range vs.All {
		if v.As == as && (v.Less || v.old) {
			return false
		}
		looked = looked || v.As == as
	}
	return looked
}

// Has reports whether the view v is one of vs, and showed whatever others did, as
// far as that is known.
func (vs List) Has(v View) bool {
	for w := range vs.All {
		if w == v {
			return true
		}
	}
	return false
}

// Show reports whether one of vs shows whatever v shows.
func (vs List) Show(v View) bool {
	for w := range vs.All {
		if w.Shows(v) {
			return true
		}
	}
	return false
}

// By reports whether one of vs, and no narrow one, is who's or the service's.
func (vs List) By(who string) bool {
	for v := range vs.All {
		if !v.Narrow() && !v.old && (v.As == who || v.As == Service) {
			return true
		}
	}
	return false
}

// Fetched reports whether one of vs is a GET's.
func (vs List) Fetched() bool {
	for v := range vs.All {
		if v.Kind == Get {
			return true
		}
	}
	return false
}

// AllOld reports whether nobody has looked since something may have been done.
func (vs List) AllOld() bool {
	for v := range vs.All {
		if !v.old {
			return false
		}
	}
	return vs != ""
}

// Echo reports whether all of vs are echoes.
func (vs List) Echo() bool {
	for v := range vs.All {
		if v.Kind != Echo {
			return false
		}
	}
	return true
}
