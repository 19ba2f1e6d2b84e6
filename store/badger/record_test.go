package badger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// counted returns r with a Derive that counts its calls and calls first, unless it
// is nil, in the first one.
func counted(r store.Record, calls *int, first func()) store.Record {
	plain := r.Derive
	r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
		if *calls++; *calls == 1 && first != nil {
			first()
		}
		return plain(before)
	}
	return r
}

func TestACallDerivesEachRecordOnceIfNobodyInterferes(t *testing.T) {
	s := open(t, t.TempDir())
	calls := 0
	for range 2 {
		var rs []store.Record
		for n := range uint64(50) {
			rs = append(rs, counted(small(n, 3), &calls, nil))
		}
		if _, err := s.Record(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 100 {
		t.Errorf("Derive was called %d times for 100 records", calls)
	}
}

// One of the call's exchanges is recorded by another call, otherwise, between
// deriving and committing. What was derived from it is derived again, although
// the snapshot has the revision that it was expected to have.
func TestWhatLeansOnARecordThatWasNotPutIsDerivedAgain(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := record(s, small(0, 1)); err != nil {
		t.Fatal(err)
	}
	ours, theirs := small(1, 1), small(2, 1)
	theirs = altered(theirs, func(c *store.Consequences) {
		c.Events[0].ID = webhook.NewEventID(ours.Exchange, c.Events[0].Key, "order.updated", "")
		c.Events[0].Exchange, c.Deliveries = ours.Exchange, nil
	})
	theirs.Exchange = ours.Exchange
	calls := 0
	next := counted(small(3, 1), &calls, func() {
		if _, err := record(s, theirs); err != nil {
			t.Error(err)
		}
	})
	got, err := s.Record(t.Context(), []store.Record{ours, next})
	if err != nil {
		t.Fatal(err)
	}
	if !got[0].Duplicate || calls != 2 {
		t.Errorf("duplicate %v, derived %d times; want a duplicate, and twice", got[0].Duplicate, calls)
	}
	snap, err := s.Snapshot(t.Context(), webhook.EntityKey{API: "shop", Resource: "order", ID: "0"})
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), store.EventQuery{Max: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 3 || string(events[2].Before) != string(events[1].After) || string(snap.Body) != string(events[2].After) {
		t.Errorf("the chain is broken: %s", fmt.Sprint(events))
	}
}

// A call that the disk has room for in part is recorded up to there, and again
// from there.
func TestADiskThatGetsFullInTheMiddleOfACall(t *testing.T) {
	var looks, most atomic.Int64
	most.Store(3)
	free := func() (uint64, error) {
		if looks.Add(1) > most.Load() {
			return 1 << 20, nil
		}
		return 1 << 40, nil
	}
	s, err := badger.Open(badger.Options{Dir: t.TempDir(), Free: free})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rs []store.Record
	for n := range uint64(60) {
		rs = append(rs, altered(small(n, 1), func(c *store.Consequences) {
			body := json.RawMessage(fmt.Sprintf(`{"n":%d,"v":"%0700000d"}`, n, n))
			c.Snapshots[0].Body, c.Events[0].After = body, body
		}))
	}
	if got, err := s.Record(t.Context(), rs); !errors.Is(err, store.ErrFull) || got != nil {
		t.Fatalf("%d results, %v", len(got), err)
	}
	before, err := s.Stats(t.Context())
	if err != nil || before.Position == 0 || before.Position == 60 {
		t.Fatalf("%d records are there, %v; want some", before.Position, err)
	}
	most.Store(1 << 60)
	got, err := s.Record(t.Context(), rs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].Duplicate != (i < int(before.Position)) || !got[i].Duplicate && got[i].Events[0].Position != uint64(i+1) {
			t.Errorf("record %d: duplicate %v, events %d", i, got[i].Duplicate, len(got[i].Events))
		}
	}
}
