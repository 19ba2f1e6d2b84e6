package rules

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// planList plans a call whose route has no `each` and whose path names no entity,
// but whose request has a list of them. It is false if there is none.
func (c *call) planList(pl *Plan) bool {
	if c.unsure && !c.asksForKnown() {
		return false
	}
	if ids := c.idsInPath(); len(ids) > 0 {
		c.planMentions(pl, c.requested(pl, ids, object(c.req)))
		return true
	}
	if c.e.named {
		return false
	}
	if c.showsNone() {
		pl.Nothing = "the answer shows all that was written, and that is nothing"
		return true
	}
	said := c.said()
	return (c.e.kind == Delete || said != nil && c.e.kind != Create) && c.planQuery(pl, said) || c.planListed(pl, said)
}

// planQuery is planList for ids in the query. said is what the request says of all
// of them.
func (c *call) planQuery(pl *Plan, said *tree.Value) bool {
	ids, only := c.idsInQuery()
	if len(ids) == 0 {
		return false
	}
	mentions := c.requested(pl, ids, said)
	for i := range mentions {
		if m := &mentions[i]; !only && m.result == nil && m.doubt == "" {
			m.doubt = narrower
		}
	}
	c.planMentions(pl, mentions)
	return true
}

// planListed is planList for a list in the body, or in the answer to a delete.
func (c *call) planListed(pl *Plan, said *tree.Value) bool {
	list, ok := c.listAsked()
	if !ok && c.e.kind == Delete {
		list, ok = c.listDeleted()
	}
	ids := ok && len(list) > 0 && !list[0].IsObject()
	switch {
	case !ok && c.e.kind == Delete && c.didNothing():
		pl.Nothing = "the answer says that nothing was deleted"
		return true
	case c.e.kind == Update && !ok && said != nil && c.x.Request.Query != "" && c.showsWritten():
		c.planMentions(pl, c.written(said))
		return true
	case c.e.kind == Update && (ids && said == nil || !ok && c.res.IsArray()):
		pl.Gap = c.unidentified() // a set of others was put, or what was done is shown by what there is now
		return true
	case !ok || c.e.kind == Create && !c.makesMany(list):
		return false
	case len(list) > maxElements:
		pl.Gap = c.gap(webhook.GapTooLarge, fmt.Sprintf("%s %s is about %d elements, more than %d", c.x.Request.Method, c.x.Request.Path, len(list), maxElements))
		return true
	}
	elements := elementsOf(list)
	if ids {
		c.planMentions(pl, c.requested(pl, elements, said)) // {"keys": [1, 2], "data": {"status": "done"}}
	} else {
		c.planMentions(pl, c.requested(pl, elements, nil))
	}
	if c.e.unsaid && c.m.method == "PUT" && c.x.Response.Status != 207 && pl.Gap == nil {
		pl.Gap = c.gap(webhook.GapSelector, fmt.Sprintf("%s %s put a list in the place of another: what it does not name may be gone; "+
			"if it is not, write: on PUT %s each request.body", c.x.Request.Method, c.x.Request.Path, c.e.pattern))
	}
	return true
}

// elementsOf returns list as expressions see it, too.
func elementsOf(list []*tree.Value) []element {
	elements := make([]element, len(list))
	for i, v := range list {
		value, err := lang.Decode(v.Shared())
		if err != nil {
			value = lang.Unknown
		}
		elements[i] = element{value, v}
	}
	return elements
}

// asksForKnown reports whether the entities of a call of unknown outcome are known
// all the same: there is no answer that would have to name what was made.
func (c *call) asksForKnown() bool {
	return c.res == nil && c.e.kind != Create && !(c.e.unsaid && c.m.method == "PUT")
}

// said returns what the request says of all that it lists by id.
func (c *call) said() *tree.Value {
	if c.e.kind == Delete || !c.req.IsObject() {
		return nil
	}
	for _, name := range []string{"data", "values", "set", "changes", "attributes"} {
		if v := c.req.Get(name); v.IsObject() {
			return flat(v)
		}
	}
	if _, ok := c.listAsked(); ok {
		return nil
	}
	return c.e.res.asked(c.req, nil)
}

// listAsked returns the list in a request: the body, or what it has under a name
// that lists have. To create, it must be of objects.
func (c *call) listAsked() ([]*tree.Value, bool) {
	form := (c.reqKind == content.IsForm || c.reqKind == content.IsParts) && c.e.kind != Create
	if c.reqKind != content.IsJSON && c.reqKind != content.IsAPI && c.reqKind != content.IsMerge && !form {
		return nil, false
	}
	list := c.req
	if c.req.IsObject() {
		list = nil
		for m := range tree.Each(c.req.Members()) {
			if m.IsArray() && c.e.res.listsBy(m.Name) && len(c.req.Members()) <= fewFields {
				list = &m.Value
				break
			}
		}
	}
	if !list.IsArray() || c.req.IsObject() && len(list.Elems()) == 0 {
		return nil, false
	}
	for e := range tree.Each(list.Elems()) {
		if _, isID := e.Text(); !e.IsObject() && (c.e.kind == Create || !isID) {
			return nil, false
		}
	}
	return pointers(list.Elems()), true
}

// didNothing reports whether the answer says of the call as a whole that it was
// done to none.
func (c *call) didNothing() bool {
	t := c.told(nil)
	return t.limit == 0 && !t.vague && len(t.results) == 0
}

// listDeleted returns the list of what an answer says was deleted.
func (c *call) listDeleted() ([]*tree.Value, bool) {
	for _, root := range []*tree.Value{c.res, c.res.Get("data"), c.res.Get("result")} {
		for m := range tree.Each(root.Members()) {
			if m.IsArray() && (c.e.res.doneName(m.Name) == removedDeed || allSayDeleted(m.Elems())) {
				return pointers(m.Elems()), true
			}
		}
	}
	return nil, false
}

// allSayDeleted reports whether each element says that it was deleted.
func allSayDeleted(list []tree.Value) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(v tree.Value) bool {
		flag := v.Get("deleted")
		return flag == nil || string(flag.Shared()) != "true"
	})
}
