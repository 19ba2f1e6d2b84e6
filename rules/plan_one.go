package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// planOne plans a call about one entity.
func (c *call) planOne(pl *Plan) {
	s := Subject{Kind: c.e.kind}
	c.doubtAnswer()
	entity := c.entityInAnswer()
	s.asked = c.e.res.asked(c.req, entity)
	switch c.reqKind {
	case content.IsParts:
		s.asked, s.opaque = content.WithoutFiles(s.asked)
	case content.IsJSON:
		s.asked, s.opaque = patch.WithoutCommands(s.asked)
	}
	id, ok, unnamed := c.identify(entity)
	switch {
	case !ok && c.reads():
		pl.Nothing = "the request says that it only reads, and the answer names nothing that it made"
		return
	case !ok:
		pl.Gap = c.unidentified()
		return
	}
	s.Key, s.called, s.unnamed = c.key(id), id, unnamed
	if s.Kind == Create && !c.unsure && c.x.Response.Status != 201 && c.e.res.saysThere(c.res, s.asked) {
		s.Kind, s.doubt, s.unnamed = Update, wasThere, idSure
	}
	if c.e.res.singular {
		s.called = c.m.params[c.e.res.idParam]
	}
	c.names(&s, entity)
	c.grade(&s, entity)
	c.mayHaveFailed(&s, entity)
	s.Fetch = c.fetch(&s)
	pl.Subjects = append(pl.Subjects, s)
}

// unnamed says how sure it is that an id is that of the entity.
type unnamed uint8

const (
	idSure  unnamed = iota
	idTold          // unless a GET says that there is no such thing
	idDoubt         // only if a GET shows there what the request set
	idList          // only if one is known by it, or is shown under it: it may be a list of ids
	idPath          // unless it was there, and is as it was: what is made below it may be another one
)

// identify returns the id of the entity that the call is about.
func (c *call) identify(entity *tree.Value) (id string, ok bool, doubt unnamed) {
	r := c.e.res
	if r.singular {
		return c.m.id(), true, idSure
	}
	if c.e.id != nil {
		v, err := c.e.id.Eval(c.blind(nil), nil)
		if id := textOf(v); err == nil && id != "" {
			return id, true, idSure
		}
	}
	if c.e.named && (c.e.kind != Create || !c.m.below()) {
		id := c.m.params[r.idParam]
		if len(c.partsInPath()) > 0 {
			return id, true, idList
		}
		return id, id != "", idSure
	}
	if c.unsure {
		return "", false, idSure // what an answer of unknown worth names is not believed
	}
	located := ""
	for _, link := range [...]string{"Location", "Odata-Entityid", "Content-Location"} {
		if id, ok := r.idInURL(c.x.Response.Header.Get(link), c.x.Request.Path); ok && located == "" {
			located = id
		}
	}
	if id, ok := r.idOf(c.res, entity); ok && !c.isOther() {
		return id, true, c.doubtsID(id, located, entity)
	}
	if located != "" {
		return located, true, idSure
	}
	if c.e.named { // POST /tasks/5/restore, and nothing says what it made
		id := c.m.params[r.idParam]
		return id, id != "" && c.x.Response.Body.Missing == webhook.NotMissing, idPath
	}
	id, ok = r.idIn(object(r.asked(c.req, entity)))
	if c.e.kind == Update || c.e.kind == Delete || c.resKind == content.IsEmpty && c.reqKind == content.IsAPI || r.after == "request" {
		return id, ok, idSure // JSON:API 1.1: what a client names so is created so
	}
	if !ok {
		id, ok = c.bareID()
	}
	return id, ok, idDoubt
}

// bareID returns what the answer to a create is, if that is nothing but a number or a
// text that is no word of how it went: an id, or else a count. In a receipt it is what
// is there under a name that ids of what was made have.
func (c *call) bareID() (string, bool) {
	if c.e.kind != Create || c.resKind != content.IsJSON {
		return "", false
	}
	id, ok := c.res.Text()
	for m := range tree.Each(c.res.Members()) {
		if !ok && wordIn(madeNames, m.Name) {
			id, ok = m.Text()
		}
	}
	word := wordIn(yesTexts, id) || wordIn(noTexts, id) || wordIn(laterTexts, id) || strings.ContainsAny(id, " \t\n")
	return id, ok && !word
}

// madeNames are fields of receipts that have the id of what was made, written as names
// are looked up.
var madeNames = map[string]bool{
	"id": true, "objectid": true, "insertid": true, "insertedid": true, "lastinsertid": true, "newid": true,
	"createdid": true, "createdobjectid": true, "createdentityid": true, "createditemid": true, "createdrecordid": true,
}

// doubtsID says how sure it is that the id in an answer to a create is that of
// what was made. It may be that of the call, or of what it was made in.
func (c *call) doubtsID(id, located string, entity *tree.Value) unnamed {
	if c.e.kind == Update || c.e.kind == Delete || c.e.named || id == located || c.e.res.id != nil || c.e.res.entity != nil {
		return idSure
	}
	asked := object(c.e.res.asked(c.req, entity))
	switch {
	case !c.e.res.hasIDName(entity) && c.sendsSelf(), c.isPartOf(entity, id):
		return idDoubt
	case located != "" && !c.e.res.isSecond(entity, located), id == "0":
		return idDoubt
	case len(c.setFields(nil, asked)) == 0:
	case c.e.res.showsSet(asked, entity):
		return idSure
	case c.isParent(id) || c.e.res.holdsOthers(entity) || slices.Index(c.e.res.listIn(c.res), entity) == 0:
		return idDoubt
	}
	return idTold
}

// sendsSelf reports whether the request itself has a field that could be what names the
// entity in the answer.
func (c *call) sendsSelf() bool {
	return c.req.IsObject() && slices.ContainsFunc(append([]string{"name"}, selfNames...), func(name string) bool {
		text, ok := c.req.Get(name).Text()
		return ok && strings.Contains(text, "/")
	})
}

// isPartOf reports whether an answer elsewhere than at the collection has, beside its
// own id, that of an entity of the resource: what a call made in it.
func (c *call) isPartOf(entity *tree.Value, id string) bool {
	r := c.e.res
	if r.collection != nil && c.e.pattern.String() == r.collection.String() {
		return false
	}
	for _, name := range r.idNames {
		v := entity.Get(name)
		if v == nil || v.Is(id) || c.e.id == nil && slices.Contains(genericIDs, name) {
			continue
		}
		if _, ok := v.Text(); ok {
			return true
		}
	}
	return false
}

// isParent reports whether id is one of those that the path names.
func (c *call) isParent(id string) bool {
	for _, value := range c.m.params {
		if value == id {
			return true
		}
	}
	return false
}

// holdsOthers reports whether v tells nothing but of things in it that have ids of
// their own: it may be what is around the entity, or a list of them.
func (r *resource) holdsOthers(v *tree.Value) bool {
	holds := false
	for m := range tree.Each(v.Members()) {
		inner := &m.Value
		if m.IsArray() && len(m.Elems()) > 0 {
			inner = &m.Elems()[0]
		}
		switch {
		case inner.IsObject() && r.hasID(flat(inner)):
			holds = true
		case !isReceiptWord(m.Name) && !slices.Contains(r.idNames, m.Name) && !wordIn(asideNames, m.Name):
			return false
		}
	}
	return holds
}

// reads reports whether a POST that made nothing, as far as its answer tells, says
// by _method that it is a GET. Without `override` that is no proof, and nothing
// else is believed of it.
func (c *call) reads() bool {
	said := strings.ToUpper(saidIn(&c.x.Request, "_method"))
	return c.m.method == "POST" && c.x.Response.Status == 200 && slices.Contains(safe, said)
}

// operation is what the call's kind says without a look at the state before.
func (c *call) operation() webhook.Operation {
	switch c.e.kind {
	case Create:
		return webhook.Created
	case Delete:
		return webhook.Deleted
	}
	return webhook.Updated
}

func (c *call) unidentified() *webhook.Gap {
	method, path := c.x.Request.Method, c.x.Request.Path
	switch {
	case c.dry:
		return c.gap(webhook.GapUnknownOutcome, fmt.Sprintf("%s %s asked for a dry run, and it is not known whether it was done all the same: say by `success` whether the API knows of those", method, path))
	case c.unsure:
		return c.gap(webhook.GapUnknownOutcome, fmt.Sprintf("it is not known whether %s %s was done, nor to which entity%s", method, path, c.amid()))
	case c.later:
		return c.gap(webhook.GapUnknownOutcome, fmt.Sprintf("%s %s was accepted (%d), to be done later: whether, when and to which entity it is done was not seen", method, path, c.x.Response.Status))
	case c.e.kind == Delete:
		return c.gap(webhook.GapSelector, fmt.Sprintf("%s %s deleted entities that the path does not name", method, path))
	case c.x.Response.Body.Missing != webhook.NotMissing:
		return c.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done, and the answer that would name the entity was not kept: %s",
			method, path, c.x.Response.Body.Missing))
	}
	return c.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done, and neither its path nor its answer names the entity", method, path))
}
