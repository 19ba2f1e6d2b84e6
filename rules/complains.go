package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
)

// complaint is what the words of an answer that shows nothing of the entity say of the
// call: there is nothing else that they can be about. One too many costs a GET, and makes a gap
// of what became of an entity that was never seen.
type complaint struct {
	no, yes bool
	reads   bool // a sentence reads like a no: that counts if nothing says yes
	code    bool // a number is none that stands for success: likewise, if nothing says so in a word
	sure    bool // a word says yes
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
	return !out.done && (out.no || out.reads && !out.yes || out.code && !out.sure), !out.done && out.later && c.e.kind == Delete
}

// showsSomething reports whether v has anything that the request set, or that is the
// entity's beside its id.
func (c *call) showsSomething(v *tree.Value) bool {
	r := c.e.res
	if v != nil && r.shows(c.res, v, c.m.params[r.idParam]) && (slices.ContainsFunc(v.Members(), func(m tree.Member) bool {
		return !slices.Contains(r.idNames, m.Name) && !isReceiptWord(m.Name) && complaintWords[likeness.PlainName(m.Name)] == noWord
	}) || c.isSmall(v)) {
		return true
	}
	var few [fewSet]string
	asked := object(r.asked(c.req, v))
	return countShown(v, asked, c.setFields(few[:0], asked)) > 0
}

// isSmall reports whether v, which has the entity's id, shows beside it what entities
// have as well as complaints, and nothing that only those have: {"id": 5, "status":
// "rejected"}. To a delete a status tells how that went. What is doubted by a GET of its
// own ([call.mayHaveFailed]) is not doubted here.
func (c *call) isSmall(v *tree.Value) bool {
	small := false
	for m := range tree.Each(v.Members()) {
		name := likeness.PlainName(m.Name)
		w := complaintWords[name]
		switch {
		case slices.Contains(c.e.res.idNames, m.Name) || w == noWord:
		case ownWords[name]:
			small = true
		case c.e.kind == Delete || w == reasonWord || (w == errorWord || w == flagWord) && !isFlag(m.Name):
			return false
		default:
			small = true
		}
	}
	return small
}

// isAnother reports whether v is another thing than the path names, whose words are its
// own: what is left, in answer to a delete, or what it was in. One that has nothing but an
// id and a status may be the work of this call.
func (c *call) isAnother(v *tree.Value) bool {
	id, ok := c.e.res.idIn(v)
	tells := false
	for m := range tree.Each(v.Members()) {
		w := complaintWords[likeness.PlainName(m.Name)]
		if w == errorWord || w == flagWord {
			return false
		}
		tells = tells || w == noWord && !slices.Contains(c.e.res.idNames, m.Name) && !isReceiptWord(m.Name)
	}
	return ok && tells && id != c.m.params[c.e.res.idParam]
}

// ownWords are among complaintWords those that entities have even where they are deleted.
var ownWords = map[string]bool{"title": true, "description": true, "state": true, "reason": true}

// in reads v, and what is in it.
func (out *complaint) in(c *call, v *tree.Value, depth int) {
	switch {
	case depth == 0:
	case v.IsArray():
		for e := range tree.Each(v.Elems()) {
			out.in(c, e, depth-1)
		}
	case v.IsObject() && (c.showsSomething(v) || depth < complaintDepth && c.isAnother(v)): // the entity, in an envelope that is not known, or one beside it
	case v.IsObject():
		for m := range tree.Each(v.Members()) {
			out.member(c, m)
			if m.Kind >= tree.Array && (!wordIn(besideNames, m.Name) || m.Name == "messages") {
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
		out.no, out.yes, out.sure = out.no || isFalse, out.yes || !isFalse, out.sure || !isFalse
	case m.Kind == tree.Number && deed == removedDeed && c.e.kind == Delete:
		out.done = out.done || text != "0" // how many, or which
	case m.Kind == tree.Bool:
		does := deed == someDeed || deed == removedDeed && c.e.kind == Delete || deed == changedDeed && c.e.kind != Delete
		out.no, out.done = out.no || isFalse && (does || w == codeWord), out.done || does && !isFalse
	case w == codeWord && m.Kind == tree.Number:
		out.no = out.no || len(text) == 3 && (text[0] == '4' || text[0] == '5')
		out.code = out.code || !isGoodCode(text)
	case w == codeWord || w == resultWord:
		yes := wordIn(yesTexts, text)
		out.no, out.yes, out.sure = out.no || c.readsNo(text), out.yes || yes, out.sure || yes
		out.later = out.later || c.saysLater(text)
	case w == reasonWord:
		out.sentence(c, text)
	}
}

// sentence reads a text for people.
func (out *complaint) sentence(c *call, text string) {
	out.reads, out.later = out.reads || c.readsNo(text), out.later || c.saysLater(text)
	out.sure = out.sure || wordIn(yesTexts, text)
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
