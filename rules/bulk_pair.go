package rules

import (
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/rules/tree"
)

// pairs finds which result answers which element of a request: by id, by a
// reference that the client gave, by the index that the result tells, or, if
// there are as many of both, by what they say, or by their place.
type pairs struct {
	r       *resource
	asked   []*tree.Value
	results []result
	ids     []string // of asked, "" for one without
	calls   []string // of asked, what it calls itself where that is no id of the entity; nil: none does
	create  bool
	alike   bool // what has nothing to show for it is no pair

	of    []int // of each of asked the place of its result, -1: none
	taken []bool
}

func (p *pairs) find() {
	p.tie()
	if len(p.asked) != len(p.results) {
		return
	}
	if p.create && slices.Contains(p.of, -1) {
		p.by(func(i int) string { return p.text(flat(p.asked[i])) }, func(r *result) string { return p.text(r.entity) })
	}
	for i := range p.of {
		if p.of[i] < 0 && !p.taken[i] && !(p.create && p.alike) && (p.ids[i] == "" || p.results[i].id == "" || p.create) {
			p.of[i], p.taken[i] = i, true
		}
	}
}

// tie pairs what names each other.
func (p *pairs) tie() {
	p.of, p.taken = make([]int, len(p.asked)), make([]bool, len(p.results))
	for i := range p.of {
		p.of[i] = -1
	}
	if p.calls != nil {
		p.by(func(i int) string { return p.calls[i] }, func(r *result) string { return textAt(r.said, "id") })
	}
	p.byID()
	for _, name := range clientRefs {
		p.by(func(i int) string { return textAt(p.asked[i], name) }, func(r *result) string { return textAt(r.said, name) })
	}
	p.by(strconv.Itoa, func(r *result) string { return r.index })
}

// text returns what v has, as text, in the plain fields that the first of asked
// has beside ids.
func (p *pairs) text(v *tree.Value) (text string) {
	like := flat(p.asked[0])
	for m := range tree.Each(like.Members()) {
		if m.Kind >= tree.Array || slices.Contains(p.r.idNames, m.Name) {
			continue
		}
		value := v.Get(m.Name)
		if value == nil {
			return ""
		}
		text += strconv.Quote(string(value.Shared()))
	}
	return text
}

// byID pairs what has the same id, that of one which is named twice in the order
// of both; a request that names one twice may be answered once.
func (p *pairs) byID() {
	places := make(map[string][]int, len(p.results))
	for i := range p.results {
		if id := p.results[i].id; id != "" && !p.taken[i] {
			places[id] = append(places[id], i)
		}
	}
	if len(places) == 0 {
		return
	}
	for i, id := range p.ids {
		if list := places[id]; id != "" && p.of[i] < 0 && len(list) > 0 {
			p.of[i], p.taken[list[0]] = list[0], true
			if len(list) > 1 {
				places[id] = list[1:]
			}
		}
	}
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
