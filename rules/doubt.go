package rules

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// doubting returns the call as it is seen from one of its entities: as one of
// unknown outcome, if it is not known whether it was done to that. What may say so
// in the answer does not if it is a field of the entity: if the state before, or a
// GET, has the same there.
func (c *call) doubting(s *Subject, snap *webhook.Snapshot, seen Seen) *call {
	if s.doubt == "" || c.unsure || c.later {
		return c
	}
	own := *c
	if len(s.suspects) > 0 {
		known := c.lastKnown(s, snap)
		if s.ownFields(known.body) || seen.Observation != nil && s.ownFields(c.observed(seen.Observation, s, false, s.asked, known.body)) {
			return c
		}
	}
	own.unsure, own.later = !s.later, s.later
	return &own
}

// saysNothingDone reports whether an answer of success reads like a no, though no
// `success` says how to judge it: {"success": false}, {"code": 404, "msg": "…"},
// {"deleted": 0}. What shows anything of an entity is none.
func (c *call) saysNothingDone() bool {
	if c.unsure || c.later || !c.res.IsObject() || c.e.res.singular && c.e.kind != Delete {
		return false
	}
	removes := c.e.kind == Delete
	empty := true // but for what says how it went
	for i := 0; i < len(c.res.Members()) && (empty || removes); i++ {
		m := &c.res.Members()[i]
		if removes && m.Kind == tree.Bool && string(m.Shared()) == "false" && doneName(m.Name) == removedDeed {
			return true
		}
		vain := m.Kind == tree.Null || m.Kind >= tree.Array && !saysWhy(&m.Value)
		tells := failureName(m.Name) || doneName(m.Name) != noDeed || m.Kind < tree.Array && c.e.res.usualName(m.Name)
		empty = empty && (vain || tells && (removes || !slices.Contains(c.e.res.idNames, m.Name)))
	}
	if !empty {
		return false
	}
	e := c.evidenceIn(c.res, object(c.req))
	if len(e.no) > 0 || e.status >= 400 {
		return true
	}
	t := c.told(nil)
	return t.limit == 0 && !t.vague
}

// isUnnamed reports whether a create made something else than the entity by whose
// id it is planned, as far as can be told.
func (d *deriver) isUnnamed(ch *change, seen *Seen) bool {
	obs := seen.Observation
	switch ch.s.unnamed {
	case idTold:
		return ch.snap.Sequence == 0 && ch.o.via != webhook.FromResponse && obs != nil && (obs.Status == 404 || obs.Status == 410)
	case idDoubt:
		shown := d.fromGet(ch.s, &ch.b, obs, d.alone)
		return shown == nil || !showsSet(ch.s.asked, shown.body)
	}
	return false
}

// tellUnnamed adds what was made under ids that are not known to the gap.
func (d *deriver) tellUnnamed() {
	if len(d.unnamed) == 0 {
		return
	}
	what := "and what it made is not known: " + d.unnamed[0] + " may be the id of something else, and no GET showed it there"
	if len(d.unnamed) > 1 {
		what = fmt.Sprintf("and %d of the things that it made are not known: %s and the others may be the ids of something else, and no GET showed them there",
			len(d.unnamed), d.unnamed[0])
	}
	d.miss(d.call.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done, %s", d.x.Request.Method, d.x.Request.Path, what)))
}

// showsSet reports whether shown has something of what the request set, and no
// plain value otherwise.
func showsSet(asked, shown *tree.Value) bool {
	some := len(asked.Members()) == 0
	for i := range asked.Members() {
		m := &asked.Members()[i]
		v := shown.Get(m.Name)
		switch {
		case v == nil:
		case m.Kind < tree.Array && v.Kind < tree.Array && !tree.Equal(&m.Value, v):
			return false
		default:
			some = true
		}
	}
	return some && shown != nil
}
