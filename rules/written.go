package rules

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// showsWritten reports whether the answer is the list of what was written: it says
// that it is the representation that the call asked for (RFC 7240 §4.2), as
// PostgREST does.
func (c *call) showsWritten() bool {
	return !c.unsure && !c.later && c.res.IsArray() && c.prefers("return=representation")
}

// showsNone reports whether the answer is such a list, with nothing in it.
func (c *call) showsNone() bool { return c.showsWritten() && len(c.res.Elems()) == 0 }

// written returns what the answer to a change of all that a query selects mentions:
// said is what the request says of each.
func (c *call) written(said *tree.Value) []mention {
	elements := elementsOf(pointers(c.res.Elems()))
	mentions, results := make([]mention, len(elements)), make([]result, len(elements))
	for i, e := range elements {
		results[i] = c.resultOf(e.tree)
		c.judge(&results[i], said, false)
		mentions[i] = mention{element: e, asked: said, result: &results[i]}
	}
	return mentions
}

// merges reports whether a create asks to change what is there already, and not to
// make it once more: PostgREST and others answer 201 to that, too.
func (c *call) merges() bool {
	if slices.ContainsFunc(c.x.Request.Header["Prefer"], func(v string) bool { return strings.Contains(v, "resolution=merge-duplicates") }) {
		return true
	}
	values, _ := url.ParseQuery(c.x.Request.Query) // what it could read is in values
	return strings.EqualFold(values.Get("upsert"), "true")
}
