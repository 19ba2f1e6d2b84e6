package rules

import (
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/rules/tree"
)

// pairs finds which result answers which element of a request: by id, by a
// reference that the client gave, by the index that the result tells, or, if
// there are as many of both, by their place.
type pairs struct {
	r       *resource
	asked   []*tree.Value
	results []result
	ids     []string // of asked; nil: in them

	of    []int // of each of asked the place of its result, -1: none
	taken []bool
}

func (p *pairs) find() {
	p.of, p.taken = make([]int, len(p.asked)), make([]bool, len(p.results))
	for i := range p.of {
		p.of[i] = -1
	}
	p.by(p.idOf, func(r *result) string { return r.id })
	for _, name := range clientRefs {
		p.by(func(i int) string { return textAt(p.asked[i], name) }, func(r *result) string { return textAt(r.said, name) })
	}
	p.by(func(i int) string { return strconv.Itoa(i) }, func(r *result) string { return textAt(r.said, "index") })
	if len(p.asked) != len(p.results) {
		return
	}
	for i := range p.of {
		if p.of[i] < 0 && !p.taken[i] && (p.idOf(i) == "" || p.results[i].id == "") {
			p.of[i], p.taken[i] = i, true
		}
	}
}

func (p *pairs) idOf(i int) string {
	if p.ids != nil && p.ids[i] != "" {
		return p.ids[i]
	}
	return p.r.idInElement(p.asked[i])
}

// by pairs what has the same text, where no other has it.
func (p *pairs) by(asked func(int) string, said func(*result) string) {
	const twice = -1
	places := make(map[string]int)
	for i := range p.results {
		text := said(&p.results[i])
		if text == "" || p.taken[i] {
			continue
		}
		if _, again := places[text]; again {
			places[text] = twice
		} else {
			places[text] = i
		}
	}
	if len(places) == 0 {
		return
	}
	for i := range p.of {
		if p.of[i] >= 0 {
			continue
		}
		if at, ok := places[asked(i)]; ok && at != twice && !p.taken[at] {
			p.of[i], p.taken[at] = at, true
		}
	}
}

func textAt(v *tree.Value, name string) string {
	text, _ := v.Get(name).Text()
	return text
}

// listIn returns the elements of the list that a body is or has: under a name
// that lists have, else the only array in it; nil if there is none.
func (r *resource) listIn(v *tree.Value) []*tree.Value {
	if v.IsArray() {
		return pointers(v.Elems())
	}
	var only *tree.Value
	arrays := 0
	for i := range v.Members() {
		m := &v.Members()[i]
		if !m.IsArray() || slices.Contains(failureNames, m.Name) {
			continue
		}
		if r.listsBy(m.Name) {
			return pointers(m.Elems())
		}
		only, arrays = &m.Value, arrays+1
	}
	if arrays == 1 && len(only.Elems()) > 0 && only.Elems()[0].IsObject() {
		return pointers(only.Elems())
	}
	for _, name := range []string{"data", "response", "result"} {
		if inner := v.Get(name); arrays == 0 && inner.IsObject() {
			return r.listIn(inner)
		}
	}
	return nil
}

// listsBy reports whether name is one that lists of the resource have.
func (r *resource) listsBy(name string) bool {
	return slices.Contains(listNames, name) ||
		slices.ContainsFunc(r.wraps, func(w string) bool { return name == w+"s" || name == w+"_ids" || name == w+"Ids" })
}

func failuresIn(v *tree.Value) []tree.Value {
	for _, name := range failureNames {
		if list := v.Get(name); list.IsArray() && len(list.Elems()) > 0 {
			return list.Elems()
		}
	}
	return nil
}

func pointers(list []tree.Value) []*tree.Value {
	out := make([]*tree.Value, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}
