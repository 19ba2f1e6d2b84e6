package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// evidence is what there is in an element for or against it.
type evidence struct {
	status  int
	name    string   // where that is
	code    bool     // entities have other numbers there
	yes, no []string // names
	reason  bool     // something says why not
	later   bool     // something says not yet
	made    bool     // something says created
	shows   bool     // something is there as the request set it
	usual   bool
}

// evidenceIn gathers what v says, but for what asked set so.
func (c *call) evidenceIn(v, asked *tree.Value) (e evidence) {
	r := c.e.res
	e.usual = r.usual(v)
	for m := range tree.Each(v.Members()) {
		id := slices.Contains(r.idNames, m.Name)
		if set := asked.Get(m.Name); set != nil && !id && tree.Equal(set, &m.Value) {
			e.shows = e.shows || wordIn(partWords, m.Name) != usualWord && !slices.Contains(clientRefs, m.Name)
			continue
		}
		if id {
			continue
		}
		if c.e.kind == Delete && wordIn(doneNames, m.Name) == removedDeed && m.Kind == tree.Bool {
			e.flag(m.Name, &m.Value)
			continue
		}
		switch w := wordIn(partWords, m.Name); w {
		case statusWord, codeWord, resultWord:
			e.text(m.Name, &m.Value, w)
		case flagWord:
			e.flag(m.Name, &m.Value)
		case errorWord:
			if saysWhy(&m.Value) {
				e.no = append(e.no, m.Name)
			}
		case reasonWord:
			e.reason = e.reason || saysWhy(&m.Value)
		}
	}
	return e
}

// flag counts true or false.
func (e *evidence) flag(name string, v *tree.Value) {
	switch {
	case v.Kind != tree.Bool:
	case string(v.Shared()) == "true":
		e.yes = append(e.yes, name)
	default:
		e.no = append(e.no, name)
	}
}

// text counts an HTTP status, or a text like one of noTexts. Of an entity with
// more to it, such a text is a field.
func (e *evidence) text(name string, v *tree.Value, w partWord) {
	text, ok := v.Text()
	if w == resultWord && v.Kind == tree.Bool {
		e.flag(name, v)
	}
	if !ok {
		return
	}
	number := text
	if protocol, rest, ok := strings.Cut(text, " "); ok && strings.HasPrefix(protocol, "HTTP/") {
		number = rest
	}
	number, _, _ = strings.Cut(number, " ")
	if n, err := strconv.Atoi(number); err == nil {
		if w != resultWord && n >= 100 && n < 600 && (e.status == 0 || e.code) {
			e.status, e.name, e.code = n, name, w == codeWord
		}
		return
	}
	switch {
	case !e.usual || w == codeWord:
	case wordIn(noTexts, text):
		e.no = append(e.no, name)
	case wordIn(laterTexts, text):
		e.later = true
	case wordIn(yesTexts, text):
		e.yes = append(e.yes, name)
		e.made = e.made || strings.EqualFold(text, "created") || strings.EqualFold(text, "inserted")
	}
}

// saysWhy reports whether there is anything in what is called error.
func saysWhy(v *tree.Value) bool {
	switch v.Kind {
	case tree.Null:
		return false
	case tree.Bool:
		return string(v.Shared()) == "true"
	case tree.Array:
		return len(v.Elems()) > 0
	case tree.Object:
		return len(v.Members()) > 0
	}
	text, _ := v.Text()
	return text != "" && text != "0"
}
