package rules

import "strings"

// maxViews bounds how many views of one entity are remembered.
const maxViews = 8

// views are the views that have contributed to a state, the last one first,
// with spaces between them.
type views string

// all goes through the views of vs.
func (vs views) all(yield func(view) bool) {
	for s := range strings.SplitSeq(string(vs), " ") {
		if s != "" && !yield(parseView(s)) {
			return
		}
	}
}

// last returns the view that was added last.
func (vs views) last() view {
	first, _, _ := strings.Cut(string(vs), " ")
	v := parseView(first)
	v.less, v.old = false, false
	return v
}

// with returns vs with v as the last. A view that showed less once may do so again.
func (vs views) with(v view) views {
	if s := v.String(); vs == "" || string(vs) == s {
		return views(s)
	}
	list, plain := make([]view, 1, maxViews), v.plain()
	for w := range vs.all {
		if w.plain() == plain {
			v.less = v.less || w.less
			continue
		}
		if w.old = w.old && !v.shows(w); len(list) < maxViews {
			list = append(list, w)
		}
	}
	list[0] = v
	return joinViews(list)
}

// lessBut returns vs with all but v as ones that may show less.
func (vs views) lessBut(v view) views {
	var list []view
	for w := range vs.all {
		w.less = w.less || w.plain() != v
		list = append(list, w)
	}
	return joinViews(list)
}

// old returns vs with all of them as old.
func (vs views) old() views {
	var list []view
	for w := range vs.all {
		w.old = true
		list = append(list, w)
	}
	return joinViews(list)
}

// oldBut returns vs with those as old that show what the last one does not.
func (vs views) oldBut() views {
	var list []view
	last := vs.last()
	for w := range vs.all {
		w.old = w.old || len(list) > 0 && !last.shows(w)
		list = append(list, w)
	}
	return joinViews(list)
}

func joinViews(list []view) views {
	var b strings.Builder
	for i, v := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.String())
	}
	return views(b.String())
}

// only reports whether v is the only one of vs.
func (vs views) only(v view) bool {
	return vs != "" && strings.IndexByte(string(vs), ' ') < 0 && parseView(string(vs)) == v
}

// onlyBy reports whether nobody but as looked.
func (vs views) onlyBy(as string) bool {
	for v := range vs.all {
		if v.as != as {
			return false
		}
	}
	return true
}

// whole reports whether as looked, and was shown whatever others were, as far as
// that is known.
func (vs views) whole(as string) bool {
	looked := false
	for v := range vs.all {
		if v.as == as && (v.less || v.old) {
			return false
		}
		looked = looked || v.as == as
	}
	return looked
}

// has reports whether the view v is one of vs, and showed whatever others did, as
// far as that is known.
func (vs views) has(v view) bool {
	for w := range vs.all {
		if w == v {
			return true
		}
	}
	return false
}

// show reports whether one of vs shows whatever v shows.
func (vs views) show(v view) bool {
	for w := range vs.all {
		if w.shows(v) {
			return true
		}
	}
	return false
}

// by reports whether one of vs, and no narrow one, is who's or the service's.
func (vs views) by(who string) bool {
	for v := range vs.all {
		if !v.narrow() && !v.old && (v.as == who || v.as == byService) {
			return true
		}
	}
	return false
}

// fetched reports whether one of vs is a GET's.
func (vs views) fetched() bool {
	for v := range vs.all {
		if v.kind == viewGet {
			return true
		}
	}
	return false
}

// allOld reports whether nobody has looked since something may have been done.
func (vs views) allOld() bool {
	for v := range vs.all {
		if !v.old {
			return false
		}
	}
	return vs != ""
}

// echo reports whether all of vs are echoes.
func (vs views) echo() bool {
	for v := range vs.all {
		if v.kind != viewEcho {
			return false
		}
	}
	return true
}
