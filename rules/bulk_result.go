package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// result is what a bulk answer says of one element.
type result struct {
	said   *tree.Value // as it stands there
	entity *tree.Value // in it; nil: it shows none
	id     string      // "" if it names none
	failed bool        // nothing was done to this one
	status int         // of this one; 0: it has none of its own
	later  bool        // 202
}

// tells is what an answer tells of.
type tells uint8

const (
	ofNone     tells = iota // of the call as a whole
	ofEach                  // of each element
	ofFailures              // of those that failed
)

// Names in results.
var (
	verdictNames = []string{"status", "statusCode", "status_code", "httpStatus", "http_status", "code", "error", "errors", "success", "ok"}
	wrapperNames = append([]string{
		"index", "message", "href", "location", "headers", "body", "data", "resource", "entity", "item", "result", "value", "type", "reason", "method", "path", "version",
	}, verdictNames...)
	innerNames   = []string{"body", "data", "resource", "entity", "item", "result", "value"}
	failureNames = []string{"errors", "failed", "failures", "rejected", "invalid", "notFound", "not_found", "skipped", "unprocessed"}
	listNames    = []string{"data", "items", "results", "result", "records", "value", "values", "entities", "resources", "operations", "responses", "Operations", "ids", "keys"}
	clientRefs   = []string{
		"client_id", "clientId", "client_ref", "clientRef", "ref", "reference", "external_id", "externalId", "temp_id", "tempId",
		"tmp_id", "lid", "local_id", "localId", "custom_id", "customId", "bulkId", "correlation_id", "correlationId", "request_id", "requestId", "key", "name", "slug",
	}
)

// results returns what the answer says of each of so many elements, and of which
// it tells.
func (c *call) results(of int) (list []result, tell tells) {
	if c.res == nil || c.resKind == isForm || c.resKind == isParts {
		return nil, ofNone
	}
	failures := failuresIn(c.res)
	for _, v := range c.e.res.listIn(c.res) {
		list, tell = append(list, c.resultOf(v)), ofEach
	}
	if tell == ofNone && of == 1 {
		if entity := c.entityInAnswer(); entity != nil && c.e.res.idInElement(entity) != "" {
			return []result{c.resultOf(entity)}, ofNone
		}
	}
	if tell == ofNone && len(failures) > 0 {
		tell = ofFailures
	}
	for i := range failures {
		r := c.resultOf(&failures[i])
		r.failed, r.entity = true, nil
		list = append(list, r)
	}
	return list, tell
}

// resultOf reads one element of an answer: an entity, or a verdict about one,
// which may have it inside.
func (c *call) resultOf(v *tree.Value) result {
	r := c.e.res
	out := result{said: v, id: r.idInElement(v)}
	entity := object(flat(v))
	wrapper := r.wrapper(entity, c.x.Response.Status == 207)
	if wrapper == nil {
		out.entity = entity
		return out
	}
	out.judge(wrapper)
	for _, names := range [][]string{r.wraps, innerNames} {
		for _, name := range names {
			if inner := object(flat(wrapper.Get(name))); inner != nil && out.entity == nil {
				out.entity = inner
			}
		}
	}
	if out.id == "" {
		out.id = r.idInElement(wrapper)
	}
	if id := r.idInElement(out.entity); out.id == "" {
		out.id = id
	}
	for _, name := range []string{"location", "href"} {
		link, _ := wrapper.Get(name).Text()
		if id, ok := r.idInURL(link, c.x.Request.Path); ok && out.id == "" {
			out.id = id
		}
	}
	return out
}

// wrapper returns the object that judges a part of a bulk, in an element of the
// answer, or nil: one that has a verdict and nothing that is not usual beside
// one, or in a 207 one with the number of a status. What looks so and is a small
// entity is not taken for the entity: that costs its data, and no event.
func (r *resource) wrapper(v *tree.Value, multi bool) *tree.Value {
	if members := v.Members(); len(members) == 1 && members[0].IsObject() {
		if inner := &members[0].Value; r.wrapper(inner, multi) != nil { // {"create": {"status": 409}}
			return inner
		}
	}
	usual, verdict := true, false
	for i := range v.Members() {
		m := &v.Members()[i]
		verdict = verdict || slices.Contains(verdictNames, m.Name)
		usual = usual && (slices.Contains(wrapperNames, m.Name) || slices.Contains(r.idNames, m.Name) ||
			slices.Contains(r.wraps, m.Name) || slices.Contains(clientRefs, m.Name))
	}
	if _, numbered := statusIn(v); verdict && usual || multi && numbered {
		return v
	}
	return nil
}

// judge reads the verdict of a wrapper.
func (out *result) judge(w *tree.Value) {
	if status, ok := statusIn(w); ok {
		out.status, out.failed, out.later = status, status < 200 || status >= 300, status == 202
		return
	}
	for _, name := range []string{"success", "ok"} {
		if v := w.Get(name); v != nil && v.Kind == tree.Bool {
			out.failed = string(v.JSON()) == "false"
			return
		}
	}
	for _, name := range []string{"error", "errors"} {
		v := w.Get(name)
		text, isText := v.Text()
		switch {
		case v == nil, v.Kind == tree.Null, isText && (text == "" || text == "0"), v.Kind == tree.Bool && string(v.JSON()) == "false":
		case v.Kind == tree.Array && len(v.Elems()) == 0, v.IsObject() && len(v.Members()) == 0:
		default:
			out.failed = true
		}
	}
	text, _ := w.Get("status").Text()
	switch strings.ToLower(text) {
	case "error", "failed", "failure", "rejected", "invalid", "conflict":
		out.failed = true
	}
}

// statusIn returns the HTTP status in a verdict: a number, or a text that begins
// with one.
func statusIn(w *tree.Value) (int, bool) {
	for _, name := range []string{"status", "statusCode", "status_code", "httpStatus", "http_status", "code"} {
		text, ok := w.Get(name).Text()
		if !ok {
			continue
		}
		text, _, _ = strings.Cut(strings.TrimPrefix(text, "HTTP/1.1 "), " ")
		if n, err := strconv.Atoi(text); err == nil && n >= 100 && n < 600 {
			return n, true
		}
	}
	return 0, false
}
