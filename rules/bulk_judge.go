package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// fate is what a bulk answer says became of one element.
type fate uint8

const (
	done     fate = iota
	failed        // nothing was done to this one
	doubtful      // that, or it was done
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
	if verb, inner := r.around(out.entity); inner != nil {
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

// around returns the verdict in an object that has nothing but what was done for
// its name: {"delete": {"_id": 5, "status": 404}}.
func (r *resource) around(v *tree.Value) (verb string, inner *tree.Value) {
	if members := v.Members(); len(members) == 1 && members[0].IsObject() && !slices.Contains(r.opens, members[0].Name) {
		inner = &members[0].Value
		for i := range inner.Members() {
			if w := wordIn(partWords, inner.Members()[i].Name); w == statusWord || w == flagWord || w == errorWord {
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

// judge says what an element of an answer means for what asked, which may be nil,
// asked for. What the request set so is no verdict. backed says that the answer as
// a whole tells of failures.
func (c *call) judge(out *result, asked *tree.Value, backed bool) {
	if out.verdict == nil {
		return
	}
	e := c.evidenceIn(out.verdict, asked)
	if e.status != 0 && c.judgeStatus(out, &e, backed) {
		return
	}
	r := c.e.res
	switch {
	case e.later && c.e.kind == Delete:
		out.fate, out.entity = accepted, nil
	case len(e.no) > 0:
		shown := out.entity
		if e.usual && !e.shows {
			shown = out.inner
		}
		told := backed || len(e.no) > 1 || e.reason || out.id == "" && c.e.kind == Create
		switch {
		case e.usual && !e.shows && told:
			out.fate, out.entity = failed, nil
		default:
			out.fate, out.suspects, out.entity = doubtful, e.no, shown
		}
	case len(e.yes) > 0 && e.usual && !e.shows || out.verb != "":
		out.entity = out.inner
		if e.made && out.status == 0 {
			out.status = 201
		}
	case c.x.Response.Status == 207 && !out.listed && (len(e.yes) == 0 || !e.usual) && !r.showsSome(asked, out.entity):
		out.fate = doubtful // it has no verdict that we know, and nothing as it was set
	case e.usual && out.inner != nil && r.idInElement(out.entity) == "" && r.idInElement(out.inner) != "":
		out.entity = out.inner // {"index": 0, "data": {"id": 5}}
	}
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

// judgeStatus judges by an HTTP status. It is false if that is none.
func (c *call) judgeStatus(out *result, e *evidence, backed bool) bool {
	multi := c.x.Response.Status == 207
	sure := e.usual && !e.shows && (!e.code || multi || backed || len(e.no) > 0 || e.reason) ||
		multi && !e.code && !e.shows || out.verb != ""
	bad := e.status >= 400 || e.status == 304
	switch {
	case e.status < 200 || e.status >= 300 && !bad:
		return false
	case bad && sure:
		out.fate, out.entity = failed, nil
	case bad:
		out.fate, out.suspects = doubtful, append(e.no, e.name)
	case !sure:
		return false
	case e.status == 202:
		out.fate, out.status, out.entity = accepted, e.status, out.inner
	case noopIn(out.verdict):
		out.fate, out.entity = failed, nil
	default:
		out.status, out.entity = e.status, out.inner
	}
	return true
}

// noopIn reports whether a verdict says that there was nothing to do.
func noopIn(v *tree.Value) bool {
	text, _ := v.Get("result").Text()
	return text == "noop" || text == "not_modified"
}

// evidenceIn gathers what v says, but for what asked set so.
func (c *call) evidenceIn(v, asked *tree.Value) (e evidence) {
	r := c.e.res
	e.usual = r.usual(v)
	for i := range v.Members() {
		m := &v.Members()[i]
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
