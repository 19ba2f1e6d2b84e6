package badger

// These tests stand in the middle of a commit or of a reopening, so they see the
// package from the inside.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// recordOf is record n: events for subs, whose deliveries may come in the
// reverse order.
func recordOf(n uint64, subs []webhook.SubscriptionID, events int, lane string, reverse bool) store.Record {
	var x webhook.ExchangeID
	x[0] = byte(n >> 8)
	x[1] = byte(n)
	x[15] = 7
	return store.Record{Exchange: x, Derive: func([]webhook.Snapshot) (store.Consequences, error) {
		var c store.Consequences
		for i := range events {
			k := webhook.EntityKey{API: "a", Resource: "r", ID: fmt.Sprint(n)}
			e := webhook.Event{ID: webhook.NewEventID(x, k, "r.created", fmt.Sprint(i)), Exchange: x, Key: k, Scope: "r.created", Operation: webhook.Created}
			c.Events = append(c.Events, e)
			for _, s := range subs {
				c.Deliveries = append(c.Deliveries, webhook.Delivery{ID: webhook.NewDeliveryID(e.ID, s, 0), Event: e.ID, Subscription: s, Lane: lane})
			}
		}
		if reverse {
			slices.Reverse(c.Deliveries)
		}
		return c, nil
	}}
}

// changeOf is a change of the entity of key to {"n":n}.
func changeOf(n byte, key webhook.EntityKey) store.Record {
	var x webhook.ExchangeID
	x[0], x[15] = n, 9
	return store.Record{Exchange: x, Segment: 1, Entities: []webhook.EntityKey{key}, Derive: func(b []webhook.Snapshot) (store.Consequences, error) {
		body := json.RawMessage(`{"n":` + string('0'+n) + `}`)
		return store.Consequences{
			Snapshots: []webhook.Snapshot{{Key: key, Sequence: b[0].Sequence + 1, Body: body, Exchange: x}},
			Events: []webhook.Event{{ID: webhook.NewEventID(x, key, "r.updated", ""), Key: key, Exchange: x, Scope: "r.updated", Operation: webhook.Updated,
				Sequence: b[0].Sequence + 1, Before: b[0].Body, After: body}},
		}, nil
	}}
}

func openAt(t *testing.T, dir string) *Store {
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustRecord(t *testing.T, s *Store, rs ...store.Record) {
	t.Helper()
	got, err := s.Record(context.Background(), rs)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range got {
		if g.Err != nil {
			t.Fatal(g.Err)
		}
	}
}

// A Claim may come between a commit and what it means to the queue, while fresh
// deliveries are put into the queue on disk.
func TestWhatIsAgedIsGivenOutOnce(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	subs := []webhook.SubscriptionID{"crm"}
	mustRecord(t, s, recordOf(1, subs, 1, "", false), recordOf(2, subs, 1, "", false))
	s.Close()
	s = openAt(t, dir) // windows are not whole
	// what the committer does, with a claim in the middle of committed
	tx := newTx(s)
	if err := tx.begin(); err != nil {
		t.Fatal(err)
	}
	FewFresh(s, 0, 1, 1)
	if err := tx.ageFresh(10); err != nil {
		t.Fatal(err)
	}
	tx.keep()
	tx.finish()
	tx.keep()
	if err := s.apply(tx.group.writes); err != nil {
		t.Fatal(err)
	}
	s.views.renew(s.db.Load())
	ds, _, err := s.Claim(context.Background(), "crm", 0, time.Now().Add(time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	s.queue.apply(tx.group.pending, tx.group.effects)
	tx.end()
	if len(ds) != 2 {
		t.Errorf("%d given out of 2", len(ds))
	}
}

// The deliveries of a record come in the order of their events, however the
// record has them.
func TestALaneIsInTheOrderOfEvents(t *testing.T) {
	s := openAt(t, t.TempDir())
	mustRecord(t, s, recordOf(1, []webhook.SubscriptionID{"crm"}, 2, "lane", true))
	ds, _, err := s.Claim(context.Background(), "crm", 0, time.Now().Add(time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(ds) != 1 || ds[0].Position != 1 {
		t.Errorf("%d, first is of %d", len(ds), ds[0].Position)
	}
}

func TestAStartFindsAllThatIsFresh(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	FewFresh(s, 1000, 1000, 1)
	mustRecord(t, s, recordOf(1, []webhook.SubscriptionID{"crm"}, 2, "", true))
	mustRecord(t, s, recordOf(2, nil, 1, "", true))
	s.Close()
	s = openAt(t, dir)
	ds, _, err := s.Claim(context.Background(), "crm", 0, time.Now().Add(time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(ds) != 2 {
		t.Errorf("%d are left of 2", len(ds))
	}
}

// An event may get more deliveries while those beyond what one commit takes are
// not queued yet.
func TestTheRestOfAReplayIsKeptBesideThatOfItsEvent(t *testing.T) {
	s := openAt(t, t.TempDir())
	var subs []webhook.SubscriptionID
	for i := range 1600 {
		subs = append(subs, webhook.SubscriptionID(fmt.Sprint("s", i)))
	}
	first := recordOf(1, subs, 1, "", false)
	c, _ := first.Derive(nil)
	again := store.Record{Exchange: webhook.ExchangeID{5}, Derive: func([]webhook.Snapshot) (store.Consequences, error) {
		var out store.Consequences
		for _, sub := range subs {
			out.Deliveries = append(out.Deliveries, webhook.Delivery{ID: webhook.NewDeliveryID(c.Events[0].ID, sub, 1), Event: c.Events[0].ID, Subscription: sub, Priority: webhook.Replaying})
		}
		return out, nil
	}}
	mustRecord(t, s, first, again)
	for end := time.Now().Add(20 * time.Second); s.queue.lowestRest() > 0 && time.Now().Before(end); {
		runtime.Gosched()
	}
	st, err := s.Stats(context.Background())
	if err != nil || st.Pending != 3200 {
		t.Errorf("%d pending of 3200: %v", st.Pending, err)
	}
}

// An error of Derive does not count if it came of what a record would have led
// to that was not put.
func TestAnErrorOverWhatWasNeverPutDoesNotCount(t *testing.T) {
	s := openAt(t, t.TempDir())
	key := webhook.EntityKey{API: "a", Resource: "r", ID: "1"}
	bad, good := changeOf(1, key), changeOf(2, key)
	derive := bad.Derive
	bad.Derive = func(b []webhook.Snapshot) (store.Consequences, error) {
		c, err := derive(b)
		c.Deliveries = []webhook.Delivery{{ID: "dlv_x", Event: "evt_none", Subscription: "crm"}}
		return c, err
	}
	d2 := good.Derive
	good.Derive = func(b []webhook.Snapshot) (store.Consequences, error) {
		if b[0].Sequence == 1 {
			return store.Consequences{}, errors.New("it does not like what the bad one says")
		}
		return d2(b)
	}
	got, err := s.Record(context.Background(), []store.Record{bad, good})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Err == nil || got[1].Err != nil {
		t.Errorf("%v, %v", got[0].Err, got[1].Err)
	}
}
