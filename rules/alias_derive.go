package rules

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// latest returns the snapshot of subject i: before[i], or what another subject,
// under another name of the same entity, has made of it.
func (d *deriver) latest(plan *Plan, before []webhook.Snapshot, i int) *webhook.Snapshot {
	if d.alone {
		return &before[i]
	}
	if i == 0 {
		for j := range plan.Subjects {
			d.aliased = d.aliased || before[j].Key != plan.Subjects[j].Key
		}
	}
	if d.aliased {
		for j := len(d.out.Snapshots) - 1; j >= 0; j-- {
			if d.out.Snapshots[j].Key == before[i].Key {
				return &d.out.Snapshots[j]
			}
		}
	}
	return &before[i]
}

// known chooses, of the snapshots that the names of a subject lead to, the one
// of its entity; before is that of its key, names those of s.names.
func (s *Subject) known(before *webhook.Snapshot, names []webhook.Snapshot) *webhook.Snapshot {
	if before.Sequence == 0 && s.guess == nil {
		for i := range names {
			if names[i].Sequence > 0 && s.names[i].ID != s.renamed {
				return &names[i]
			}
		}
	}
	return before
}

// renamedTo reports whether what a GET under a subject's new name showed is the
// subject: it has that name, and no other id than the state before. The API may
// have given it another name than was asked for, and that one may be another's.
func (c *call) renamedTo(s *Subject, before, entity *tree.Value) bool {
	if !c.e.res.goesBy(entity, s.renamed) {
		return false
	}
	return !slices.ContainsFunc(genericIDs, func(field string) bool {
		return isOtherID(before, entity, field) && !entity.Get(field).Is(s.renamed)
	})
}

// anotherID reports whether two entities have an id each, and not the same.
func anotherID(before, entity *tree.Value) bool {
	return slices.ContainsFunc(genericIDs, func(field string) bool { return isOtherID(before, entity, field) })
}

func isOtherID(before, entity *tree.Value, field string) bool {
	was, is := before.Get(field), entity.Get(field)
	return was != nil && is != nil && !tree.Equal(was, is)
}

// denied doubts the name that a call asked for if a GET did not find the entity
// there.
func (d *deriver) denied(ch *change, seen Seen) {
	if ch.s.renamed == "" || ch.o.body == nil || ch.o.via != webhook.FromComputed || seen.Observation == nil || seen.Observation.Status == 0 {
		return
	}
	for _, field := range d.e.res.called {
		if ch.o.body.Get(field).Is(ch.s.renamed) {
			ch.o.unknown = append(slices.Clone(ch.o.unknown), tree.Join("", field))
		}
	}
	ch.o.unknown = eachOnce(ch.o.unknown)
	own := *ch.s
	own.renamed = ""
	ch.s, ch.o.doubtful = &own, true
}

// guessed returns the subject with the answer that shows another id, if that is
// known to be a name of the same entity.
func (c *call) guessed(s *Subject, snap *webhook.Snapshot, names []webhook.Snapshot) *Subject {
	if s.guess == nil || snap.Sequence == 0 || names[0].Key != snap.Key {
		return s
	}
	own := *s
	own.answer, own.grade = s.guess, webhook.Observed
	own.receipt = c.isReceipt(own.answer, own.asked, nil)
	return &own
}

// madeElsewhere returns what an upsert made, if that is not what its path names, but has
// an id that the API chose: the answer, a 201, shows that, and a GET finds nothing
// under the path's (Mautic's PUT of a contact that is not there). An entity that has the
// path's id in it goes by that, too, and what answers GETs lags behind.
func (d *deriver) madeElsewhere(s *Subject, snap *webhook.Snapshot, names []webhook.Snapshot, seen Seen) *Subject {
	if s.guess == nil || s.Kind != Upsert || d.x.Response.Status != 201 || snap.Sequence > 0 || names[0].Sequence > 0 ||
		seen.Observation == nil || !showsNothing(seen.Observation) ||
		slices.ContainsFunc(s.guess.Members(), func(m tree.Member) bool { return m.Is(s.Key.ID) }) {
		return nil
	}
	own := *s
	own.Key, own.Kind, own.names, own.guess = names[0].Key, Create, nil, nil
	own.answer, own.grade = s.guess, webhook.Observed
	if own.receipt = d.isReceipt(own.answer, own.asked, nil); own.receipt {
		own.unnamed = idDoubt // {"id": 4}: a job's, or the call's own
	}
	return &own
}

// lead has the names that the call told lead to the entity of ch. planned is the
// subject as the plan has it, before what its names lead to now.
func (d *deriver) lead(ch *change, planned *Subject, before []webhook.Snapshot) {
	for i, at := range before {
		name := planned.Key
		if i > 0 {
			name = planned.names[i-1]
		}
		switch {
		case name == ch.s.Key || at.Key == ch.s.Key, planned.guess != nil && i > 0 && name.ID != ch.s.renamed:
			continue
		case name.ID == planned.renamed && (ch.s.renamed == "" || !d.e.res.goesBy(ch.o.body, name.ID)):
			continue // it was asked for, and not done
		}
		next := webhook.Snapshot{}
		if at.Key == name {
			next = at // an entity that was told under that name
		}
		next.Key, next.Alias, next.Exchange = name, ch.s.Key.ID, d.x.ID
		d.out.Snapshots = append(d.out.Snapshots, next)
	}
}

// nameNow returns what the entity is called now, "" if by its id.
func (d *deriver) nameNow(ch *change) string {
	switch r := d.e.res; {
	case ch.o.body == nil:
		return ch.snap.Name
	case r.goesBy(ch.o.body, ch.s.Key.ID):
		return ""
	case ch.s.renamed != "" && r.goesBy(ch.o.body, ch.s.renamed):
		return ch.s.renamed
	}
	return ch.snap.Name
}

// misnamed reports whether the call used a name that the entity which had it
// gave up, as far as is known: then it may be about another.
func (d *deriver) misnamed(s *Subject, snap *webhook.Snapshot) bool {
	return snap.Name != "" && s.called == snap.Key.ID
}

// reused deals with a call under a name that was given up. It returns the
// snapshot to go by; nil if it cannot be told which entity the call is about.
func (d *deriver) reused(ch *change, seen Seen) *webhook.Snapshot {
	r, was := d.e.res, ch.snap
	without := blank(was)
	ch.b = d.before(ch.s, without, d.alone)
	ch.o = d.call.after(ch.s, &ch.b, seen, d.alone)
	switch {
	case r.goesBy(ch.o.body, was.Name):
		ch.b = d.before(ch.s, was, d.alone)
		ch.o = d.call.after(ch.s, &ch.b, seen, d.alone)
		return was // the API lets the old name lead to the new one
	case r.goesBy(ch.o.body, ch.s.called), ch.s.Kind == Create:
		d.part(was)
		return without
	}
	return nil
}

// part gives an entity, whose id names another one from now on, its name for an
// id, and tells so by a gap.
func (d *deriver) part(was *webhook.Snapshot) {
	next := *was
	next.Key.ID, next.Name, next.Alias, next.Exchange = was.Name, "", "", d.x.ID
	ch := missed(&Subject{Key: next.Key}, &next)
	next.Sequence++
	e := d.event(&ch, d.gapScope(d.e.res.name), "")
	e.Sequence = next.Sequence
	e.Gap = d.gap(webhook.GapUnidentified, fmt.Sprintf("%s was told as %s until now, a name that %s %s gave to another entity",
		next.Key, was.Key, d.x.Request.Method, d.x.Request.Path))
	d.out.Snapshots = append(d.out.Snapshots, next)
	d.out.Events = append(d.out.Events, e)
}
