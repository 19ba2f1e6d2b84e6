package derive

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/store"
)

// Waits between tries to record while the store cannot write.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
)

// recordAll records what comes off the line until nothing will come any more or
// ctx ends. What is not recorded then will be read again.
func (d *Deriver) recordAll(ctx context.Context) {
	b := batches{line: d.line, timer: time.NewTimer(longRest)}
	b.timer.Stop()
	records := make([]store.Record, 0, maxBatch)
	for batch := b.next(ctx); batch != nil; batch = b.next(ctx) {
		records = records[:0]
		now := time.Now()
		for _, t := range batch {
			t.now = now
			records = append(records, t.record())
		}
		recorded, ok := d.commit(ctx, records)
		if !ok {
			return
		}
		for i, t := range batch {
			d.tell(ctx, t, &recorded[i])
		}
		d.line.done(batch)
		clear(records)
	}
}

// commit records rs, however long the store cannot write; nothing overtakes
// them. It reports false if ctx ended first.
func (d *Deriver) commit(ctx context.Context, rs []store.Record) ([]store.Recorded, bool) {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		recorded, err := d.Store.Record(ctx, rs)
		if err == nil {
			d.goesOn()
			return recorded, true
		}
		if !d.pause(ctx, err, pause, "exchange", rs[0].Exchange.String(), "and_behind_it", len(rs)-1) {
			return nil, false
		}
	}
}

// tell tells everyone concerned what became of t.
func (d *Deriver) tell(ctx context.Context, t *ticket, r *store.Recorded) {
	switch {
	case t.gap != nil:
		t.gap.done <- r.Err
	case t.again != nil:
		if r.Err == nil && !r.Duplicate {
			d.recorded(t, r)
		}
		t.again <- r.Err
	case r.Err != nil:
		d.quarantine(ctx, t, r.Err)
	default:
		d.recorded(t, r)
		d.finish(t)
	}
}

// recorded tells what follows from t's exchange, now that it is recorded.
func (d *Deriver) recorded(t *ticket, r *store.Recorded) {
	d.Traffic.learn(&r.Consequences)
	d.resources.met(r.Snapshots)
	d.Observer.Recorded(t.x, r, &t.derived)
	if !r.Duplicate {
		d.refresh(t)
	}
}

// quarantine keeps t's exchange in the store, to be shown and derived again on
// command, so that it holds up neither its entity nor the journal.
func (d *Deriver) quarantine(ctx context.Context, t *ticket, why error) {
	q := store.Quarantined{Exchange: *t.x, Segment: t.at.Segment, Why: why.Error(), At: time.Now()}
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := d.Store.Quarantine(ctx, q)
		if err == nil {
			d.Logger.Error("a rule failed; the exchange is in quarantine", "exchange", t.x.ID.String(),
				"method", t.x.Request.Method, "path", t.x.Request.Path, "error", why)
			d.Observer.Quarantined(t.x, q.Why)
			d.finish(t)
			return
		}
		if !d.pause(ctx, err, pause, "exchange", t.x.ID.String()) {
			return
		}
	}
}

// finish lets the journal and the traffic forget t.
func (d *Deriver) finish(t *ticket) {
	d.Traffic.Forget(t.x.ID) // first: who sees the journal done may count on what is recorded
	if t.older() {
		d.Traffic.older(-1)
	}
	if t.begin {
		d.Journal.DoneBegin(t.x.ID)
		return
	}
	d.Journal.Done(t.at)
}
