package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
)

// makesMany reports whether a create whose request has a list makes an entity of
// each of its elements. The list may be a part of one, or another way to write it:
// so it is if the answer is about one, by its id or its Location. Where nothing
// tells, none is made up.
func (c *call) makesMany(list []*tree.Value) bool {
	r := c.e.res
	answered := r.listIn(c.res)
	if entity := c.entityInAnswer(); r.hasID(entity) {
		return len(answered) == 1 && answered[0] == entity
	}
	_, located := r.idInURL(c.x.Response.Header.Get("Location"), c.x.Request.Path)
	t := c.told(r.idsOf(list))
	if c.req.IsArray() {
		return !located || len(t.results) == len(list) && !slices.ContainsFunc(t.results, func(t result) bool { return t.id == "" })
	}
	if located || len(t.results) == 0 {
		return false
	}
	for i := range t.results {
		if e := c.evidenceIn(t.results[i].verdict, nil); e.status != 0 && !e.code {
			return true
		}
	}
	return r.isListOnly(c.req, false) && r.isListOnly(c.res, true)
}

// isListOnly reports whether there is nothing in v but a list and what is said of
// a call: beside a list of the resource's own name in a request anything may be.
func (r *resource) isListOnly(v *tree.Value, answer bool) bool {
	if !v.IsObject() {
		return true
	}
	own := false
	for m := range tree.Each(v.Members()) {
		own = own || m.IsArray() && r.listsOwn(m.Name)
	}
	if own && !answer {
		return true
	}
	return !slices.ContainsFunc(v.Members(), func(m tree.Member) bool {
		switch {
		case m.Kind == tree.Null, m.Kind == tree.Bool, isReceiptWord(m.Name), wordIn(asideNames, m.Name), failureName(m.Name), r.doneName(m.Name) != noDeed:
			return false
		case m.IsArray():
			return !r.listsBy(m.Name)
		case m.IsObject() && answer:
			return !slices.Contains([]string{"data", "response", "result", "payload", "body", "content", "_embedded", "d"}, m.Name)
		}
		return true
	})
}

// asideNames are what there is beside a list that is not of the things in it.
var asideNames = map[string]bool{
	"meta": true, "metadata": true, "options": true, "params": true, "info": true, "pagination": true, "paging": true, "page": true, "status": true,
	"total": true, "totalcount": true, "size": true, "limit": true, "offset": true, "perpage": true, "next": true, "previous": true, "links": true,
	"included": true, "jsonapi": true, "stats": true, "summary": true, "schemas": true,
}

func (r *resource) hasID(entity *tree.Value) bool {
	_, ok := r.idIn(entity)
	return entity != nil && ok
}
