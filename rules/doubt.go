package rules

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// doubting returns the call as it is for one of its entities: as one of unknown outcome,
// if it is not known whether it was done to that one. There is no doubt if what reads
// like a no in the answer (suspects) is nothing but fields of the entity, as the state
// before or a GET shows.
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

// isUnnamed reports whether a create made something else than the entity by whose
// id it is planned, as far as can be told.
func (d *deriver) isUnnamed(ch *change, seen *Seen) bool {
	obs := seen.Observation
	switch ch.s.unnamed {
	case idList:
		return ch.snap.Sequence == 0 && !d.showsAsOne(ch, obs)
	case idTold:
		return ch.snap.Sequence == 0 && ch.o.via != webhook.FromResponse && obs != nil && showsNothing(obs)
	case idDoubt:
		if id, bare := d.bareID(); bare && id == ch.s.called && !d.e.res.hasID(object(ch.s.asked)) && (ch.snap.Sequence > 0 || ch.snap.Known()) {
			return true // what was there already was not made
		}
		shown := d.fromGet(ch.s, &ch.b, obs, d.alone)
		return shown == nil || !d.e.res.showsSet(ch.s.asked, shown.body)
	case idPath:
		return ch.b.body != nil && ch.o.body != nil && !showsNew(ch.b.body, ch.o.body)
	}
	return false
}

// showsAsOne reports whether the answer, or a GET before or after the call, shows one
// entity under an id that may be a list of them.
func (d *deriver) showsAsOne(ch *change, after *webhook.Observation) bool {
	shown := []*tree.Value{ch.s.answer, d.entityInAnswer()}
	for _, obs := range []*webhook.Observation{d.x.Before, after} {
		if obs != nil {
			shown = append(shown, d.observed(obs, ch.s, d.alone, ch.s.asked, nil))
		}
	}
	return slices.ContainsFunc(shown, func(v *tree.Value) bool { return v != nil && d.e.res.isOne(v, ch.s.Key.ID) })
}

// maybeList is the gap of a call of which it is not known whether it is about one
// entity or several.
func (d *deriver) maybeList(s *Subject) *webhook.Gap {
	method, path := d.x.Request.Method, d.x.Request.Path
	reason, done := webhook.GapUnidentified, "was done"
	if d.unsure || d.later {
		reason, done = webhook.GapUnknownOutcome, "may or may not have been done"
	}
	return d.call.gap(reason, fmt.Sprintf("%s %s %s, and whether %s is the id of one thing or of several is not known; "+
		"if it is of several, write: on %s {%s} %s each params.%s", method, path, done, s.Key.ID, method, d.e.res.idParam, d.e.kind, d.e.res.idParam))
}

// tellUnnamed adds what was made under ids that are not known to the gap.
func (d *deriver) tellUnnamed() {
	if len(d.unnamed) == 0 {
		return
	}
	what := "and what it made is not known: " + d.unnamed[0] + " may be the id of something else, and no GET showed there what was set"
	if len(d.unnamed) > 1 {
		what = fmt.Sprintf("and %d of the things that it made are not known: %s and the others may be the ids of something else, and no GET showed there what was set",
			len(d.unnamed), d.unnamed[0])
	}
	d.miss(d.call.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done, %s", d.x.Request.Method, d.x.Request.Path, what)))
}

// mayHaveFailed doubts a call whose answer shows, beside the entity, that something
// went wrong, and nothing as it was set.
func (c *call) mayHaveFailed(s *Subject, entity *tree.Value) {
	if c.e.res.success != nil || entity == nil || s.Kind == Delete || c.unsure || c.later || c.e.res.showsSet(s.asked, entity) && len(s.asked.Members()) > 0 {
		return
	}
	for m := range tree.Each(entity.Members()) {
		if badFlag(m.Name, &m.Value) && !tree.Equal(&m.Value, s.asked.Get(m.Name)) {
			s.suspects = append(s.suspects, m.Name)
		}
	}
	if len(s.suspects) > 0 {
		s.doubt, s.suspect = mayFail, entity
	}
}

// badFlag reports whether a field says that something went wrong, if it is none of
// the entity.
func badFlag(name string, v *tree.Value) bool {
	switch name {
	case "error", "errors":
		return saysWhy(v)
	case "ok", "success":
		return v.Kind == tree.Bool && string(v.Shared()) == "false"
	}
	return false
}

// isFlag reports whether badFlag knows a name.
func isFlag(name string) bool {
	return name == "error" || name == "errors" || name == "ok" || name == "success"
}
