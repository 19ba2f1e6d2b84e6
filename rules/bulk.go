package rules

import (
	"fmt"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// mention is one entity that a bulk call names, with what is said of it.
type mention struct {
	element
	asked  *tree.Value // by the request; nil: nothing
	result *result     // by the answer; nil: nothing
	doubt  string      // why it is not known whether it was done to this one, "" if it is
}

// planBulk plans a call with one entity for each element of `each`.
func (c *call) planBulk(pl *Plan) {
	elements, gap := c.elements(c.e.each)
	if gap != nil {
		pl.Gap = gap
		return
	}
	if elements == nil {
		pl.Gap = c.noList()
		return
	}
	if readsResponse(c.e.each) {
		c.planMentions(pl, c.answered(pl, elements))
		return
	}
	c.planMentions(pl, c.requested(pl, elements))
}

// answered returns what the elements of an answer mention: each with the element
// of the request that it answers.
func (c *call) answered(pl *Plan, elements []element) []mention {
	results := make([]result, len(elements))
	for i := range elements {
		results[i] = c.resultOf(elements[i].tree)
	}
	asks := c.e.res.listIn(c.req)
	p := pairs{r: c.e.res, asked: asks, results: results}
	p.find()
	mentions := make([]mention, len(elements))
	for i := range mentions {
		mentions[i] = mention{element: elements[i], result: &results[i]}
	}
	for i, at := range p.of {
		if at >= 0 {
			mentions[at].asked = object(flat(asks[i]))
		}
	}
	if c.req.IsArray() {
		c.unanswered(pl, len(asks), len(results))
	}
	return mentions
}

// requested returns what the elements of a request mention: each with what the
// answer says of it, if it tells of single ones at all.
func (c *call) requested(pl *Plan, elements []element) []mention {
	mentions := make([]mention, len(elements))
	asks := make([]*tree.Value, len(elements))
	for i, e := range elements {
		asks[i] = e.tree
		mentions[i] = mention{element: e, asked: object(flat(e.tree))}
	}
	results, tell := c.results(len(elements))
	p := pairs{r: c.e.res, asked: asks, results: results, ids: c.askedIDs(elements)}
	p.find()
	if c.e.kind == Create && tell == ofEach {
		return c.created(pl, mentions, &p)
	}
	for i, at := range p.of {
		switch {
		case at >= 0:
			mentions[i].result = &results[at]
		case tell == ofEach:
			mentions[i].doubt = "may or may not have been done to this one: the answer tells of others only"
		case c.x.Response.Status == 207 && tell == ofNone:
			mentions[i].doubt = "may or may not have been done to this one: the answer (207) does not say to which it was"
		}
	}
	return mentions
}

// created returns what a bulk create mentions whose answer has a list: what was
// created is in the answer, whether or not it is known by which element.
func (c *call) created(pl *Plan, asked []mention, p *pairs) []mention {
	by := make([]int, len(p.results))
	for i := range by {
		by[i] = -1
	}
	for i, at := range p.of {
		if at >= 0 {
			by[at] = i
		}
	}
	mentions := make([]mention, len(p.results))
	for i := range mentions {
		if by[i] >= 0 {
			mentions[i] = asked[by[i]]
		} else {
			mentions[i].value, _ = lang.Decode(p.results[i].said.Shared())
			mentions[i].tree = p.results[i].said
		}
		mentions[i].result = &p.results[i]
	}
	c.unanswered(pl, len(asked), len(mentions))
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

// askedIDs returns the ids that the route's `id` finds in the elements, nil if
// there is none.
func (c *call) askedIDs(elements []element) []string {
	if c.e.id == nil {
		return nil
	}
	ids := make([]string, len(elements))
	for i, e := range elements {
		if v, err := c.e.id.Eval(c.blind(e.value), nil); err == nil {
			ids[i] = textOf(v)
		}
	}
	return ids
}

// planMentions makes subjects of mentions: of two of one entity the last counts,
// with what the first asked for.
func (c *call) planMentions(pl *Plan, mentions []mention) {
	c.bulk = true
	at := make(map[webhook.EntityKey]int, len(mentions))
	missed := 0
	for i := range mentions {
		m := &mentions[i]
		if m.result != nil && m.result.failed {
			continue
		}
		s, ok := c.subject(m)
		if !ok {
			missed++
			continue
		}
		if j, again := at[s.Key]; again {
			if first := pl.Subjects[j].asked; first.IsObject() && s.asked.IsObject() {
				both := tree.Assign(first, s.asked)
				s.asked = &both
			}
			pl.Subjects[j] = s
			continue
		}
		at[s.Key] = len(pl.Subjects)
		pl.Subjects = append(pl.Subjects, s)
	}
	if missed > 0 {
		pl.Gap = c.gap(webhook.GapUnidentified, fmt.Sprintf("%d of %d elements of %s %s name no entity",
			missed, len(mentions), c.x.Request.Method, c.x.Request.Path))
	}
}

// subject plans the entity of one mention.
func (c *call) subject(m *mention) (Subject, bool) {
	out := Subject{Kind: c.e.kind, item: m.value, itemTree: m.tree, asked: m.asked, doubt: m.doubt}
	id := c.idOfMention(m)
	if id == "" {
		return out, false
	}
	out.Key = c.key(id)
	if m.result != nil {
		out.status = m.result.status
		if m.result.later {
			out.doubt = "was accepted (202) for this one, to be done later: whether and when it is done was not seen"
		}
		if shown := m.result.entity; shown != nil && !c.later && c.e.kind != Delete && c.e.res.isOne(shown, id) {
			out.answer, out.grade = shown, webhook.Observed
			out.receipt = c.isReceipt(shown, m.asked, nil)
		}
	}
	out.Fetch = c.fetch(&out)
	return out, true
}

// idOfMention returns the id of a mention: what the route's `id` says, else what
// is in the request, or else in the answer.
func (c *call) idOfMention(m *mention) string {
	if c.e.id != nil {
		got, err := c.e.id.Eval(c.blind(m.value), nil)
		if err != nil {
			return ""
		}
		if id := textOf(got); id != "" {
			return id
		}
	}
	for _, v := range []*tree.Value{m.asked, m.tree} {
		if id := c.e.res.idInElement(v); id != "" {
			return id
		}
	}
	if m.result != nil {
		return m.result.id
	}
	return ""
}

// idInElement returns the id in an element of a list: an entity, a result, or
// an id by itself.
func (r *resource) idInElement(v *tree.Value) string {
	if v == nil {
		return ""
	}
	id, ok := "", false
	if v.IsObject() {
		id, ok = r.idIn(flat(v))
	} else {
		id, ok = v.Text()
	}
	if !ok {
		return ""
	}
	return id
}

// isOne reports whether an entity in a list is the one with that id.
func (r *resource) isOne(entity *tree.Value, id string) bool {
	if got, ok := r.idIn(entity); ok && got == id {
		return true
	}
	return r.id == nil && r.shows(entity, entity, id)
}
