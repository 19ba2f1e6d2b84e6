package engine

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func openQuietly(t *testing.T, dir string) *Engine {
	t.Helper()
	e, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// marked records x, and reports whether it was recorded before, as far as the
// marks tell.
func (e *Engine) marked(t *testing.T, x webhook.ExchangeID, segment uint64) bool {
	t.Helper()
	nothing := func([]webhook.Snapshot) (store.Consequences, error) { return store.Consequences{}, nil }
	got, err := e.Store.Record(context.Background(), []store.Record{{Exchange: x, Segment: segment, Derive: nothing}})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got[0].Err)
	}
	return got[0].Duplicate
}

// A mark is kept as long as its journal segment is, and goes with it, also when
// the process died in between: else marks would fill the store.
func TestMarksGoWithTheirSegment(t *testing.T) {
	dir, bg := t.TempDir(), context.Background()
	x := &webhook.Exchange{ID: webhook.NewExchangeID(time.Now()), API: "crm", Started: time.Now()}
	e := openQuietly(t, dir)
	if err := e.Journal.End(bg, x, true); err != nil {
		t.Fatal(err)
	}
	e.close()

	e = openQuietly(t, dir) // what was written before is in a segment of its own
	entries, err := e.Journal.Next(bg, store.Position{}, 1)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	at := entries[0].At
	if e.marked(t, x.ID, at.Segment) || !e.marked(t, x.ID, at.Segment) {
		t.Error("an exchange is not marked as recorded")
	}
	e.Journal.Done(at)
	next := &webhook.Exchange{ID: webhook.NewExchangeID(time.Now()), API: "crm", Started: time.Now()}
	if err := e.Journal.End(bg, next, true); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Journal.Next(bg, at, 1); err != nil { // passes the old segment
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(20 * time.Second); e.marked(t, x.ID, at.Segment); <-tick.C {
		if time.Now().After(late) {
			t.Fatal("the mark stays behind its segment")
		}
	}
	e.close() // as it was recorded again, it is marked again, of a segment that is gone

	e = openQuietly(t, dir)
	defer e.close()
	if e.marked(t, x.ID, e.Journal.Stats().First) {
		t.Error("a mark whose segment was gone when the process died is kept")
	}
}
