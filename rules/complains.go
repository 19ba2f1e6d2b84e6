package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
)

// complaint is what the words of an answer that shows nothing of the entity say of the
// call: there is nothing else that they can be about. One too many costs a GET.
type complaint struct {
	no, yes bool
	reads   bool // a sentence reads like a no: that counts if nothing says yes
	later   bool // to be done later, or once somebody has confirmed it
	done    bool // {"deleted": true}, whatever is said beside it
}

// complaintDepth is how deep in an answer a complaint is looked for.
const complaintDepth = 4

// complains returns what the answer complains of, if it shows nothing of the entity that
// the path names.
func (c *call) complains() (no, later bool) {
	if !c.e.named || c.showsSomething(c.e.res.find(c.res)) {
		return false, false
	}
	var out complaint
	out.in(c, c.res, complaintDepth)
	return !out.done && (out.no || out.reads && !out.yes), !out.done && out.later
}

// showsSomething reports whether v has anything that the request set, or that is the
// entity's beside its id.
func (c *call) showsSomething(v *tree.Value) bool {
	r := c.e.res
	if v != nil && r.shows(c.res, v, c.m.params[r.idParam]) && slices.ContainsFunc(v.Members(), func(m tree.Member) bool {
		return !slices.Contains(r.idNames, m.Name) && !isReceiptWord(m.Name) && complaintWords[likeness.PlainName(m.Name)] == noWord
	}) {
		return true
	}
	var few [fewSet]string
	asked := object(r.asked(c.req, v))
	return countShown(v, asked, c.setFields(few[:0], asked)) > 0
}

// in reads v, and what is in it.
func (out *complaint) in(c *call, v *tree.Value, depth int) {
	switch {
	case depth == 0:
	case v.IsArray():
		for e := range tree.Each(v.Elems()) {
			out.in(c, e, depth-1)
		}
	case v.IsObject() && c.showsSomething(v): // the entity, in an envelope that is not known
	case v.IsObject():
		for m := range tree.Each(v.Members()) {
			out.member(c, m)
			if m.Kind >= tree.Array {
				out.in(c, &m.Value, depth-1)
			}
		}
	case v.Kind == tree.String:
		text, _ := v.Text()
		out.sentence(c, text)
	default:
		out.no = out.no || string(v.Shared()) == "false"
	}
}

// member reads what a member says by itself.
func (out *complaint) member(c *call, m *tree.Member) {
	text, _ := m.Text()
	isFalse := m.Kind == tree.Bool && string(m.Shared()) == "false" || text == "0" || strings.EqualFold(text, "false") || strings.EqualFold(text, "no")
	deed := c.e.res.doneName(m.Name)
	w := complaintWords[likeness.PlainName(m.Name)]
	switch {
	case w == errorWord || failureName(m.Name):
		why := saysWhy(&m.Value) && !isFalse
		out.no, out.yes = out.no || why, out.yes || !why
	case w == flagWord:
		out.no, out.yes = out.no || isFalse, out.yes || !isFalse
	case m.Kind == tree.Bool:
		does := deed == someDeed || deed == removedDeed && c.e.kind == Delete || deed == changedDeed && c.e.kind != Delete
		out.no, out.done = out.no || isFalse && (does || w == codeWord), out.done || does && !isFalse
	case w == codeWord && m.Kind == tree.Number:
		out.no = out.no || !isGoodCode(text)
	case w == codeWord || w == resultWord:
		out.no, out.yes = out.no || saysNo(text), out.yes || wordIn(yesTexts, text)
		out.later = out.later || c.saysLater(text)
	case w == reasonWord:
		out.sentence(c, text)
	}
}

// sentence reads a text for people.
func (out *complaint) sentence(c *call, text string) {
	out.reads, out.later = out.reads || saysNo(text), out.later || c.saysLater(text)
}

// complaintWords are names of what answers say of calls, in lower case and without separators.
var complaintWords = map[string]partWord{
	"success": flagWord, "ok": flagWord, "succeeded": flagWord, "successful": flagWord, "issuccess": flagWord, "issuccessful": flagWord, "isok": flagWord,
	"error": errorWord, "errors": errorWord, "exception": errorWord, "failure": errorWord, "fault": errorWord, "iserror": errorWord, "haserror": errorWord,
	"haserrors": errorWord, "errormessage": errorWord, "errortype": errorWord, "validationerrors": errorWord, "modelstate": errorWord,
	"code": codeWord, "statuscode": codeWord, "errorcode": codeWord, "errcode": codeWord, "errno": codeWord, "retcode": codeWord, "ret": codeWord,
	"resultcode": codeWord, "returncode": codeWord, "status": codeWord, "ack": resultWord, "result": resultWord, "outcome": resultWord, "state": resultWord,
	"message": reasonWord, "msg": reasonWord, "errmsg": reasonWord, "errormsg": reasonWord, "retmsg": reasonWord, "detail": reasonWord,
	"details": reasonWord, "reason": reasonWord, "description": reasonWord, "title": reasonWord,
}

// isGoodCode reports whether a number stands for success where APIs have numbers of
// their own: all zeros, 1, 200, 10000, 20000.
func isGoodCode(text string) bool {
	return strings.Trim(text, "0") == "" || text == "1" || len(text) == 3 && text[0] == '2' || text == "10000" || text == "20000"
}

// longestSentence is how long a text may be that is nothing but what is said of a call.
const longestSentence = 200

// saysNo reports whether a text about a call says that it was not done.
func saysNo(text string) bool {
	plain := lettersOf(text)
	return wordIn(noTexts, text) || slices.Contains(noWords, plain) || strings.HasPrefix(plain, "err") || hasAny(plain, noStems)
}

// saysLater is saysNo for what is done later: to a delete also what asks for somebody's
// word, or tells that it goes on.
func (c *call) saysLater(text string) bool {
	return wordIn(laterTexts, text) || c.e.kind == Delete && hasAny(lettersOf(text), laterStems)
}

func hasAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// lettersOf returns the letters of a text, in lower case.
func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, text)
}

var (
	noWords = []string{"ko", "nok", "no", "unchanged"}
	noStems = []string{
		"notfound", "nosuch", "doesnotexist", "doesntexist", "error", "fail", "denied", "invalid", "cannot", "cant", "couldnot", "unable", "notallowed",
		"forbidden", "unauthor", "refuse", "reject", "already", "notpermitted", "nopermission", "exception", "notdeleted", "notbe", "nothing",
	}
	laterStems = []string{"scheduled", "queued", "pending", "inprogress", "willbe", "confirm", "processing", "deleting", "terminating"}
)
