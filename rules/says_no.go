package rules

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// doubtAnswer doubts a call whose answer is a success by its status and reads like a no,
// or like not yet: {"success": false}, {"code": 404, "msg": "…"}, {"deleted": 0},
// {"status": "queued"}. `success` says how to judge answers, and then nothing is doubted.
// An answer that shows anything of an entity does not read like a no; but to a delete it
// does, if it says that something went wrong.
func (c *call) doubtAnswer() {
	if c.e.res.success != nil || c.unsure || c.later || c.e.res.singular && c.e.kind != Delete {
		return
	}
	no, later := c.readsLikeNo()
	no = no || c.e.kind == Delete && isPartly(c.x.Response.Status)
	c.saidNo = no || later
	c.unsure, c.later = no, later && !no
}

// doubtProblem doubts a call whose answer is a success by its status, and of a media type
// that tells of problems (RFC 9457), or a FHIR outcome with an error in it, or a page of
// HTML though no form was sent. An answer that shows the entity that the path names is
// believed, whatever its type.
func (c *call) doubtProblem() {
	if c.e.res == nil || c.e.res.success != nil || c.unsure || c.e.kind == Call {
		return
	}
	if isProblem(c.x.Response.Header) && !c.showsCalled() || isFailedOutcome(c.res) || c.isPage() {
		c.unsure, c.later, c.saidNo = true, false, true
	}
}

// showsCalled reports whether the answer shows the entity that the path names, which was
// not to be deleted.
func (c *call) showsCalled() bool {
	r := c.e.res
	return c.e.named && c.e.kind != Delete && !r.singular && r.shows(c.res, r.find(c.res), c.m.params[r.idParam])
}

// isPage reports whether the answer is a whole page of HTML, to a call that was no form's:
// it may be that of a login, or of maintenance, which many give with status 200.
func (c *call) isPage() bool {
	h := c.x.Response.Header
	if mediaType := h.MediaType(); mediaType != "text/html" && mediaType != "application/xhtml+xml" {
		return false
	}
	if c.reqKind == content.IsForm || c.reqKind == content.IsParts {
		return false
	}
	start := c.unread()
	for _, tag := range [...]string{"<!doctype html", "<html"} {
		if len(start) >= len(tag) && strings.EqualFold(string(start[:len(tag)]), tag) {
			return true
		}
	}
	return false
}

// unread returns an answer that is none of the kinds that are read.
func (c *call) unread() []byte {
	if c.resKind != content.NotReadable || !c.x.Response.Body.Whole() {
		return nil
	}
	plain, err := content.Decode(c.x.Response.Body.Bytes, c.x.Response.Header["Content-Encoding"], content.MaxDecoded)
	if err != nil {
		return nil
	}
	return content.TrimBegin(plain)
}

func isProblem(h webhook.Header) bool {
	mediaType := h.MediaType()
	return mediaType == "application/problem+json" || mediaType == "application/problem+xml"
}

// isFailedOutcome reports whether v is FHIR's account of a call that failed.
func isFailedOutcome(v *tree.Value) bool {
	if !v.IsObject() || !v.Get("resourceType").Is("OperationOutcome") || !v.Get("issue").IsArray() {
		return false
	}
	issues := v.Get("issue").Elems()
	return slices.ContainsFunc(issues, func(issue tree.Value) bool {
		severity := issue.Get("severity")
		return severity.Is("error") || severity.Is("fatal")
	})
}

// isPartly reports whether a status says that a call was done in part: 207 of a
// collection of things (RFC 4918 §9.6.1), and 206 where APIs take it for that.
func isPartly(status int) bool { return status == 207 || status == partialContent }

// doubtDry doubts a call that asks for a dry run: the API may not know of those.
func (c *call) doubtDry() {
	if c.e.res.success != nil || c.unsure || c.e.kind == Call {
		return
	}
	for m := range tree.Each(c.req.Members()) {
		if m.Kind == tree.Bool && isDry(m.Name) && string(m.Shared()) == "true" {
			c.dry = true
		}
	}
	if c.x.Request.Query != "" {
		values, _ := url.ParseQuery(c.x.Request.Query) // what it could read is in values
		for name, list := range values {
			c.dry = c.dry || isDry(name) && !slices.ContainsFunc(list, func(text string) bool { return text == "false" || text == "0" || strings.EqualFold(text, "none") })
		}
	}
	if c.dry {
		c.unsure, c.later, c.saidNo = true, false, true
	}
}

// isDry reports whether a name asks that nothing be done.
func isDry(name string) bool { return wordIn(dryNames, name) }

var dryNames = map[string]bool{"dryrun": true, "validateonly": true, "simulate": true, "isdryrun": true, "checkonly": true}

func (c *call) readsLikeNo() (no, later bool) {
	if !c.res.IsObject() {
		if text := c.unread(); len(text) > 0 && len(text) <= longestSentence && c.x.Response.Header.MediaType() == "text/plain" {
			return c.readsNo(string(text)), c.saysLater(string(text))
		}
		if c.res == nil || c.resKind != content.IsJSON {
			return false, false
		}
		if c.res.IsArray() {
			return c.complains()
		}
		if word, ok := c.res.Text(); ok && c.res.Kind == tree.String {
			return c.readsNo(word), c.saysLater(word)
		}
		text := string(c.res.Shared())
		return text == "false" || text == "0", false
	}
	removes := c.e.kind == Delete
	empty := true // but for what says how it went
	for i := 0; i < len(c.res.Members()) && (empty || removes); i++ {
		m := &c.res.Members()[i]
		if removes && (badFlag(m.Name, &m.Value) || m.Kind == tree.Bool && c.e.res.doneName(m.Name) == removedDeed && string(m.Shared()) == "false") {
			return true, false
		}
		empty = empty && c.isAside(m, removes)
	}
	if no, later = c.complains(); !empty {
		return no, later
	}
	e := c.evidenceIn(c.ofJob(c.res), object(c.req))
	t := c.told(nil)
	return no || len(e.no) > 0 || e.status >= 400 || t.limit == 0, later || e.later
}

// isAside reports whether a member of an answer tells nothing of an entity.
func (c *call) isAside(m *tree.Member, removes bool) bool {
	if m.Kind == tree.Null || m.Kind >= tree.Array && !saysWhy(&m.Value) {
		return true
	}
	if slices.Contains(c.e.res.idNames, m.Name) {
		return removes
	}
	return failureName(m.Name) || c.e.res.doneName(m.Name) != noDeed || m.Kind < tree.Array && (c.e.res.usualName(m.Name) || isWorkID(m.Name))
}

// ofJob returns what an answer tells of the work that is to be done, if that is all that
// it tells of: {"job_status": {"id": "82d", "status": "queued"}}. Else it is v.
func (c *call) ofJob(v *tree.Value) *tree.Value {
	if len(v.Members()) != 1 {
		return v
	}
	m := &v.Members()[0]
	if !m.IsObject() || slices.Contains(c.e.res.opens, m.Name) || !wordIn(jobNames, m.Name) {
		return v
	}
	usual := slices.DeleteFunc(slices.Clone(m.Members()), func(inner tree.Member) bool { return !c.e.res.usualName(inner.Name) })
	out := tree.NewObject(usual)
	return &out
}

var jobNames = map[string]bool{"job": true, "jobstatus": true, "operation": true, "taskstatus": true, "batch": true, "bulkjob": true}

// isWorkID reports whether a name is that of the id of what is to be done later.
func isWorkID(name string) bool {
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	return plain == "jobid" || plain == "taskid" || plain == "operationid" || plain == "job" || plain == "batchid" || plain == "runid"
}

// wasThere is why it is not known whether something was made.
const wasThere = "may have changed nothing: the answer says that it was there already"

// saysThere reports whether an answer to a create says that there was such a thing
// already: {"created": false, …}, or {"status": "exists", "id": 5} and no more, if that is
// none of what was asked for.
func (r *resource) saysThere(v, asked *tree.Value) bool {
	for m := range tree.Each(v.Members()) {
		text, _ := m.Text()
		switch w := wordIn(partWords, m.Name); {
		case m.Kind == tree.Bool && thereNames[m.Name] == string(m.Shared()):
			return true
		case (w == statusWord || w == resultWord) && wordIn(thereTexts, text) && r.usual(v) && !object(asked).Get(m.Name).Is(text):
			return true
		}
	}
	return false
}

var thereTexts = map[string]bool{"exists": true, "existed": true, "existing": true, "alreadyexists": true, "duplicate": true, "found": true, "unchanged": true}

var thereNames = map[string]string{
	"created": "false", "isNew": "false", "is_new": "false", "inserted": "false", "exists": "true", "existed": "true", "already_exists": "true",
	"alreadyExists": "true", "duplicate": "true", "is_duplicate": "true", "isDuplicate": "true",
}
