package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// AnswerTells reports whether no GET is needed to know what x, whose method and
// path m was found by, came to: then [Program.Plan] has one subject at most,
// and that has no Fetch, or [Plan.AnswerTells]. It is careful: where it is false,
// Plan tells. It costs one look at the answer, and no allocation. Only if the call
// sends objects, snapshot is asked and looked through, too.
func (m *Match) AnswerTells(x *webhook.Exchange, snapshot Recall) bool {
	r := m.e.res
	switch {
	case m.p.override != nil && x.Request.Method == "POST":
		return false // it may be another route's
	case m.e.kind == Call:
		return true
	case m.e.each != nil, r.success != nil, x.Ending == webhook.Unknown, x.Response.Status == 202, x.Response.Status == partialContent:
		return false
	case r.after == "response", r.after == "request":
		return m.e.named
	case m.e.kind == Delete:
		s := shown{r: r}
		empty := !x.Response.Body.Whole() || len(x.Response.Body.Bytes) == 0 // what is in it may be a no
		return m.e.named && !strings.Contains(m.params[r.idParam], ",") && empty && !isPartly(x.Response.Status) && x.Request.Query == "" && s.asks(&x.Request)
	case r.after == "fetch", x.Before != nil, m.below():
		return false
	}
	return m.shownWhole(x, snapshot)
}

// shownWhole reports whether the answer certainly is the entity: [Subject] gets
// it by find, grade and isReceipt.
func (m *Match) shownWhole(x *webhook.Exchange, snapshot Recall) bool {
	r, h := m.e.res, x.Response.Header
	elsewhere := r.entity != nil || r.id != nil || r.idBelow != nil || m.e.id != nil || m.Redacts()
	said := len(h["Content-Encoding"])+len(h["Content-Location"])+len(h["Preference-Applied"]) > 0
	said = said || len(x.Request.Header["X-Fields"])+len(x.Request.Header["X-Goog-Fieldmask"]) > 0
	if elsewhere || said || isProblem(h) || x.Request.Query != "" || !x.Response.Body.Whole() || content.JSONKind(h.MediaType()) != content.IsJSON {
		return false
	}
	id := ""
	if m.e.named && !r.singular {
		if id = m.params[r.idParam]; id == "" {
			return false
		}
	}
	s := shown{r: r, id: id, made: m.e.kind == Create}
	return s.asks(&x.Request) && s.read(x.Response.Body.Bytes) && (s.named || r.singular) &&
		s.own > fewFields && (!s.wants || s.answered) && (m.e.named || s.isAt(h.Get("Location"))) &&
		(m.method != "PUT" || s.more && !s.unclear) && // see mayKeep
		(!s.objects || m.method == "PUT" || m.e.kind == Create || m.knownShown(x, snapshot)) // see sendsParts
}

// isAt reports whether a Location says nothing else than the id that was found.
func (s *shown) isAt(location string) bool {
	return location == "" || strings.HasSuffix(location, s.found) && strings.HasSuffix(location[:len(location)-len(s.found)], "/")
}

// shown is what a scan of an answer's root object finds.
type shown struct {
	r  *resource
	id string // what the path says it is; "": any

	made bool // by the call

	named bool   // it has the id
	found string // which is that
	seen  uint64 // of the names that ids have
	own   int    // different fields that tell of the entity, as far as they are counted
	names [fewFields + 1]string

	set      int  // fields that the request sets
	wants    bool // one of them to a value
	sets     [manySet]string
	values   [manySet]string
	answered bool // one of them is there as it was set
	more     bool // and a field that is none of them
	unclear  bool // which they are takes more than a scan
	objects  bool // some of them are objects
}

// manySet is how many fields of a request are looked for in the answer.
const manySet = 32

// asks reads what a request sets. It is false if that takes more than a scan.
func (s *shown) asks(q *webhook.Request) bool {
	switch body := q.Body.Bytes; {
	case !q.Body.Whole() || len(body) == 0:
		return true
	case len(q.Header["Content-Encoding"]) > 0 || content.JSONKind(q.Header.MediaType()) != content.IsJSON:
		return false
	default:
		return s.object(body, s.asked)
	}
}

func (s *shown) asked(name, value string) bool {
	if strings.IndexByte(name, '\\') >= 0 {
		return false
	}
	if s.set == manySet || value == "true" && isDry(name) || name == "Operations" || name[:min(1, len(name))] == "$" {
		return false
	}
	if value[0] == '{' && (strings.Contains(value, `"__op"`) || strings.Contains(value, `".sv"`) || strings.Contains(value, `"$`)) {
		return false // it may be a command
	}
	s.objects = s.objects || value[0] == '{'
	s.unclear = s.unclear || name == "data" || slices.Contains(s.r.opens, name)
	if !slices.Contains(s.r.idNames, name) {
		s.sets[s.set], s.values[s.set] = name, value
		s.set++
		s.wants = s.wants || value != "null"
	}
	return true
}

// read scans an object. It is false if that is none, or one that takes more
// than a scan: envelopes, ids that are there twice, names that are written in
// two ways.
func (s *shown) read(body []byte) bool { return s.object(body, s.field) }

// object reads an object, and gives each of its fields to take.
func (s *shown) object(body []byte, take func(name, value string) bool) bool {
	return tree.Fields(text(body), take)
}

func (s *shown) field(name, value string) bool {
	if strings.IndexByte(name, '\\') >= 0 {
		return false
	}
	i := slices.Index(s.sets[:s.set], name)
	if i >= 0 {
		if value != s.values[i] && !(s.made && (value[0] == '{' || value[0] == '[')) {
			return false // the plan looks closer
		}
		s.answered = s.answered || value != "null"
	}
	if goesWrong(name, value) {
		return false
	}
	at := -1
	if s.r.telling&lengthBit(name) != 0 {
		if slices.Contains(s.r.opens, name) {
			return false
		}
		at = slices.Index(s.r.idNames, name)
	}
	switch {
	case at >= 64 || at >= 0 && s.seen&(1<<at) != 0:
		return false
	case at >= 0:
		s.seen |= 1 << at
		if isID(value, s.id) {
			s.named, s.found = true, strings.Trim(value, `"`)
		}
		if s.found == "0" && s.id == "" {
			return false
		}
	case isReceiptWord(name):
	case s.own < len(s.names) && !slices.Contains(s.names[:s.own], name):
		s.names[s.own] = name
		s.own++
		fallthrough
	default:
		s.more = s.more || i < 0
	}
	return true
}

// goesWrong is badFlag of a scan, and careful.
func goesWrong(name, value string) bool {
	switch name {
	case "error", "errors":
		return value != "null" && value != `""` && value != "[]" && value != "{}" && value != "false"
	case "ok", "success":
		return value == "false"
	}
	return (value == "true" || value == "false") && thereNames[name] == value
}

// lengthBit is one bit for each length of names, the last for all long ones: a
// look that tells most names from those that mean something.
func lengthBit(name string) uint64 { return 1 << min(len(name), 63) }

// lengths returns the bits of all names.
func lengths(lists ...[]string) (bits uint64) {
	for _, list := range lists {
		for _, name := range list {
			bits |= lengthBit(name)
		}
	}
	return bits
}

// isID reports whether value, as JSON, is the id want, or any if that is "".
func isID(value, want string) bool {
	switch c := value[0]; {
	case c == '"':
		value = value[1 : len(value)-1]
	case c != '-' && (c < '0' || c > '9'):
		return false
	}
	if len(value) == 0 || strings.IndexByte(value, '\\') >= 0 {
		return false
	}
	return want == "" || value == want
}
