package rules

import (
	"fmt"
	"strconv"

	"github.com/sidehook/sidehook/rules/lang"
)

// Why it is not known whether something was done to one of many.
const (
	othersOnly = "may or may not have been done to this one: the answer tells of others only"
	notWhich   = "may or may not have been done to this one: the answer (%d) does not say to which it was"
	someFailed = "may or may not have been done to this one: the answer says that something failed, and not what"
	bothWays   = "may or may not have been done to this one: the answer tells of it as done and as failed"
	amongOther = "may or may not have been done to this one: the answer shows it among what was not asked for"
	showsNone  = "may or may not have been done to this one: the answer is a list with nothing in it"
	noAnswer   = "may or may not have been done to this one: no answer was seen to its end, and no GET could tell"
	mayFail    = "may or may not have been done to this one: what the answer says of it may be a no, or a field of it"
	later      = "was accepted (202) for this one, to be done later: whether and when it is done was not seen"
	notYet     = "was accepted, to be done later: whether and when it is done was not seen"
)

// settle says of each mention of a request whether it was done to it, by what the
// answer tells.
func (c *call) settle(mentions []mention, t *told, p *pairs) {
	for i := range mentions {
		if m := &mentions[i]; m.result != nil {
			c.judge(m.result, m.asked, t.no)
		}
	}
	unnamed := c.settleFailures(mentions, t, p)
	if c.e.kind == Delete && !t.named && t.tell == ofEach {
		c.settleRemaining(mentions, t, p)
	}
	open := make(map[string]bool)
	paired := false
	for i := range mentions {
		if m := &mentions[i]; m.result == nil && !m.failed {
			open[openKey(p.ids[i], i)] = true
		} else if m.result != nil {
			paired = true
		}
	}
	why, none := c.unsettled(t, len(open), len(mentions), unnamed, paired)
	for i := range mentions {
		if m := &mentions[i]; m.result == nil {
			m.failed, m.doubt, m.later = m.failed || none, why, why == notYet
		}
	}
}

func openKey(id string, i int) string {
	if id == "" {
		return "#" + strconv.Itoa(i)
	}
	return id
}

// settleFailures fails the mentions that a list of failures names, and returns
// how many there are in it that name nobody.
func (c *call) settleFailures(mentions []mention, t *told, p *pairs) (unnamed int) {
	q := pairs{r: p.r, asked: p.asked, results: t.failures, ids: p.ids}
	q.tie()
	for i, at := range q.of {
		m := &mentions[i]
		switch {
		case at < 0:
		case m.result != nil && m.result.fate == done:
			m.doubt = bothWays
		default:
			m.result, m.failed = nil, true
		}
	}
	for _, taken := range q.taken {
		if !taken {
			unnamed++
		}
	}
	return unnamed
}

// settleRemaining doubts what is in the answer to a delete among what was not
// asked for: it may be what is left.
func (c *call) settleRemaining(mentions []mention, t *told, p *pairs) {
	for i := range t.results {
		if p.taken[i] || t.results[i].id == "" {
			continue
		}
		for j := range mentions {
			if m := &mentions[j]; m.result != nil && m.result.fate == done {
				m.doubt = amongOther
			}
		}
		return
	}
}

// unsettled says why it is not known whether it was done to those of whom the
// answer does not tell, "" if it was, or that it was done to none of them.
func (c *call) unsettled(t *told, open, all, unnamed int, paired bool) (why string, none bool) {
	each := t.tell == ofEach || t.tell == ofSome && paired
	switch {
	case open == 0, t.limit >= all && !t.vague:
		return "", false
	case t.later:
		return notYet, false
	case each && unnamed >= open:
		return "", true
	case each:
		return othersOnly, false
	case t.limit == 0 && !t.vague:
		return "", true
	case t.limit >= open:
		return "", false
	case t.limit >= 0:
		return fmt.Sprintf("may or may not have been done to this one: the answer tells that it was to %d of %d", t.limit, open), false
	case t.empty && len(t.failures) == 0 && c.e.kind != Create:
		return showsNone, false
	case unnamed > 0 || t.no && len(t.failures) == 0:
		return someFailed, false
	case isPartly(c.x.Response.Status) && len(t.failures) == 0:
		return fmt.Sprintf(notWhich, c.x.Response.Status), false
	}
	return "", false
}

// deletedBeside adds what the answer lists as deleted and the request did not name
// so: where none of both have a name in common, and they are as many, the request
// had other names for them.
func (c *call) deletedBeside(mentions []mention, t *told, p *pairs) []mention {
	var beside []mention
	for i := range t.results {
		r := &t.results[i]
		if c.judge(r, nil, t.no); !p.taken[i] && r.id != "" && r.fate == done {
			m := mention{result: r}
			m.value, _ = lang.Decode(r.said.Shared())
			m.tree = r.said
			beside = append(beside, m)
		}
	}
	if len(beside) == len(mentions) && len(beside) == len(t.results) {
		return beside
	}
	return append(mentions, beside...)
}
