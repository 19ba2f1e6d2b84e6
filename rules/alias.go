package rules

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// An entity keeps the id by which it was known first. Other names lead to it:
// the slug beside an id (/pages/42 and /pages/about), and the new name after a
// call that renamed what its path is made of. The store follows them: see
// [webhook.Snapshot].

// genericIDs are names of ids that mean no more than that.
var genericIDs = []string{"id", "_id", "ID", "Id", "uuid"}

// secondNames are fields by which many APIs let a path name an entity, too.
var secondNames = []string{
	"slug", "handle", "key", "username", "login", "permalink", "code", "name", "identifier",
	"path", "full_path", "path_with_namespace", "full_name",
}

// names finds out which other names the call tells of its entity, whose id its
// path says. The subject's key is the one by which the entity is to be known.
func (c *call) names(s *Subject, entity *tree.Value) {
	r, said := c.e.res, s.Key.ID
	if c.unsure || !c.e.named || r.singular || c.e.id != nil || s.Kind == Create || r.shows(c.res, entity, said) {
		return
	}
	below := c.m.below()
	if below {
		entity = nil // a call below the entity (/pages/about/links) may be answered with another thing
	}
	for _, seen := range []*tree.Value{entity, c.shownBefore()} {
		if id, ok := r.idIn(seen); ok && id != said && r.isSecond(seen, said) {
			s.Key, s.names = c.key(id), []webhook.EntityKey{s.Key}
			return
		}
	}
	if s.Kind == Delete || below {
		return
	}
	if name := c.renamed(s, entity); name != "" && name != said {
		s.renamed, s.names = name, []webhook.EntityKey{c.key(name)}
		if id, ok := r.idOf(c.res, entity); ok && r.id != nil && id != said && id != name {
			s.Key, s.names = c.key(id), []webhook.EntityKey{s.Key, c.key(name)}
		}
		return
	}
	if id, ok := r.idIn(entity); ok && id != "" && !c.later && !c.cut() {
		s.guess, s.names = entity, []webhook.EntityKey{c.key(id)}
	}
}

// Names returns the keys under which calls on the subject may come, if the call
// tells of others than its own.
func (s *Subject) Names() []webhook.EntityKey {
	if s.guess != nil || len(s.names) == 0 {
		return nil
	}
	return append([]webhook.EntityKey{s.Key}, s.names...)
}

// shownBefore returns the entity that the GET before the call saw, or nil.
func (c *call) shownBefore() *tree.Value {
	if c.x.Before == nil || c.x.Before.Status != 200 {
		return nil
	}
	root, kind := readBody(c.x.Before.Body, c.x.Before.Header, c.m.Redacts())
	if root == nil || kind == isForm {
		return nil
	}
	return c.e.res.find(root)
}

// isSecond reports whether the entity has said, which is no number, as one of
// its names beside the id.
func (r *resource) isSecond(entity *tree.Value, said string) bool {
	if isDigits(said) {
		return false
	}
	if entity.Get(r.idParam).Is(said) {
		return true
	}
	return slices.ContainsFunc(secondNames, func(name string) bool {
		v := entity.Get(name)
		return v != nil && v.Kind == tree.String && v.Is(said)
	})
}

// renamed returns the name that the entity has after the call, if that is
// another than its path said: the request sets the field that the path is made
// of, or the answer, which repeats what the request set, has another value there.
func (c *call) renamed(s *Subject, entity *tree.Value) string {
	for _, field := range c.e.res.idNames {
		asked, sets := c.askedIn(s, field)
		shown, shows := entity.Get(field).Text()
		switch {
		case shows && shown != "" && (sets && asked != s.Key.ID || field == c.e.res.idParam && !slices.Contains(genericIDs, field) && echoes(s.asked, entity)):
			return shown
		case shows:
			return ""
		case sets && asked != "" && field == c.e.res.idParam && !slices.Contains(genericIDs, field):
			if id, ok := c.e.res.idInURL(c.x.Response.Header.Get("Location"), c.x.Request.Path); ok {
				return id // the API may have made another name of it
			}
			return asked
		}
	}
	return ""
}

// askedIn returns the text that the request sets a field to, if it does.
func (c *call) askedIn(s *Subject, field string) (text string, sets bool) {
	if c.reqKind != isPatch {
		return s.asked.Get(field).Text()
	}
	for i := range s.asked.Elems() {
		op := &s.asked.Elems()[i]
		at, _ := op.Get("path").Text()
		if names := pointerNames(at); len(names) == 1 && names[0] == field && !op.Get("op").Is("test") {
			text, sets = op.Get("value").Text()
		}
	}
	return text, sets
}

// echoes reports whether entity shows some of what the request set, and nothing
// else in its place.
func echoes(asked, entity *tree.Value) bool {
	same := 0
	for i := range asked.Members() {
		m := &asked.Members()[i]
		switch v := entity.Get(m.Name); {
		case v == nil || v.Kind != m.Kind:
		case tree.Equal(v, &m.Value):
			same++
		default:
			return false
		}
	}
	return same > 0
}

// spoken is the name in the path of the GET that shows the subject, if that is
// not its id.
func (c *call) spoken(s *Subject) string {
	switch {
	case s.renamed != "":
		return s.renamed
	case s.called != "":
		return s.called
	}
	return s.Key.ID
}

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
		was, is := before.Get(field), entity.Get(field)
		return was != nil && is != nil && !tree.Equal(was, is) && !is.Is(s.renamed)
	})
}

// denied doubts the name that a call asked for if a GET did not find the entity
// there.
func (d *deriver) denied(ch *change, seen Seen) {
	if ch.s.renamed == "" || ch.o.body == nil || ch.o.via != webhook.FromComputed || seen.Observation == nil || seen.Observation.Status == 0 {
		return
	}
	for _, field := range d.e.res.idNames {
		if ch.o.body.Get(field).Is(ch.s.renamed) {
			ch.o.unknown = append(slices.Clone(ch.o.unknown), tree.Join("", field))
		}
	}
	slices.Sort(ch.o.unknown)
	ch.o.unknown = slices.Compact(ch.o.unknown)
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

// lead has the names that the call told lead to the entity of ch. planned is the
// subject as the plan has it, before what its names lead to now.
func (d *deriver) lead(ch *change, planned *Subject, before []webhook.Snapshot) {
	for i, at := range before {
		name := planned.Key
		if i > 0 {
			name = planned.names[i-1]
		}
		switch {
		case name == ch.s.Key || at.Key == ch.s.Key, planned.guess != nil && i > 0:
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
	blank := &webhook.Snapshot{Key: was.Key, Sequence: was.Sequence, Alias: was.Alias}
	ch.b = d.before(ch.s, blank, d.alone)
	ch.o = d.call.after(ch.s, &ch.b, seen, d.alone)
	switch {
	case r.goesBy(ch.o.body, was.Name):
		ch.b = d.before(ch.s, was, d.alone)
		ch.o = d.call.after(ch.s, &ch.b, seen, d.alone)
		return was // the API lets the old name lead to the new one
	case r.goesBy(ch.o.body, ch.s.called), ch.s.Kind == Create:
		d.part(was)
		return blank
	}
	return nil
}

// part gives an entity, whose id names another one from now on, its name for an
// id, and tells so by a gap.
func (d *deriver) part(was *webhook.Snapshot) {
	next := *was
	next.Key.ID, next.Name, next.Alias, next.Exchange = was.Name, "", "", d.x.ID
	s := &Subject{Key: next.Key}
	ch := &change{s: s, snap: &next, op: webhook.Missed, b: state{source: webhook.FromNone},
		o: outcome{via: webhook.FromNone, confidence: webhook.Inferred}}
	next.Sequence++
	e := d.event(ch, d.gapScope(d.e.res.name), "")
	e.Sequence = next.Sequence
	e.Gap = d.gap(webhook.GapUnidentified, fmt.Sprintf("%s was told as %s until now, a name that %s %s gave to another entity",
		next.Key, was.Key, d.x.Request.Method, d.x.Request.Path))
	d.out.Snapshots = append(d.out.Snapshots, next)
	d.out.Events = append(d.out.Events, e)
}

// goesBy reports whether an entity has that name.
func (r *resource) goesBy(entity *tree.Value, name string) bool {
	return slices.ContainsFunc(r.idNames, func(field string) bool { return entity.Get(field).Is(name) })
}

// parent returns what stands for the things that the path puts the entity below,
// "" if it does not say.
func (m *Match) parent() string {
	text := ""
	for _, name := range m.e.res.parents {
		if m.params[name] == "" {
			return ""
		}
		text += "/" + url.PathEscape(m.params[name])
	}
	return text
}

// Knows reports whether a snapshot found under the call's key is of what its path
// names: not of the thing with that id below another parent, nor of one that gave
// up that name.
func (m *Match) Knows(snap *webhook.Snapshot) bool {
	if snap.Name != "" && m.params[m.e.res.idParam] == snap.Key.ID {
		return false
	}
	parent := m.parent()
	return snap.Parent == "" || parent == "" || snap.Parent == parent
}
