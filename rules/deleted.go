package rules

import (
	"cmp"
	"time"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// onlyAsked reports whether nothing but the request says that there was such an
// entity to delete: it was never seen, it stands in a list of ids, and the answer is
// an empty yes, as many APIs give whether they found all of them or not.
func (d *deriver) onlyAsked(ch *change) bool {
	return !d.e.named && d.resKind == content.IsEmpty && ch.snap.Sequence == 0 && !ch.snap.Known()
}

// deleted handles a delete: it carries the last known state, however old.
func (d *deriver) deleted(ch *change, seen *Seen) error {
	ch.op = webhook.Deleted
	if seen.Late && ch.snap.Seen.After(d.x.Ended) && !ch.snap.Deleted {
		_, err := d.raced(ch, seen)
		return err
	}
	if d.unsure || d.later {
		switch {
		case ch.o.gone && (ch.s.doubt != "" && ch.snap.Sequence == 0 && !ch.snap.Known() || d.saidNo && d.unsure && !ch.b.known() && !(d.e.named && d.showsSomething(d.e.res.find(d.res)))):
			return d.undecided(ch) // it may never have been there, or be gone since an earlier call
		case ch.o.gone && ch.goneBefore():
			return d.goneAnyhow(ch)
		case ch.o.gone && (ch.s.doubt != "" && ch.snap.Deleted || d.saidNo && ch.b.absent):
			d.out.NoChange++
			return nil
		case ch.o.gone && !ch.b.absent:
		case ch.o.body != nil && d.unsure && d.x.Ending != webhook.Unknown:
			d.out.NoChange++
			return nil
		default:
			return d.undecided(ch)
		}
	} else {
		ch.o = outcome{gone: true, via: webhook.FromResponse, confidence: webhook.Observed}
		if d.onlyAsked(ch) || ch.goneForAnother {
			ch.o.confidence = webhook.Inferred
		}
	}
	if ch.b.absent && (d.wasThere(ch) || d.showsPrevious(ch)) {
		ch.b = unknownBefore // whoever asked could not see it
	}
	if ch.b.absent && ch.doubtful() {
		ch.b = unknownBefore // another of those calls may have made it once more
	}
	if ch.b.absent {
		d.out.NoChange++
		return nil
	}
	if ch.b.body == nil && d.e.res.before != "none" && !ch.snap.Deleted {
		ch.b = d.lastKnown(ch.s, ch.snap)
		if d.unsure && ch.b.body != nil {
			ch.o.confidence = webhook.Inferred // another call since then may have done it
		}
	}
	ch.significant = true
	next := webhook.Snapshot{
		Key: ch.s.Key, Sequence: ch.snap.Sequence + 1, Deleted: true, Seen: d.x.Ended, Via: ch.o.via,
		Tenant: ch.snap.Tenant, Exchange: d.x.ID, Concurrent: ch.overlap, Alias: ch.snap.Alias, Name: ch.snap.Name, Parent: cmp.Or(d.m.parent(), ch.snap.Parent),
	}
	if d.e.res.isOnes() {
		next.View = d.look(views.Answer, nil).String() // who deleted theirs
	}
	first := len(d.out.Events)
	if err := d.earn(ch); err != nil {
		return err
	}
	d.keep(next, first)
	return nil
}

// goneBefore reports whether nobody has seen the entity since calls on it overlapped:
// one of those may have deleted it.
func (ch *change) goneBefore() bool {
	return ch.b.body == nil && ch.snap.Body == nil && !ch.snap.Deleted && ch.snap.Sequence > 0 && ch.snap.Concurrent
}

// goneAnyhow records that an entity is gone, and that a delete of unknown outcome may
// have found it so.
func (d *deriver) goneAnyhow(ch *change) error {
	next := d.snapshot(ch)
	next.Deleted, next.Concurrent, next.Found = true, false, time.Time{}
	return d.gapWith(ch, next, webhook.GapUnknownOutcome, "may or may not have been done: the entity is gone, and an earlier call may have deleted it")
}

// showsPrevious reports whether the answer to a delete of what is known to be deleted shows
// what it deleted now: WordPress' {"deleted": true, "previous": {…}}, of what was in the
// trash until then.
func (d *deriver) showsPrevious(ch *change) bool {
	previous := d.res.Get("previous")
	return ch.snap.Deleted && previous.IsObject() && d.e.res.tells(previous, 1) && d.e.res.shows(d.res, previous, ch.s.Key.ID)
}

// wasThere reports whether the entity of a delete that was done was there, though
// a GET did not find it: it was seen before, and is not known to be gone, or the
// answer shows it.
func (d *deriver) wasThere(ch *change) bool {
	if ch.snap.Deleted {
		return false
	}
	entity := d.entityInAnswer()
	return ch.snap.Sequence > 0 || entity != nil && d.e.res.tells(entity, 1) && d.e.res.shows(d.res, entity, ch.s.Key.ID)
}
