package rules

import (
	"encoding/json"

	"github.com/sidehook/sidehook/webhook"
)

// record keeps the change, and what it earns.
func (d *deriver) record(ch *change) error {
	next := d.snapshot(ch)
	first := len(d.out.Events)
	if err := d.earn(ch); err != nil {
		return err
	}
	if !ch.same {
		d.tellLeft(ch)
	}
	switch {
	case ch.same || !ch.significant && len(d.out.Events) == first:
		d.out.NoChange++
	default:
		next.Sequence++
	}
	d.keep(next, first)
	return nil
}

// keep keeps a snapshot, and numbers the events from first on that are of it.
func (d *deriver) keep(next webhook.Snapshot, first int) {
	events := d.out.Events[first:]
	for i := range events {
		if events[i].Key == next.Key {
			events[i].Sequence = next.Sequence
		}
	}
	d.out.Snapshots = append(d.out.Snapshots, next)
}

// snapshot returns what is kept of the subject, under its old sequence.
func (d *deriver) snapshot(ch *change) webhook.Snapshot {
	next := webhook.Snapshot{
		Key: ch.s.Key, Sequence: ch.snap.Sequence, Seen: d.x.Ended, Via: ch.o.via,
		Tenant: ch.snap.Tenant, Exchange: d.x.ID, Concurrent: ch.overlap, Alias: ch.snap.Alias, Name: d.nameNow(ch), Parent: d.parentNow(ch),
	}
	if ch.doubtful() {
		shown := ch.o.via == webhook.FromResponse || ch.o.via == webhook.FromFetch
		if next.Concurrent = next.Concurrent || !shown; shown {
			ch.o.view = ch.o.view.OldBut()
		}
	}
	if ch.o.body != nil {
		next.Body, next.Unknown, next.Seen = ch.after(), ch.o.unknown, ch.o.seen
		next.Version, next.ETag, next.View = d.version(ch.o.body), ch.o.etag, string(ch.o.view)
	} else if last := ch.snap; last.Body != nil {
		// What it was stays the last known state, for a delete to carry.
		next.Stale, next.Seen, next.Via = d.x.Ended, last.Seen, last.Via
		next.Body, next.Unknown, next.Version, next.View = last.Body, last.Unknown, last.Version, last.View
	}
	if t := d.e.res.tenant; t != nil && t.ofEntity {
		next.Tenant, _ = d.tenant(ch)
	}
	switch {
	case ch.op == webhook.Created:
	case ch.snap.Exchange.IsZero() || ch.snap.Deleted:
		next.Found = d.x.Ended
	default:
		next.Found = ch.snap.Found
	}
	return next
}

// after returns the state after as JSON: one copy for the snapshot and all events.
func (ch *change) after() json.RawMessage {
	if ch.afterJSON == nil {
		ch.afterJSON = ch.o.body.JSON()
	}
	return ch.afterJSON
}
