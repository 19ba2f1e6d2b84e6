package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/webhook"
)

// dialectCall is one call in a dialect.
type dialectCall struct {
	d      *dialect
	w      http.ResponseWriter
	r      *http.Request
	who    apiCaller
	format format.Format // of the answer
	vars   dialectVars
}

// serve answers one call: it is made one of our API, and the answer to that one
// of the dialect. failed says why the call was refused before.
func (d *dialect) serve(e *engine, w http.ResponseWriter, r *http.Request, who apiCaller, failed *problem.Details) {
	c := &dialectCall{d: d, w: w, r: r, who: who, format: d.firstWritten()}
	to, bad := c.find()
	c.vars.request = requestFields(r)
	switch {
	case failed != nil:
		c.refuse(failed)
	case bad != nil:
		c.refuse(bad)
	default:
		if err := c.answer(e, to); err != nil {
			p, ours := problemOf(err)
			if ours {
				e.logger.Error("a call of the subscription API", "method", r.Method, "path", originalPath(r), "error", err)
			}
			c.refuse(p)
		}
	}
}

// firstWritten is the format of answers that nothing else tells.
func (d *dialect) firstWritten() format.Format {
	return d.accept[slices.IndexFunc(d.accept, format.Format.Writes)]
}

// find finds the route of the call and the format of its answer.
func (c *dialectCall) find() (*dialectRoute, *problem.Details) {
	asked := c.r.URL.EscapedPath()
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	plain := asked
	if f, ok := format.OfExtension(path.Ext(asked)); ok && slices.Contains(c.d.accept, f) {
		plain, c.format = strings.TrimSuffix(asked, path.Ext(asked)), f
	} else {
		c.format = c.d.negotiate(c.r)
	}
	var allow []string
	tried := []string{asked}
	if plain != asked {
		tried = []string{plain, asked} // else {id} would be 3.json
		if _, p, ok := c.d.table.Find(method, asked); ok && strings.HasSuffix(p.String(), path.Ext(asked)) {
			tried = []string{asked}
		}
	}
	for _, at := range tried {
		if to, p, ok := c.d.table.Find(method, at); ok {
			c.vars.params = route.Values(p, at)
			return to, nil
		}
		for _, other := range c.d.methods {
			if _, _, ok := c.d.table.Find(other, at); ok && !slices.Contains(allow, other) {
				allow = append(allow, other)
			}
		}
	}
	if len(allow) == 0 {
		return nil, problem.New(http.StatusNotFound, "there is nothing at %s", c.r.URL.Path)
	}
	p := problem.New(http.StatusMethodNotAllowed, "%s is not possible here: use %s", c.r.Method, words.OrList(allow))
	p.Header = http.Header{"Allow": {strings.Join(allow, ", ")}}
	return nil, p
}

// negotiate tells the format by what the client accepts or has sent.
func (d *dialect) negotiate(r *http.Request) format.Format {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if f, ok := format.OfContentType(strings.TrimSpace(part)); ok && f.Writes() && slices.Contains(d.accept, f) {
			return f
		}
	}
	if f, ok := format.OfContentType(r.Header.Get("Content-Type")); ok && f.Writes() && slices.Contains(d.accept, f) {
		return f
	}
	return d.firstWritten()
}

// answer makes the call one of our API, and answers as the route says.
func (c *dialectCall) answer(e *engine, to *dialectRoute) error {
	if err := c.readBody(); err != nil {
		return err
	}
	inner := &apiCall{apiCaller: &c.who, e: e, path: strings.TrimSuffix(originalPath(c.r), "/")}
	c.vars.types = func() any {
		types, err := c.ask(inner, dialectActions["types"], "", nil)
		if err != nil {
			e.logger.Error("the event types, for a dialect", "error", err)
		}
		return types.value
	}
	if err := c.refused(to); err != nil {
		return err
	}
	doc, err := c.document(e, to)
	if err != nil {
		return err
	}
	got, err := c.ask(inner, to.action, c.id(inner), doc)
	if err != nil {
		return to.translate(err)
	}
	c.vars.result, c.vars.value = to.action.result, got.value
	return c.reply(to, got)
}

// readBody decodes what was sent.
func (c *dialectCall) readBody() error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxAPIBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return problem.New(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", maxAPIBody)
	case err != nil:
		return problem.New(http.StatusBadRequest, "the body could not be read")
	case len(bytes.TrimSpace(body)) == 0:
		return nil
	}
	f, ok := format.OfContentType(c.r.Header.Get("Content-Type"))
	if !ok || !slices.Contains(c.d.accept, f) {
		var names []string
		for _, f := range c.d.accept {
			names = append(names, f.ContentType())
		}
		return problem.New(http.StatusUnsupportedMediaType, "send %s, and say so in Content-Type", words.OrList(names))
	}
	v, err := format.Decode(f, body)
	if err != nil {
		return problem.New(http.StatusBadRequest, "the body cannot be read: %s", err)
	}
	c.vars.setBody(v)
	return nil
}

// id returns the id of the subscription that the path names by that or by its
// number.
func (c *dialectCall) id(inner *apiCall) string {
	id := c.vars.params["id"]
	number, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return id
	}
	for _, k := range inner.visible() {
		if k.sub.Number == number {
			return string(k.ID)
		}
	}
	for _, s := range inner.statics() {
		if s.Number == number {
			return string(s.ID)
		}
	}
	return id
}

// dialectResult is what our API answered.
type dialectResult struct {
	apiAnswer
	value any
}

// ask makes the call of our API, more than one for a list.
func (c *dialectCall) ask(inner *apiCall, a *dialectAction, id string, doc map[string]any) (out dialectResult, err error) {
	to := strings.ReplaceAll(a.path, "{id}", url.PathEscape(id))
	query := url.Values{}
	if a.pages {
		query.Set("limit", strconv.Itoa(mostLimit))
	}
	list := []any{}
	for {
		inner.r = c.inner(a.method, query, doc)
		if out.apiAnswer, err = inner.answer(c.w, to); err != nil {
			return out, err
		}
		if out.body == nil {
			return out, nil
		}
		if out.value, err = languageOf(out.body); err != nil {
			return out, err
		}
		page, ok := out.body.(apiList)
		if !ok {
			return out, nil
		}
		if members, ok := out.value.(map[string]any); ok {
			data, _ := members["data"].([]any)
			list = append(list, data...)
		}
		if page.Next == "" {
			out.value = a.among(list)
			return out, nil
		}
		query.Set("cursor", page.Next)
	}
}

// among returns those of list that the action is about: of event types, those
// that a wildcard selects.
func (a *dialectAction) among(list []any) []any {
	if a.result != "types" {
		return list
	}
	return slices.DeleteFunc(list, func(v any) bool {
		t, _ := v.(map[string]any)
		scope, _ := t["scope"].(string)
		return !webhook.Pattern("**").Match(scope)
	})
}

// inner is the call of our API that stands for this one.
func (c *dialectCall) inner(method string, query url.Values, doc map[string]any) *http.Request {
	r := c.r.Clone(c.r.Context())
	r.Method, r.URL = method, &url.URL{Path: "/"}
	if method == http.MethodGet {
		r.URL.RawQuery = query.Encode()
	}
	text := []byte("{}")
	if doc != nil {
		text, _ = lang.Encode(doc) // values of the language can be
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// languageOf returns v, which is part of an answer, as a value of the language.
func languageOf(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return lang.Decode(text)
}
