package derive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// begun is a begin of an earlier process whose end has not been read.
type begun struct {
	begin *webhook.Begin
	at    store.Position
	keys  []webhook.EntityKey // that its path names
}

// overdue queues, in front of the exchange of t, the calls on its entities that
// were in flight when a process before its own died: what t found came of them,
// too. Each process begins a segment of the journal. A call of t's own process
// that is open still was open during t, and then t overlapped.
func (d *Deriver) overdue(ctx context.Context, t *ticket) {
	if len(d.begins) == 0 || t.x.Overlapped {
		return
	}
	var before []begun
	for _, b := range d.begins {
		if b.at.Segment < t.at.Segment && slices.ContainsFunc(b.keys, func(k webhook.EntityKey) bool { return slices.Contains(t.keys, k) }) {
			before = append(before, b)
		}
	}
	slices.SortFunc(before, earlier)
	for _, b := range before {
		delete(d.begins, b.begin.ID)
		d.unknown(ctx, b)
	}
}

// named returns what b's path names.
func (d *Deriver) named(ctx context.Context, b *webhook.Begin) []webhook.EntityKey {
	x := unknownOutcome(b)
	p, err := d.program(ctx, x)
	if err != nil {
		return nil
	}
	pl, err := plan(p, x)
	if err != nil {
		return nil
	}
	return pl.Keys(nil)
}

func earlier(a, b begun) int {
	if a.at.Before(b.at) {
		return -1
	}
	return 1
}

// reconcile queues the calls that were in flight when an earlier process died,
// behind everything that ended before: their outcome is unknown. And it has the
// API asked what earlier processes did not come to ask.
func (d *Deriver) reconcile(ctx context.Context) {
	open := make([]begun, 0, len(d.begins))
	for _, b := range d.begins {
		open = append(open, b)
	}
	slices.SortFunc(open, earlier)
	d.begins = nil
	asked := make(map[webhook.EntityKey]bool)
	for _, b := range slices.Backward(open) { // of several on one entity, a GET tells of the last
		d.ask(ctx, unknownOutcome(b.begin), asked)
	}
	for _, b := range open {
		d.unknown(ctx, b)
	}
	d.owed.ask()
	d.Traffic.asked()
}

// unknown queues a call whose outcome is unknown.
func (d *Deriver) unknown(ctx context.Context, b begun) {
	x := unknownOutcome(b.begin)
	done, err := d.Store.Recorded(ctx, []webhook.ExchangeID{x.ID})
	if err == nil && done[x.ID] {
		d.Journal.DoneBegin(x.ID)
		d.Traffic.Forget(x.ID)
		return
	}
	d.Logger.Warn("a call was in flight when the process died; its outcome is unknown",
		"exchange", x.ID.String(), "method", x.Request.Method, "path", x.Request.Path, "started", x.Started)
	// The zero position: the mark must not go with the begin's segment, for
	// its copy may be read again from a later one.
	d.queue(ctx, &ticket{d: d, x: x, begin: true})
}

// ask has the API asked, as the service, what became of each entity of x, a call
// that was in flight, unless a later one on it is asked about.
func (d *Deriver) ask(ctx context.Context, x *webhook.Exchange, asked map[webhook.EntityKey]bool) {
	p, err := d.program(ctx, x)
	if err != nil {
		return
	}
	pl, err := plan(p, x)
	if err != nil {
		return
	}
	d.supersede(pl)
	get := d.service(x)
	if get == nil {
		return
	}
	parts := slices.DeleteFunc(owedParts(pl, get), func(p Part) bool { return asked[p.Key] })
	if len(parts) == 0 {
		return
	}
	for _, p := range parts {
		asked[p.Key] = true
	}
	c := d.Traffic.recover(x.ID)
	c.askNow(c.takeParts(parts))
}

// unknownOutcome returns the exchange of a call that has no end.
func unknownOutcome(b *webhook.Begin) *webhook.Exchange {
	return &webhook.Exchange{
		ID: b.ID, API: b.API, Config: b.Config, Started: b.Started, Ended: b.Started,
		Ending: webhook.Unknown,
		Request: webhook.Request{
			Method: b.Method, Path: b.Path, Query: b.Query, Header: b.Header, SkipKey: b.SkipKey,
			Body: webhook.Body{Missing: webhook.Unread},
		},
		Response:     webhook.Response{Body: webhook.Body{Missing: webhook.CutOff}},
		Placeholders: b.Placeholders,
	}
}

// lost records that damaged entries were skipped. Which calls they were is not
// known, so every resource of every api in use may have changed. The damage is
// met again at every start while its segment is kept: its place names it.
func (d *Deriver) lost(ctx context.Context, e *store.Entry) {
	d.Logger.Error("the journal is damaged; entries are lost", "segment", e.At.Segment, "offset", e.At.Offset,
		"bytes", e.Lost.Bytes, "detail", e.Lost.Detail)
	detail := fmt.Sprintf("%d bytes of the journal were damaged (%s); changes that they held are not known", e.Lost.Bytes, e.Lost.Detail)
	now := time.Now()
	for _, r := range d.Resources() {
		g := webhook.Gap{Reason: webhook.GapJournal, Detail: detail, From: now, To: now}
		for wait := firstPause; ; wait = min(2*wait, maxPause) {
			err := d.gap(ctx, store.Position{}, lostID(e.At, r), r, g)
			if err == nil || !d.pause(ctx, err, wait, "gap of resource", r.Resource) {
				break
			}
		}
	}
}

// lostID stands for what was lost at a place of the journal, for one resource.
func lostID(at store.Position, key webhook.EntityKey) webhook.ExchangeID {
	sum := sha256.Sum256(fmt.Appendf(nil, "lost %d %d %q %q", at.Segment, at.Offset, key.API, key.Resource))
	return webhook.ExchangeID(sum[:16])
}
