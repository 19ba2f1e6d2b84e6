package rules

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// mention is one entity that a bulk call names, with what is said of it.
type mention struct {
	element
	asked  *tree.Value // by the request; nil: nothing
	deed   deed        // what it asks for, if it says so for this one; noDeed: what the call is for
	id     string      // in the path that it gives
	pathed bool        // it gives one: its own id is that of the request
	result *result     // by the answer; nil: nothing
	failed bool        // nothing was done to this one
	doubt  string      // why it is not known whether it was done to this one, "" if it is
	later  bool        // that is because it is to be done
}

// planMentions makes subjects of mentions: of two of one entity the last counts,
// with what the first asked for.
func (c *call) planMentions(pl *Plan, mentions []mention) {
	c.bulk = true
	at := make(map[webhook.EntityKey]int, len(mentions))
	missed := 0
	for i := range mentions {
		m := &mentions[i]
		if m.failed || m.result != nil && m.result.fate == failed {
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
	out := Subject{Kind: c.e.kind, item: m.value, itemTree: m.tree, asked: m.asked, doubt: m.doubt, later: m.later}
	switch {
	case m.deed == removedDeed, m.result != nil && m.result.removes():
		out.Kind = Delete
	case m.deed == madeDeed:
		out.Kind = Create
	case out.Kind == Update && c.e.id == nil && m.id == "" && !m.pathed && m.result != nil && c.e.res.idInElement(m.tree)+c.e.res.idInElement(m.asked) == "":
		out.Kind = Upsert // what was asked for without an id may have been made
	}
	if m.result != nil && out.Kind == Create && c.e.res.saysThere(m.result.verdict, m.asked) && m.result.status != 201 {
		out.Kind, out.doubt = Update, wasThere
	}
	id, sure := c.idOfMention(m)
	if id == "" {
		return out, false
	}
	out.Key = c.key(id)
	if !sure {
		out.unnamed = idDoubt
	}
	if m.result != nil {
		c.answerOf(&out, m.result, id)
		if m.result.plain && out.Kind == Create {
			out.unnamed = idDoubt
		}
	}
	out.Fetch = c.fetch(&out)
	return out, true
}

// answerOf takes over what the answer says of one mention.
func (c *call) answerOf(out *Subject, r *result, id string) {
	out.status = r.status
	switch {
	case r.fate == accepted:
		out.doubt, out.later = later, true
	case r.fate == doubtful && out.doubt == "":
		out.doubt, out.suspects, out.suspect = mayFail, r.suspects, r.verdict
	}
	shown := r.entity
	if shown == nil || c.later || out.Kind == Delete || !c.e.res.isOne(shown, id) {
		return
	}
	out.answer, out.grade = shown, webhook.Observed
	out.other = c.shownOtherwise(out, shown)
	out.echo, out.receipt = c.isEcho(shown, out.asked), c.isReceipt(shown, out.asked, nil) || r.unlike && !c.e.res.tells(shown, fewFields+1)
	out.parts, out.old = c.sendsParts(out, shown), c.mayBeOld(out, shown)
	out.said = !out.echo && c.e.res.representation != "full" && c.showsOnlyWhatWasSet(shown, out.asked)
}

// removes reports whether what was done to this one was to delete it.
func (r *result) removes() bool {
	switch r.verb {
	case "delete", "deleted", "destroy", "remove":
		return true
	}
	return r.removed
}

// idOfMention returns the id of a mention: what the route's `id` says, else what
// is in the request, or else in the answer; of one that is created the answer is
// asked first, and sure is false if only the request has an id.
func (c *call) idOfMention(m *mention) (id string, sure bool) {
	if c.e.id != nil {
		got, err := c.e.id.Eval(c.blind(m.value), nil)
		if err != nil {
			return "", false
		}
		if id := textOf(got); id != "" {
			return id, true
		}
	}
	created := m.deed == madeDeed || c.e.kind == Create && m.deed == noDeed
	switch {
	case m.id != "":
		return m.id, true
	case m.pathed && m.result == nil:
		return "", false
	case m.pathed:
		return m.result.told(c.e.res), true
	case created && m.result != nil && m.result.id != "":
		return m.result.id, true
	}
	for _, v := range []*tree.Value{m.tree, m.asked} {
		if id := c.e.res.idInElement(v); id != "" {
			return id, !created || c.e.each != nil && readsResponse(c.e.each)
		}
	}
	if m.result != nil {
		return m.result.id, true
	}
	return "", false
}

// told returns the id of the entity that a result tells of beside what the part
// of the request calls itself: in what it shows, or where it says that it is.
func (r *result) told(res *resource) string {
	if id := res.idInElement(r.entity); r.entity != r.verdict && id != "" {
		return id
	}
	return r.link
}

// idInElement returns the id in an element of a list: an entity, a result, or
// an id by itself.
func (r *resource) idInElement(v *tree.Value) string {
	if v.IsObject() {
		v = flat(v)
		id, _ := r.idIn(v)
		return id
	}
	id, _ := v.Text()
	return id
}

// isOne reports whether an entity in a list is the one with that id.
func (r *resource) isOne(entity *tree.Value, id string) bool {
	if got, ok := r.idIn(entity); ok && got == id {
		return true
	}
	return r.id == nil && r.shows(entity, entity, id)
}

// ownFields reports whether what may say that nothing was done is a field of the
// entity: known has the same there.
func (s *Subject) ownFields(known *tree.Value) bool {
	return len(s.suspects) > 0 && known != nil && !slices.ContainsFunc(s.suspects, func(name string) bool {
		was, is := known.Get(name), s.suspect.Get(name)
		return was == nil || is == nil || !tree.Equal(was, is)
	})
}
