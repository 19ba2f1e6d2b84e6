package dialect

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/caller"
	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules/route"
)

// call is one call in a dialect.
type call struct {
	d      *Compiled
	api    API
	w      http.ResponseWriter
	r      *http.Request
	format format.Format // of the answer
	vars   vars
}

// Serve answers one call: it is made one of api, and the answer to that one of the
// dialect. failed says why the call was refused before; nil: it was not.
func (d *Compiled) Serve(api API, w http.ResponseWriter, r *http.Request, failed *problem.Details) {
	c := &call{d: d, api: api, w: w, r: r, format: d.firstWritten()}
	to, bad := c.find()
	c.vars.request = caller.Request(r)
	switch {
	case failed != nil:
		c.refuse(failed)
	case bad != nil:
		c.refuse(bad)
	default:
		if err := c.answer(to); err != nil {
			c.refuse(api.Problem(err))
		}
	}
}

// firstWritten is the format of answers that nothing else tells.
func (d *Compiled) firstWritten() format.Format {
	return d.accept[slices.IndexFunc(d.accept, format.Format.Writes)]
}

// find finds the route of the call and the format of its answer.
func (c *call) find() (*compiledRoute, *problem.Details) {
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
	return nil, answer.NotAllowed(c.r.Method, allow)
}

// negotiate tells the format by what the client accepts or has sent.
func (d *Compiled) negotiate(r *http.Request) format.Format {
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
func (c *call) answer(to *compiledRoute) error {
	if err := c.readBody(); err != nil {
		return err
	}
	c.vars.types = func() any {
		types, err := c.ask(actions["types"], "", nil)
		if err != nil {
			c.api.Problem(fmt.Errorf("the event types, for a dialect: %w", err))
		}
		return types.value
	}
	if err := c.refused(to); err != nil {
		return err
	}
	doc, err := c.document(to)
	if err != nil {
		return err
	}
	got, err := c.ask(to.action, c.id(), doc)
	if err != nil {
		return to.translate(err)
	}
	c.vars.result, c.vars.value = to.action.result, got.value
	return c.reply(to, got)
}

// readBody decodes what was sent.
func (c *call) readBody() error {
	body, err := answer.Body(c.w, c.r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return err
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
func (c *call) id() string {
	id := c.vars.params["id"]
	number, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return id
	}
	return cmp.Or(c.api.Numbered(number), id)
}
