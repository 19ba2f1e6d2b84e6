package rules

import (
	"cmp"
	"fmt"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// planBulk plans a call with one entity for each element of `each`.
func (c *call) planBulk(pl *Plan) {
	elements, gap := c.elements(c.e.each)
	if gap != nil {
		pl.Gap = gap
		return
	}
	switch {
	case elements == nil && c.unsure:
		pl.Gap = c.unidentified()
		return
	case elements == nil:
		pl.Gap = c.noList()
		return
	}
	if readsResponse(c.e.each) {
		c.planMentions(pl, c.answered(pl, elements))
		return
	}
	c.planMentions(pl, c.requested(pl, elements, nil))
}

// answered returns what the elements of an answer mention: each with the element
// of the request that it answers.
func (c *call) answered(pl *Plan, elements []element) []mention {
	results := make([]result, len(elements))
	for i := range elements {
		results[i] = c.resultOf(elements[i].tree)
	}
	asks := c.e.res.listIn(c.req)
	p := pairs{r: c.e.res, asked: asks, results: results, ids: c.e.res.idsOf(asks), create: c.e.kind == Create}
	p.find()
	mentions := make([]mention, len(elements))
	for i := range mentions {
		mentions[i] = mention{element: elements[i], result: &results[i]}
	}
	for i, at := range p.of {
		if at >= 0 {
			mentions[at].ask(c.e.res, asks[i])
		}
	}
	t := &told{limit: -1}
	if c.res.IsObject() {
		t = c.told(nil)
	}
	for i := range mentions {
		results[i].unlike = mentions[i].asked == nil && c.unlike(results[i].entity, asks)
		c.judge(&results[i], mentions[i].asked, t.no)
	}
	if c.req.IsArray() {
		c.unanswered(pl, len(asks), len(results))
	}
	return mentions
}

// unlike reports whether an element of an answer shows nothing of what any part of the
// request set.
func (c *call) unlike(entity *tree.Value, asks []*tree.Value) bool {
	sets := false
	for _, v := range asks {
		var m mention
		m.ask(c.e.res, v)
		set := c.setFields(nil, m.asked)
		if countShown(entity, m.asked, set) > 0 {
			return false
		}
		sets = sets || len(set) > 0
	}
	return sets
}

// requested returns what the elements of a request mention: each with what the
// answer says of it, if it tells of single ones at all. all is what the request
// says of all of them, nil if each says something itself.
func (c *call) requested(pl *Plan, elements []element, all *tree.Value) []mention {
	mentions := make([]mention, len(elements))
	asks := make([]*tree.Value, len(elements))
	for i, e := range elements {
		asks[i] = e.tree
		mentions[i] = mention{element: e, asked: all}
		if all == nil {
			mentions[i].ask(c.e.res, e.tree)
		}
	}
	ids := c.askedIDs(elements, asks)
	calls := callsOf(mentions, ids)
	t := c.told(ids)
	p := pairs{r: c.e.res, asked: asks, results: t.results, ids: ids, calls: calls, create: c.e.kind == Create, alike: t.tell == ofSome}
	p.find()
	if c.e.kind == Create && t.tell != ofNone {
		return c.created(pl, mentions, t, &p)
	}
	for i, at := range p.of {
		if at >= 0 {
			mentions[i].result = &t.results[at]
		}
	}
	c.settle(mentions, t, &p)
	if c.unsure {
		for i := range mentions {
			mentions[i].doubt = cmp.Or(mentions[i].doubt, noAnswer)
		}
	}
	if c.e.kind == Delete && t.named {
		mentions = c.deletedBeside(mentions, t, &p)
	}
	return mentions
}

// created returns what a bulk create mentions whose answer has a list: what was
// created is in the answer, whether or not it is known by which element. If there
// is more in it than was asked for, it is known of what is tied to an element only.
func (c *call) created(pl *Plan, asked []mention, t *told, p *pairs) []mention {
	by := make([]int, len(t.results))
	for i := range by {
		by[i] = -1
	}
	answered := 0
	for i, at := range p.of {
		if at >= 0 {
			by[at] = i
			answered++
		}
	}
	more := len(t.results) > len(asked) || t.tell == ofSome
	mentions := make([]mention, 0, len(t.results))
	for i := range t.results {
		m := mention{result: &t.results[i]}
		switch {
		case by[i] >= 0:
			m.element, m.asked = asked[by[i]].element, asked[by[i]].asked
		case more:
			continue
		default:
			m.value, _ = lang.Decode(m.result.said.Shared())
			m.tree = m.result.said
			answered++
		}
		c.judge(m.result, m.asked, t.no)
		mentions = append(mentions, m)
	}
	if more && answered < len(asked) {
		pl.Gap = c.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s asked for %d things, and its answer shows %d: which of them are new is not known",
			c.x.Request.Method, c.x.Request.Path, len(asked), len(t.results)))
		return mentions
	}
	c.unanswered(pl, len(asked), answered+min(len(t.failures), len(asked)-answered))
	return mentions
}

// unanswered sets the gap of a bulk call that asked for more than its answer
// tells of.
func (c *call) unanswered(pl *Plan, asked, told int) {
	if asked > told {
		pl.Gap = c.gap(webhook.GapUnknownOutcome, fmt.Sprintf("%s %s asked for %d things, and its answer tells of %d: what became of the others is not known",
			c.x.Request.Method, c.x.Request.Path, asked, told))
	}
}

// askedIDs returns the ids of elements: what the route's `id` finds in them, else
// what is in asks; "" for one without.
func (c *call) askedIDs(elements []element, asks []*tree.Value) []string {
	ids := c.e.res.idsOf(asks)
	if c.e.id == nil {
		return ids
	}
	for i, e := range elements {
		if v, err := c.e.id.Eval(c.blind(e.value), nil); err == nil && textOf(v) != "" {
			ids[i] = textOf(v)
		}
	}
	return ids
}

func (r *resource) idsOf(asks []*tree.Value) []string {
	ids := make([]string, len(asks))
	for i := range asks {
		ids[i] = r.idInElement(asks[i])
	}
	return ids
}
