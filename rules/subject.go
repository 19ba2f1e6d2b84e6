package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// change is what became of one subject.
type change struct {
	s    *Subject
	snap *webhook.Snapshot
	op   webhook.Operation
	b    state
	o    outcome

	fields         []webhook.FieldChange
	same           bool     // both states are known, and they do not differ
	significant    bool     // something differs, or may, that is not ignored
	doubt          bool     // something that is not ignored may differ
	unknown        []string // paths that could not be compared, for the two states were seen in different views
	overlap        bool     // other calls on the entity were under way
	concurrent     bool     // overlap, or calls overlapped when the state before was learned
	goneForAnother bool     // what is known as deleted is another caller's own entity of that name

	worked    worked // what its events share, once that is wanted
	isWorked  bool
	afterJSON json.RawMessage
}

// named finds the entity that a subject's names lead to, and derives what became
// of it. before is the snapshot that its key leads to, names those of its other
// names.
func (d *deriver) named(s *Subject, before *webhook.Snapshot, names []webhook.Snapshot, seen Seen) error {
	snap, planned := s.known(before, names), s
	if snap.Key != s.Key && d.own(snap) != snap {
		snap = &webhook.Snapshot{Key: s.Key} // a name is unique below its parent only
	}
	if snap.Key != s.Key {
		if made := s.Kind == Create || s.Kind == Upsert; made && snap.Deleted || s.Kind == Create && d.x.Response.Status == 201 {
			snap = &webhook.Snapshot{Key: s.Key} // another one, under the name of one that is gone
		}
		own := *s
		own.Key = snap.Key
		s = &own
	}
	if made := d.madeElsewhere(s, snap, names, seen); made != nil {
		return d.subject(made, &names[0], Seen{Concurrent: seen.Concurrent, Late: seen.Late})
	}
	s = d.moved(d.guessed(s, snap, names), snap, names, seen)
	snap = d.own(snap)
	if s.givenUp == "" && d.replays(s, snap) {
		d.replayed(s, snap)
		return nil
	}
	if err := d.subject(s, snap, seen); err != nil {
		return err
	}
	if len(names) > 0 {
		d.lead(&d.change, planned, append([]webhook.Snapshot{*before}, names...))
	}
	return nil
}

// own returns snap, or only what must go on of it if it is of the entity with
// that id below another parent: /projects/1/tasks/5 need not be /projects/2/tasks/5.
func (d *deriver) own(snap *webhook.Snapshot) *webhook.Snapshot {
	if d.m.isElsewhere(snap) {
		return blank(snap)
	}
	return snap
}

// blank returns what goes on of a snapshot whose state is not that of the entity.
func blank(snap *webhook.Snapshot) *webhook.Snapshot {
	return &webhook.Snapshot{Key: snap.Key, Sequence: snap.Sequence, Alias: snap.Alias}
}

// subject derives what became of s. snap is what is known of its entity.
func (d *deriver) subject(s *Subject, snap *webhook.Snapshot, seen Seen) error {
	switch {
	case s.givenUp != "":
		return d.giveUp(s, snap)
	case s.Kind == Seed:
		return d.seed(s, snap)
	case s.Kind == Observe:
		return d.observation(s, snap)
	}
	d.call = d.call.doubting(s, snap, seen)
	d.call, s = d.call.ifGone(s, seen)
	ch := &d.change
	*ch = change{s: s, snap: snap}
	unmoved := d.states(ch, &seen)
	if d.misnamed(s, ch.snap) {
		snap := d.reused(ch, seen)
		if snap == nil {
			return d.nobodys(ch, seen)
		}
		ch.snap = snap
	}
	d.denied(ch, seen)
	d.trace.begin(d, ch, seen)
	switch {
	case d.isUnnamed(ch, &seen):
		return d.unnamedOne(ch)
	case s.Kind == Delete:
		return d.deleted(ch, &seen)
	case d.made(ch):
		return d.bornLate(ch)
	}
	return d.present(ch, &seen, unmoved)
}

// states finds the states before and after the call. It reports whether a GET
// behind the call still showed the state before; what that saw is set aside then.
func (d *deriver) states(ch *change, seen *Seen) (unmoved bool) {
	s := ch.s
	ch.b = d.before(s, ch.snap, d.alone)
	ch.overlap = seen.Concurrent || d.overtaken(ch)
	ch.concurrent = ch.overlap || ch.doubtful()
	ch.o = d.call.after(s, &ch.b, *seen, d.alone)
	if d.anothers(&ch.b, &ch.o) {
		ch.goneForAnother = ch.b.absent
		ch.snap = blank(ch.snap)
		ch.b = d.before(s, ch.snap, d.alone)
		ch.o = d.call.after(s, &ch.b, *seen, d.alone)
	}
	if s.Kind == Delete || ch.o.via != webhook.FromFetch {
		return false
	}
	older := d.older(ch)
	unmoved = !older && d.lags(s, &ch.b, ch.o.body)
	if older || unmoved {
		seen.Observation = nil
		ch.o = d.call.after(s, &ch.b, *seen, d.alone)
	}
	return unmoved
}

// nobodys misses a call under a name that its entity gave up, and of which it is
// not known who has it now.
func (d *deriver) nobodys(ch *change, seen Seen) error {
	ch.op = webhook.Missed
	d.trace.begin(d, ch, seen)
	d.miss(d.call.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done under a name that %s gave up: which entity has it now is not known",
		d.x.Request.Method, d.x.Request.Path, ch.s.Key)))
	return nil
}

// unnamedOne misses what a create made under an id that is not known.
func (d *deriver) unnamedOne(ch *change) error {
	ch.op, ch.o = webhook.Missed, unknownAfter
	switch ch.s.unnamed {
	case idList:
		d.miss(d.maybeList(ch.s))
	case idPath:
		d.miss(d.call.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done, and what it made is not known: %s was there before, and is as it was",
			d.x.Request.Method, d.x.Request.Path, ch.s.Key.ID)))
	default:
		d.unnamed = append(d.unnamed, ch.s.Key.ID)
	}
	return nil
}

// present derives what became of an entity that is there after the call. unmoved:
// as states reports it.
func (d *deriver) present(ch *change, seen *Seen, unmoved bool) error {
	there := ch.b.body != nil || ch.snap.Body != nil && !ch.snap.Deleted && !ch.b.absent
	d.decide(ch, seen)
	if there && ch.op == webhook.Created && !ch.overlap && ch.o.via != webhook.FromFetch && d.isAnswerAgain(ch) {
		ch.o = unknownAfter
		return d.entityGap(ch, webhook.GapUnknownState, "was answered 201 with an entity that is there already: it is made anew, or changed, or this is the answer of an earlier call once more")
	}
	if unmoved && ch.o.via == webhook.FromComputed {
		return d.unmoved(ch)
	}
	if raced, err := d.raced(ch, seen); raced || err != nil {
		return err
	}
	switch {
	case ch.o.body == nil && d.vanished(ch, seen):
		return d.entityGap(ch, webhook.GapUnknownState,
			"was answered with success, and a GET behind it does not find the entity, which was there: the call may have deleted it, or hidden it from its caller (if it deletes, say so: `delete METHOD PATH`)")
	case ch.o.body == nil:
		return d.blind(ch)
	}
	d.compare(ch)
	if d.showsOld(ch) {
		return d.unmoved(ch)
	}
	if hidden := d.hidden(ch); len(hidden) > 0 {
		return d.entityGap(ch, webhook.GapUnknownState, "was answered with success, and what it set ("+strings.Join(hidden, ", ")+") is shown nowhere: whether it changed is not known")
	}
	if (d.unsure || d.later) && (ch.same || !ch.b.known() || ch.op == webhook.Updated && !d.showsDone(ch) ||
		ch.s.doubt != "" && ch.s.Kind == Create && !d.e.res.showsSet(ch.s.asked, ch.o.body)) {
		return d.undecided(ch)
	}
	return d.record(ch)
}

// decide says whether the call created or updated, and drops a state before
// that contradicts it.
func (d *deriver) decide(ch *change, seen *Seen) {
	status := cmp.Or(ch.s.status, d.x.Response.Status)
	live := ch.b.body != nil
	ch.op = webhook.Updated
	switch ch.s.Kind {
	case Create:
		again := live && ch.o.body != nil && !showsNew(ch.b.body, ch.o.body)
		if !live || status == 201 && !again && !d.e.res.singular && !d.merges() { // what is there already is not created at its own path
			ch.op = webhook.Created
		}
	case Upsert:
		exists := live || !ch.b.known() && ch.snap.Sequence > 0 && !ch.snap.Deleted
		switch {
		case (ch.b.absent || !exists && status == 201) && (d.bulk || ch.s.answer != nil || !d.e.res.saysThere(d.res, ch.s.asked)):
			ch.op = webhook.Created
		case !exists && (d.m.method != "PUT" || d.bulk) && ch.s.status == 0 && ch.o.confidence == webhook.Observed: // which would have been answered 201 (RFC 9110 §9.3.4)
			ch.o.confidence = webhook.Inferred
		}
	case Update:
		// RFC 9110 §9.3.4: a PUT that created is answered 201.
		put := d.m.method == "PUT" && ch.snap.Sequence == 0 && !ch.b.known()
		if status == 201 && (ch.b.absent || put) || ch.b.absent && ch.b.proven {
			ch.op = webhook.Created
		}
	}
	if ch.op == webhook.Updated && ch.b.absent {
		ch.b = unknownBefore
	}
	if ch.op == webhook.Created {
		ch.b.body, ch.b.unknown, ch.b.absent = nil, nil, true
		if live { // another one had this id: how that was shown says nothing of this one
			ch.b.view = ""
			ch.o = d.call.after(ch.s, &ch.b, *seen, d.alone)
		}
	}
}

// blind handles a call whose result nobody showed. If the API did not tell, the
// plain scope is earned without data; if we did not keep what it told, or was
// told, or do not know whether it was done, that is a gap.
func (d *deriver) blind(ch *change) error {
	answer, request := d.x.Response.Body.Missing, d.x.Request.Body.Missing
	switch {
	case d.unsure || d.later:
		return d.undecided(ch)
	case answer == webhook.TooLarge:
		return d.entityGap(ch, webhook.GapTooLarge, notKept("answer", answer))
	case answer != webhook.NotMissing && d.x.Response.Status != 204:
		return d.entityGap(ch, webhook.GapUnknownState, notKept("answer", answer))
	case request == webhook.TooLarge:
		return d.entityGap(ch, webhook.GapTooLarge, notKept("request", request))
	case request == webhook.NoBudget:
		return d.entityGap(ch, webhook.GapUnknownState, notKept("request", request))
	}
	ch.significant = true
	return d.record(ch)
}

func notKept(what string, m webhook.Missing) string {
	return "was done, and what the entity is now is not known: its " + what + " was not kept (" + m.String() + "), and no GET showed it"
}
