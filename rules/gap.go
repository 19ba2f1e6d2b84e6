package rules

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// undecided records that it is not known whether the call was done.
func (d *deriver) undecided(ch *change) error {
	why := "no answer was seen to its end"
	if d.died() {
		why = "sidehook died while it was in flight"
	}
	detail := "may or may not have been done: " + why + ", and no GET could tell"
	if ch.overlap && ch.o.via == webhook.FromNone {
		detail += ", for another call on the entity came before"
	}
	unseen := d.x.Ending == webhook.Unknown // the API may be at it still, whoever gave up waiting
	switch {
	case ch.same && !d.later && !unseen:
		d.out.NoChange++
		d.out.Snapshots = append(d.out.Snapshots, d.snapshot(ch))
		return nil
	case unseen && ch.o.body != nil && (ch.same || ch.op == webhook.Deleted):
		detail = "may or may not have been done, or may be done yet: " + why + ", and a GET behind it showed the entity as it was before"
	case ch.s.doubt != "":
		detail = ch.s.doubt
	case d.m.method == "" && d.x.Ending != webhook.Unknown:
		detail = "was done"
	case d.dry:
		detail = "asked for a dry run, and may or may not have been done: say by `success` whether the API knows of those"
	case d.saidNo && d.unsure:
		detail = fmt.Sprintf("was answered %d, and the answer reads like a no: say by `success` how to judge it", d.x.Response.Status)
	case d.later && (d.saidNo || d.x.Response.Status != 202):
		detail = notYet
	case d.later:
		detail = "was accepted (202), to be done later: whether and when it is done was not seen"
	case d.x.Ending != webhook.Unknown:
		detail = fmt.Sprintf("was answered %d, and may or may not have been done: `success` could not be judged by that answer", d.x.Response.Status)
		if m := d.x.Response.Body.Missing; m != webhook.NotMissing {
			detail += " (" + m.String() + ")"
		}
	}
	if d.m.method == "" {
		detail += "; " + untold
	}
	next := d.snapshot(ch)
	next.Concurrent = next.Concurrent || unseen
	return d.gapWith(ch, next, webhook.GapUnknownOutcome, detail)
}

func (d *deriver) entityGap(ch *change, reason, detail string) error {
	return d.gapWith(ch, d.snapshot(ch), reason, detail)
}

// gapWith records a gap of the subject, whose snapshot is next from then on, but
// for its sequence.
func (d *deriver) gapWith(ch *change, next webhook.Snapshot, reason, detail string) error {
	next.Sequence++
	ch.op = webhook.Missed
	e := d.event(ch, d.gapScope(d.e.res.name), "")
	e.Before, e.After, e.Changes = nil, nil, nil
	e.Gap = d.gap(reason, fmt.Sprintf("%s %s %s", d.x.Request.Method, d.x.Request.Path, detail))
	first := len(d.out.Events)
	d.out.Events = append(d.out.Events, e)
	d.tellLeft(ch)
	d.keep(next, first)
	return nil
}

func (d *deriver) gapScope(resource string) string {
	return fillScope(resource, d.m.params) + webhook.GapSuffix
}

// missed returns the change of a subject of which nothing is known but that it may have
// changed.
func missed(s *Subject, snap *webhook.Snapshot) change {
	return change{s: s, snap: snap, op: webhook.Missed, b: unknownBefore, o: unknownAfter}
}

// miss adds a gap of the resource to that of the exchange, which is one.
func (d *deriver) miss(g *webhook.Gap) {
	switch {
	case g == nil:
	case d.missed == nil:
		own := *g
		d.missed = &own
	default:
		d.missed.Detail += "; " + g.Detail
	}
}

// resourceGap records a gap where no entity can be told: one for each resource
// that the call is about.
func (d *deriver) resourceGap(g *webhook.Gap) {
	names := []string{d.e.res.name}
	if d.e.kind == Call {
		names = nil
		for _, l := range d.e.lines {
			for _, r := range l.rules {
				if name := parentScope(r.scope); !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	for _, name := range names {
		ch := missed(&Subject{Key: d.key("")}, &webhook.Snapshot{})
		ch.s.Key.Resource = fill(name, d.m.params)
		e := d.event(&ch, d.gapScope(name), "")
		e.Gap = g
		d.out.Events = append(d.out.Events, e)
	}
}
