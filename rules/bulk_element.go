package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// fate is what a bulk answer says became of one element.
type fate uint8

const (
	done     fate = iota
	failed        // nothing was done to this one
	doubtful      // it may have failed, or be done
	accepted      // it is to be done later (202)
)

// result is what a bulk answer says of one element.
type result struct {
	said    *tree.Value // as it stands there
	id      string      // "" if it names none
	link    string      // the id in its location
	index   string      // its place in the request, "" if it tells none
	verdict *tree.Value // the object that may judge, and which may have the entity inside; nil: said is none
	inner   *tree.Value // the entity inside that; nil: there is none
	verb    string      // what was done, if an object around the verdict is called so
	plain   bool        // it is nothing but a number that may be an HTTP status
	listed  bool        // it is in a list of what was done
	removed bool        // it is in a list of what was deleted

	entity   *tree.Value // nil: it shows none
	fate     fate
	status   int      // of this one; 0: it has none of its own
	suspects []string // names in entity that say that it failed, unless they are fields of it
	unlike   bool     // it shows nothing of what any part of the request set
}

// resultOf reads one element of an answer: an entity, or a verdict about one,
// which may have it inside. What it says is told by judge.
func (c *call) resultOf(v *tree.Value) result {
	r := c.e.res
	out := result{said: v, id: r.idInElement(v), index: textAt(v, "index"), entity: object(flat(v))}
	if out.entity == nil {
		out.readPlain()
		return out
	}
	out.verdict = out.entity
	if deed, inner := r.deedAround(out.entity); deed != noDeed && r.idInElement(inner) != "" && !r.usual(inner) {
		out.verdict, out.entity = inner, inner // {"create": {"id": 5, "name": …}}
		out.tellDeed(deed)
	} else if verb, inner := r.around(out.entity); inner != nil {
		out.verb, out.verdict = verb, inner // {"create": {"status": 409}}
	} else if inner := r.soleEntity(out.entity); inner != nil {
		out.verdict, out.entity = inner, inner // {"order": {"id": 5}}
	}
	if out.id == "" {
		out.id = r.idInElement(out.verdict)
	}
	if !r.usual(out.verdict) {
		return out
	}
	out.inner = r.innerOf(out.verdict)
	out.tellDeed(r.deedIn(out.verdict))
	if out.id == "" {
		out.id = r.idInElement(out.inner)
	}
	for _, name := range []string{"location", "href"} {
		link, ok := out.verdict.Get(name).Text()
		if headers := out.verdict.Get("headers"); !ok && headers.IsObject() {
			link = textAt(headers, "Location") + textAt(headers, "location")
		}
		if id, ok := r.idInURL(link, c.x.Request.Path); ok && out.link == "" {
			out.link = id
		}
	}
	if out.id == "" {
		out.id = out.link
	}
	return out
}

// deedIn returns what a verdict says was done, if it says nothing but that and which it
// is about: {"id": 5, "operation": "delete"}.
func (r *resource) deedIn(v *tree.Value) (deed deed) {
	for m := range tree.Each(v.Members()) {
		switch {
		case slices.Contains(r.idNames, m.Name):
		case m.Name == "operation" || m.Name == "op" || m.Name == "action":
			text, _ := m.Text()
			deed = cmp.Or(wordIn(doneNames, text), verbs[strings.ToLower(text)])
		default:
			return noDeed
		}
	}
	return deed
}

// tellDeed takes over what was done.
func (out *result) tellDeed(deed deed) {
	switch {
	case deed == removedDeed:
		out.removed = true
	case deed == madeDeed:
		out.status = 201
	case deed == changedDeed:
		out.status = 200
	}
}

// deedAround returns what was done to the object that v has, if that is all that it has
// and is called so, and nothing in it says that it was not.
func (r *resource) deedAround(v *tree.Value) (deed deed, inner *tree.Value) {
	members := v.Members()
	if len(members) != 1 || !members[0].IsObject() || slices.Contains(r.opens, members[0].Name) { // a post
		return noDeed, nil
	}
	deed, inner = verbs[strings.ToLower(members[0].Name)], &members[0].Value
	if deed == loose || slices.ContainsFunc(inner.Members(), func(m tree.Member) bool { return undoes(deed, &m) }) {
		return noDeed, nil
	}
	return deed, inner
}

// undoes reports whether a member of what was done something to says that it was not.
func undoes(deed deed, m *tree.Member) bool {
	if m.Kind == tree.Bool {
		return deed == removedDeed && wordIn(doneNames, m.Name) == removedDeed && string(m.Shared()) == "false"
	}
	text, _ := m.Text()
	w := wordIn(partWords, m.Name)
	return (w == statusWord || w == resultWord) && wordIn(noTexts, text)
}

// around returns the verdict in an object that has nothing but what was done for
// its name: {"delete": {"_id": 5, "status": 404}}.
func (r *resource) around(v *tree.Value) (verb string, inner *tree.Value) {
	if members := v.Members(); len(members) == 1 && members[0].IsObject() && !slices.Contains(r.opens, members[0].Name) {
		inner = &members[0].Value
		for m := range tree.Each(inner.Members()) {
			if w := wordIn(partWords, m.Name); w == statusWord || w == flagWord || w == errorWord {
				return members[0].Name, inner
			}
		}
	}
	return "", nil
}

// soleEntity returns what is in an object that has nothing but its name around it.
func (r *resource) soleEntity(v *tree.Value) *tree.Value {
	if members := v.Members(); len(members) == 1 && members[0].IsObject() && slices.Contains(r.opens, members[0].Name) {
		return &members[0].Value
	}
	return nil
}

// innerOf returns the object in v under a name that entities have in verdicts.
func (r *resource) innerOf(v *tree.Value) *tree.Value {
	for _, names := range [][]string{r.wraps, innerNames} {
		for _, name := range names {
			if inner := object(flat(v.Get(name))); inner != nil {
				return inner
			}
		}
	}
	return nil
}

// usual reports whether v has nothing but what is usual in a verdict.
func (r *resource) usual(v *tree.Value) bool {
	members := v.Members()
	return v != nil && !slices.ContainsFunc(members, func(m tree.Member) bool { return !r.usualName(m.Name) })
}

func (r *resource) usualName(name string) bool {
	return wordIn(partWords, name) != noWord || isReceiptWord(name) || slices.Contains(r.idNames, name) ||
		slices.Contains(r.wraps, name) || slices.Contains(clientRefs, name)
}

// readPlain reads an element that is no object: an id, or a verdict.
func (out *result) readPlain() {
	v := out.said
	switch v.Kind {
	case tree.Null, tree.Array:
		out.fate = doubtful
	case tree.Bool:
		if string(v.Shared()) == "false" {
			out.fate = doubtful
		}
	case tree.Number:
		n, _ := isNumber(v)
		out.plain = n >= 100 && n < 600
	case tree.String:
		text, _ := v.Text()
		switch {
		case wordIn(yesTexts, text):
			out.id = ""
		case wordIn(noTexts, text), wordIn(laterTexts, text), strings.ContainsAny(text, " :"):
			out.id, out.fate = "", doubtful
		}
	}
}

// statusesOf makes HTTP statuses of results that are all numbers like that, and
// none of which is an id that was asked for.
func (t *told) statusesOf(asked map[string]int) {
	for i := range t.results {
		if _, is := asked[t.results[i].id]; is || !t.results[i].plain {
			return
		}
	}
	for i := range t.results {
		t.results[i].id = ""
		t.results[i].isStatus()
	}
}

// isStatus takes an element that is nothing but a number for an HTTP status.
func (out *result) isStatus() {
	out.plain = false
	out.status, _ = isNumber(out.said)
	switch {
	case out.status >= 400:
		out.fate = failed
	case out.status == 202:
		out.fate = accepted
	}
}
