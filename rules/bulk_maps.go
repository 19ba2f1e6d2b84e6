package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// byIndex reads a map of places in the request, or of the client's own ids, to ids:
// {"insertedIds": {"0": 5}}.
func (t *told) byIndex(c *call, v *tree.Value, asked map[string]int) {
	for m := range tree.Each(v.Members()) {
		index := m.Name
		if at, ok := asked[m.Name]; ok {
			index = strconv.Itoa(at)
		} else if _, err := strconv.Atoi(m.Name); err != nil {
			continue
		}
		r := c.resultOf(&m.Value)
		r.index = index
		t.results, t.tell = append(t.results, r), ofEach
	}
}

// byID reads a map of ids to what became of each: {"10": true, "11": {"error": …}}.
func (t *told) byID(c *call, v *tree.Value, asked map[string]int) bool {
	found := false
	for m := range tree.Each(v.Members()) {
		if _, ok := asked[m.Name]; ok {
			found = true
		} else if !isReceiptWord(m.Name) && m.Name != "status" && m.Name != "meta" {
			return false
		}
	}
	if !found {
		return false
	}
	t.tell, t.named = ofEach, true
	for m := range tree.Each(v.Members()) {
		if _, ok := asked[m.Name]; ok {
			r := c.resultOf(&m.Value)
			if r.id = m.Name; r.plain {
				r.isStatus()
			}
			t.results = append(t.results, r)
		} else if failureName(m.Name) {
			t.failed(c, &m.Value, asked)
		}
	}
	return true
}

// failed reads what is under a name like errors: a list, or a map of ids or of
// places in the request, like {"items.1.title": "is required"}.
func (t *told) failed(c *call, v *tree.Value, asked map[string]int) {
	switch {
	case v.IsArray():
		for _, e := range pointers(v.Elems()) {
			r := c.resultOf(e)
			if _, ok := asked[r.id]; !ok && r.index == "" {
				r.index = c.e.res.placeIn(e)
			}
			t.failures = append(t.failures, r)
		}
	case v.IsObject():
		places := !outgrows(v, t.of)
		for m := range tree.Each(v.Members()) {
			r := c.resultOf(&m.Value)
			r.id = ""
			at, ok := asked[m.Name]
			if index, err := strconv.Atoi(m.Name); ok && err == nil && index != at && places {
				t.failures = append(t.failures, r) // it may be an id or a place
			} else if ok {
				r.id = m.Name
			} else if r.index = c.e.res.indexIn(m.Name); r.index == "" {
				continue // of whom, and of how many, it does not say
			}
			if r.id != "" || r.index != "" {
				t.failures = append(t.failures, r)
			}
		}
	}
	t.no = t.no || len(t.failures) > 0 || saysWhy(v)
}

// outgrows reports whether a name in v is no place in a list of so many.
func outgrows(v *tree.Value, of int) bool {
	return slices.ContainsFunc(v.Members(), func(m tree.Member) bool {
		n, err := strconv.Atoi(m.Name)
		return err != nil || n >= of
	})
}

// indexIn returns the number that a path in the request begins with, or that is
// behind the name of its list: [1].title, items.1.title, /data/1.
func (r *resource) indexIn(path string) string {
	parts := strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' || c == '/' })
	if len(parts) > 1 && (r.listsBy(parts[0]) || parts[0] == "body") {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		return ""
	}
	if _, err := strconv.Atoi(parts[0]); err != nil {
		return ""
	}
	return parts[0]
}

// placeIn returns the place in the request that an error tells of: by a JSON
// pointer, or as validators do: {"loc": ["body", 1, "title"]}.
func (r *resource) placeIn(e *tree.Value) string {
	for _, v := range []*tree.Value{e.At("source", "pointer"), e.Get("pointer"), e.Get("loc"), e.Get("path"), e.Get("field")} {
		text, ok := v.Text()
		for e := range tree.Each(v.Elems()) {
			part, _ := e.Text()
			text, ok = text+"."+part, true
		}
		if ok && (v != e.Get("path") || !strings.HasPrefix(text, "/")) {
			return r.indexIn(text)
		}
	}
	return ""
}

// counted are the numbers in an answer.
type counted struct {
	by    [loose + 1]int
	has   [loose + 1]bool
	fails int
}

func (n *counted) add(deed deed, v *tree.Value) {
	if many, ok := isNumber(v); ok {
		n.by[deed], n.has[deed] = max(n.by[deed], many), true
	}
}

func (n *counted) failed(v *tree.Value) {
	if many, ok := isNumber(v); ok {
		n.fails = max(n.fails, many)
	}
}

// counted sets the limit that numbers tell.
func (t *told) counted(n *counted) {
	sum := n.by[madeDeed] + n.by[changedDeed] + n.by[removedDeed]
	switch {
	case n.has[madeDeed] || n.has[changedDeed] || n.has[removedDeed]:
		t.limit = max(sum, n.by[someDeed])
	case n.has[someDeed]:
		t.limit = n.by[someDeed]
	case n.has[loose]:
		t.limit, t.vague = n.by[loose], true
	}
}
