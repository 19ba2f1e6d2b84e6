package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/tree"
)

// told is what an answer tells of the elements of a bulk.
type told struct {
	results  []result // what it says of single elements
	failures []result // of those that failed; one without an id or an index does not say of which
	of       int      // how many elements the request has
	tell     tells    // whether results are of each element
	limit    int      // to how many it was done, -1: it does not say
	vague    bool     // limit may count something else
	no       bool     // it says that something failed
	later    bool     // it says that it is not done yet
	empty    bool     // it has a list, and nothing in it
	named    bool     // results are under names like deleted
}

// tells is what an answer tells of.
type tells uint8

const (
	ofNone tells = iota // of the call as a whole
	ofSome              // of single elements, which may be others than were asked for
	ofEach              // of each element to which it was done
)

// told reads what the answer tells of elements with those ids ("" for one without).
func (c *call) told(ids []string) *told {
	t := &told{limit: -1, of: len(ids)}
	if c.res == nil || c.resKind == content.IsForm || c.resKind == content.IsParts || c.resKind == content.IsAPI && c.res.Get("data") == nil && c.res.Get("errors") == nil {
		return t
	}
	asked := make(map[string]int, len(ids))
	for i, id := range ids {
		if id != "" {
			asked[id] = i
		}
	}
	switch c.res.Kind {
	case tree.Array:
		t.add(c, pointers(c.res.Elems()), ofEach)
		t.statusesOf(asked)
		return t
	case tree.Bool:
		t.no = string(c.res.Shared()) == "false"
		return t
	case tree.Number:
		if n, ok := isNumber(c.res); ok {
			t.limit, t.vague = n, true
		}
		return t
	}
	e := c.evidenceIn(c.ofJob(c.res), object(c.req))
	t.no, t.later = len(e.no) > 0 || e.status >= 400, e.later
	if len(ids) == 1 && ids[0] != "" {
		if entity := c.entityInAnswer(); entity == c.res && c.e.res.idInElement(entity) == ids[0] {
			t.results = []result{c.resultOf(entity)}
			return t
		}
	}
	t.read(c, c.res, asked, maxEnvelope)
	if t.tell == ofNone && len(ids) == 1 && !t.no && t.limit < 0 {
		if entity := c.entityInAnswer(); entity != nil && c.e.res.idInElement(entity) != "" {
			t.results = []result{c.resultOf(entity)}
		}
	}
	return t
}

// read reads an object of the answer.
func (t *told) read(c *call, v *tree.Value, asked map[string]int, depth int) {
	r := c.e.res
	if t.byID(c, v, asked) {
		return
	}
	var main, only *tree.Value
	arrays := 0
	var counts counted
	for m := range tree.Each(v.Members()) {
		deed := r.doneName(m.Name)
		switch {
		case failureName(m.Name):
			t.failed(c, &m.Value, asked)
			counts.failed(&m.Value)
		case m.Kind == tree.Number && deed != noDeed:
			counts.add(deed, &m.Value)
		case m.Kind == tree.Bool && wordIn(partWords, m.Name) == flagWord:
			t.no = t.no || string(m.Shared()) == "false"
		case m.Name == "hasErrors", m.Name == "has_errors":
			t.no = t.no || saysWhy(&m.Value)
		case m.IsArray() && wordIn(besideNames, m.Name):
		case m.IsArray() && deed != noDeed && deed != loose:
			t.done(c, deed, pointers(m.Elems()))
		case m.IsObject() && deed != noDeed:
			t.byIndex(c, &m.Value, asked)
		case m.IsArray() && r.listsBy(m.Name) && main == nil:
			main = &m.Value
		case m.IsArray():
			only, arrays = &m.Value, arrays+1
		}
	}
	t.counted(&counts)
	switch {
	case main != nil:
		t.add(c, pointers(main.Elems()), ofEach)
		t.plainIn(c, lastName(v, main), asked)
		t.mark(v.Get("createdRecords"))
	case t.tell == ofNone && arrays == 1 && len(only.Elems()) > 0 && only.Elems()[0].IsObject():
		t.add(c, pointers(only.Elems()), ofSome)
	case t.tell == ofNone && depth > 0:
		for _, name := range []string{"data", "response", "result", "results", "payload", "body", "content", "_embedded", "d", "meta", "stats", "summary"} {
			if inner := v.Get(name); inner.IsObject() {
				t.read(c, inner, asked, depth-1)
			}
		}
	}
}

// add adds a list of what the answer tells of single elements.
func (t *told) add(c *call, list []*tree.Value, tell tells) {
	for _, v := range list {
		t.results = append(t.results, c.resultOf(v))
	}
	if len(list) > 0 {
		t.tell = max(t.tell, tell)
	} else {
		t.empty = true
	}
}

// mark notes of results that they were created, if made has their ids:
// {"records": [{"id": "a"}, {"id": "b"}], "createdRecords": ["b"]} (Airtable).
func (t *told) mark(made *tree.Value) {
	for i := range t.results {
		r := &t.results[i]
		if slices.ContainsFunc(made.Elems(), func(v tree.Value) bool { return v.Is(r.id) }) {
			r.tellDeed(madeDeed)
		}
	}
}

// plainIn says what plain numbers are in a list called name: ids where it says so.
func (t *told) plainIn(c *call, name string, asked map[string]int) {
	if lower := strings.ToLower(name); !strings.HasSuffix(lower, "ids") && lower != "keys" && !slices.Contains(c.e.res.idNames, name) {
		t.statusesOf(asked)
		return
	}
	for i := range t.results {
		t.results[i].plain = false
	}
}

// done adds a list of those to which it was done: {"deleted": [1, 2]}.
func (t *told) done(c *call, deed deed, list []*tree.Value) {
	for _, v := range list {
		r := c.resultOf(v)
		r.plain, r.listed = false, true
		r.tellDeed(deed)
		t.results = append(t.results, r)
	}
	t.tell, t.named = ofEach, true
}

// listIn returns the elements of the list that a body is or has: under a name
// that lists have, else the only array in it; nil if there is none.
func (r *resource) listIn(v *tree.Value) []*tree.Value {
	if v.IsArray() {
		return pointers(v.Elems())
	}
	var only *tree.Value
	arrays := 0
	for m := range tree.Each(v.Members()) {
		if !m.IsArray() || failureName(m.Name) || wordIn(besideNames, m.Name) {
			continue
		}
		if r.listsBy(m.Name) {
			return pointers(m.Elems())
		}
		only, arrays = &m.Value, arrays+1
	}
	if arrays == 1 && len(only.Elems()) > 0 && (only.Elems()[0].IsObject() || r.doneName(lastName(v, only)) != noDeed) {
		return pointers(only.Elems())
	}
	for _, name := range []string{"data", "response", "result", "payload", "body", "content", "_embedded", "d"} {
		if inner := v.Get(name); arrays == 0 && inner.IsObject() {
			return r.listIn(inner)
		}
	}
	return nil
}

// lastName returns the name under which v has inner.
func lastName(v, inner *tree.Value) string {
	for m := range tree.Each(v.Members()) {
		if &m.Value == inner {
			return m.Name
		}
	}
	return ""
}

func pointers(list []tree.Value) []*tree.Value {
	out := make([]*tree.Value, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}
