package rules

import (
	"slices"
	"time"

	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// Lags reports whether a GET after x's call, of its one entity, seems to have
// been answered from before the call (by a replica), so that it is worth asking
// again. before is the snapshot of the entity, as far as it is recorded.
func (p *Program) Lags(x *webhook.Exchange, before *webhook.Snapshot, seen *webhook.Observation) bool {
	plan := p.Plan(x)
	return len(plan.Subjects) == 1 && plan.Lags(0, before, seen)
}

// Lags is [Program.Lags] for one subject of the plan.
func (pl *Plan) Lags(subject int, before *webhook.Snapshot, seen *webhook.Observation) bool {
	if pl.call == nil {
		return false
	}
	s, alone := &pl.Subjects[subject], len(pl.Subjects) == 1
	c := pl.call.doubting(s, before, Seen{Observation: seen})
	switch {
	case c.later:
		return false
	case s.Kind == Delete:
		return seen.Status == 200 // it is asked only if the outcome is unknown
	case s.Kind == Create && showsNothing(seen):
		return !c.unsure
	}
	b := c.before(s, before, alone)
	body := c.observed(seen, s, alone, s.asked, b.body)
	if body == nil || b.body == nil {
		return false
	}
	return c.unsure && !showsNew(b.body, body) || c.lags(s, &b, body)
}

// lags reports whether what a GET showed after the call is the state from
// before it, though what the request sets would differ.
func (c *call) lags(s *Subject, b *state, shown *tree.Value) bool {
	if b.body == nil || c.unsure || c.later {
		return false
	}
	want := c.computed(s, b)
	if want == nil || !showsNew(b.body, want.body) {
		return false
	}
	if now, was := c.version(shown), c.version(b.body); now != "" && was != "" {
		return now == was || likeness.Older(now, was)
	}
	return !showsNew(b.body, shown) && !c.lost(s, b, shown)
}

// lost reports whether shown lacks a field that was known and that the request
// emptied.
func (c *call) lost(s *Subject, b *state, shown *tree.Value) bool {
	return slices.ContainsFunc(s.asked.Members(), func(m tree.Member) bool {
		path := tree.Join("", m.Name)
		return b.body.Get(m.Name) != nil && shown.Get(m.Name) == nil && (c.tookAway(s, path) || c.emptied(s, path))
	})
}

// unmoved handles a change that the API said it made, while its GETs went on
// showing the state from before. Either it took the call for nothing, as many do
// with fields that only they may set, or what answers its GETs lags for longer
// than we asked: to tell a change would be to invent one in the first case, and
// to tell none would be to lose one in the second.
func (d *deriver) unmoved(ch *change) error {
	ch.o = unknownAfter
	if d.hasScopes() {
		return d.blind(ch) // which the call itself earns
	}
	return d.entityGap(ch, webhook.GapUnknownState,
		"was answered with success, and the API went on showing the state from before it: it changed nothing, or what answers GETs lags behind")
}

// vanished reports whether an update was done of an entity that was there, and that a GET
// does not find any more: nothing else tells what became of it, and it may be gone. What
// the call earns by itself it earns all the same.
func (d *deriver) vanished(ch *change, seen *Seen) bool {
	return (ch.s.Kind == Update || ch.s.Kind == Upsert) && !d.unsure && !d.later && ch.b.body != nil && !d.hasScopes() &&
		seen.Observation != nil && showsNothing(seen.Observation)
}

// hasScopes reports whether lines of the call's route earn something by the
// call itself.
func (d *deriver) hasScopes() bool {
	return slices.ContainsFunc(d.e.lines, func(l *line) bool { return l.scope != "" })
}

// showsNew reports whether shown has a field that before has otherwise, and not
// only shown in another way.
func showsNew(before, shown *tree.Value) bool {
	for m := range tree.Each(shown.Members()) {
		if was := before.Get(m.Name); was != nil && !tree.Equal(was, &m.Value) && !likeness.Same(was, &m.Value) && !likeness.SameLink(was, &m.Value) {
			return true
		}
	}
	return len(shown.Members()) == 0
}

// overtaken reports whether what is known of the entity was learned while the
// call was under way, so that it is not known which of them was first. A call
// whose path names the entity waits for the GET after the one before: that is no
// overlap.
func (d *deriver) overtaken(ch *change) bool {
	s := ch.snap
	return !s.Exchange.IsZero() && s.Exchange != d.x.ID && (s.Seen.After(d.x.Started) || s.Stale.After(d.x.Started)) &&
		(!d.e.named || s.Via != webhook.FromFetch)
}

// doubtful reports whether the state before was learned from calls that
// overlapped: the last of them may have been another.
func (ch *change) doubtful() bool {
	return ch.b.source == webhook.FromSnapshot && ch.snap.Concurrent
}

// raced handles a change whose place among others on the entity is not known,
// or is known to be earlier than theirs. ok is false if it is none.
func (d *deriver) raced(ch *change, seen *Seen) (ok bool, err error) {
	ordered := d.version(ch.o.body) != "" && ch.snap.Version != "" && !ch.snap.Deleted
	switch {
	case d.older(ch):
		return true, d.outdated(ch)
	case ordered:
		return false, nil
	case seen.Late && ch.snap.Seen.After(d.x.Ended):
		next := *ch.snap
		return true, d.gapWith(ch, next, webhook.GapRuleError,
			"was done and set aside, because a rule failed; the entity has changed since, and what this call changed cannot be told apart")
	case !d.overtaken(ch):
		return false, nil
	case ch.s.Kind == Create && !ch.snap.Deleted && ch.b.body != nil && !showsNew(ch.b.body, ch.o.body):
		return false, nil
	case ch.s.Kind == Upsert && ch.b.source == webhook.FromFetch:
		return false, nil // a GET told, when what overlapped it had ended
	case ch.s.Kind == Create || ch.snap.Deleted:
		ch.o = unknownAfter
		return true, d.entityGap(ch, webhook.GapUnknownState, "was done while another call on the same entity was under way, and which of them was last is not known")
	}
	return false, nil
}

// made reports whether a create made the entity that other calls found there while
// it was under way: they ended before it, and nobody told of its creation.
func (d *deriver) made(ch *change) bool {
	s := ch.snap
	if d.unsure || d.later || !s.Found.After(d.x.Started) || s.Exchange == d.x.ID {
		return false
	}
	before := d.x.Before
	return ch.s.Kind == Create ||
		ch.s.Kind == Upsert && before != nil && (before.Status == 404 || before.Status == 410) && before.Requested.Before(s.Found)
}

// bornLate tells of what a create made, as it is known since: what others found
// there, and did to it, came after.
func (d *deriver) bornLate(ch *change) error {
	next := *ch.snap
	if b := d.lastKnown(ch.s, ch.snap); ch.snap.Known() && b.body != nil {
		ch.o = outcome{body: b.body, unknown: b.unknown, via: webhook.FromSnapshot, confidence: webhook.Observed}
		if b.view.Echo() || next.Via == webhook.FromComputed {
			ch.o.confidence = webhook.Inferred
		}
	} else if ch.o.body != nil {
		next = d.snapshot(ch)
		next.Concurrent = true
	}
	ch.op, ch.b = webhook.Created, state{source: webhook.FromNone, absent: true}
	ch.concurrent, ch.significant = true, true
	first := len(d.out.Events)
	if err := d.earn(ch); err != nil {
		return err
	}
	next.Found, next.Exchange = time.Time{}, d.x.ID
	next.Sequence = ch.snap.Sequence + 1
	d.keep(next, first)
	return nil
}

// outdated handles an answer that is older, by its version, than what is known:
// only what the call itself earns is earned, with the state that is known.
func (d *deriver) outdated(ch *change) error {
	d.out.Skipped = append(d.out.Skipped, ch.s.Key.String()+": the answer is older than what is known, by its version")
	first := len(d.out.Events)
	if !d.hasScopes() {
		d.out.NoChange++
		return nil
	}
	b := d.lastKnown(ch.s, ch.snap)
	ch.b = b
	ch.o = outcome{body: b.body, unknown: b.unknown, via: webhook.FromSnapshot, confidence: webhook.Observed}
	ch.same, ch.concurrent = true, true
	if err := d.earn(ch); err != nil {
		return err
	}
	for i := range d.out.Events[first:] {
		if e := &d.out.Events[first+i]; e.Key == ch.s.Key {
			e.Sequence = ch.snap.Sequence
		}
	}
	if len(d.out.Events) == first {
		d.out.NoChange++
	}
	return nil
}
