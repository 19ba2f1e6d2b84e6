package rules

import "github.com/sidehook/sidehook/rules/tree"

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
	case isPartly(c.x.Response.Status) && !out.listed && (len(e.yes) == 0 || !e.usual) && !r.showsSome(asked, out.entity):
		out.fate = doubtful // it has no verdict that we know, and nothing as it was set
	case e.usual && out.inner != nil && r.idInElement(out.entity) == "" && r.idInElement(out.inner) != "":
		out.entity = out.inner // {"index": 0, "data": {"id": 5}}
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
