package badger_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// The store opens again after a write that failed. Until that has read all there is,
// nothing is given out of what memory has by then, and nothing is written.
func TestAReopeningWhoseReadsFail(t *testing.T) {
	s := open(t, t.TempDir())
	f := badger.NewFailing(s)
	recordSpan(t, s, span(1, 12), 12)
	for n, failed := int64(1), true; failed; n++ {
		if n > 1000 {
			t.Fatal("it fails for ever")
		}
		badger.Break(s)
		f.At(n)
		_, err := s.PutState(context.Background(), webhook.SubscriptionState{ID: "crm"})
		if failed = f.At(0); failed != badger.IsTrouble(err) || !failed && err != nil {
			t.Errorf("read %d failed: %v, %v", n, failed, err)
		}
		ds, _, _ := s.Claim(context.Background(), "crm", 0, start.Add(time.Hour), 100)
		if len(ds) > 0 && len(ds) != 12 {
			t.Errorf("read %d failed, and %d of 12 are given out", n, len(ds))
		}
		for i := range ds {
			s.Unclaim(ds[i].ID)
		}
	}
	want(t, "given out", span(1, 12), takeAll(t, s, 0))
}

// What is queued behind its event's commit is queued in the end, and until then the
// log says of which.
func TestTheRestOfAnEventOnADiskThatFails(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s, err := badger.Open(badger.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		f := badger.NewFailing(s)
		r := wanted(small(1, 100), 2500)
		f.Rarely(2)
		for done := false; !done; {
			_, err := s.Record(context.Background(), []store.Record{r})
			if done = err == nil; !done && !badger.IsTrouble(err) {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if st, err := s.Stats(context.Background()); err != nil || st.Pending != 2501 {
			t.Errorf("%d pending of 2501: %v", st.Pending, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if text := log.String(); !strings.Contains(text, "queue the rest of an event's deliveries") || !strings.Contains(text, "position=1") {
			t.Errorf("the log says\n%s", text)
		}
	})
}

// Making room forgets nothing that is owed, and does not take for full what cannot be
// read.
func TestMakingRoomOnADiskThatFails(t *testing.T) {
	s := open(t, t.TempDir())
	f := badger.NewFailing(s)
	owed := large(t, s, 0, 120, func(i int) bool { return i%20 == 0 })
	for n, failed := int64(1), true; failed; n += 1 + n/32 {
		f.At(n)
		_, err := s.Maintain(context.Background(), store.Keep{Now: time.Now(), Most: 1})
		if failed = f.At(0); failed != badger.IsTrouble(err) || !failed && err != nil {
			t.Errorf("read %d failed: %v, %v", n, failed, err)
		}
		if st, err := s.Stats(context.Background()); failed && (st.Full || err != nil) {
			t.Errorf("read %d failed, and it is full: %v, %v", n, st.Full, err)
		}
	}
	left, err := s.Events(context.Background(), store.EventQuery{Max: 1000})
	if err != nil || len(left) != len(owed) {
		t.Fatalf("%d events of %d owed ones are left: %v", len(left), len(owed), err)
	}
	for i := range left {
		if left[i].ID != owed[i].Event {
			t.Errorf("%s is left and owed to nobody", left[i].ID)
		}
	}
}

// A delivery that is recorded later is of its event, though finding that may fail.
func TestALaterDeliveryOnADiskThatFails(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	f := badger.NewFailing(s)
	large(t, s, 0, 3, nobody)
	recorded, err := record(s, small(9, 100))
	if err != nil {
		t.Fatal(err)
	}
	of := recorded.Events[0]
	later := store.Record{Exchange: webhook.NewExchangeID(start), Derive: func([]webhook.Snapshot) (c store.Consequences, err error) {
		c.Deliveries = []webhook.Delivery{{ID: webhook.NewDeliveryID(of.ID, "erp", 1), Event: of.ID, Subscription: "erp", Lane: "a"}}
		return c, nil
	}}
	for n, failed := int64(1), true; failed; n++ {
		f.At(n)
		got, err := record(s, later)
		if failed = f.At(0); failed != badger.IsTrouble(err) {
			t.Errorf("read %d failed: %v, %v", n, failed, err)
		} else if !failed && (err != nil || got.Deliveries[0].Position != of.Position) {
			t.Errorf("%+v, want it at %d: %v", got.Deliveries, of.Position, err)
		}
	}
	if ds, _, err := s.Claim(ctx, "erp", 0, time.Now(), 10); err != nil || len(ds) != 1 || ds[0].Position != of.Position {
		t.Errorf("%+v is given out, want one at %d: %v", ds, of.Position, err)
	}
}

// What is queued because there is too much that is fresh is given out, whichever read
// has failed meanwhile.
func TestWhatAgesOnADiskThatFails(t *testing.T) {
	s := open(t, t.TempDir())
	badger.FewFresh(s, 2, 100, 1)
	f := badger.NewFailing(s)
	for i := range uint64(8) {
		r := altered(small(i, 100), func(c *store.Consequences) { c.Deliveries[0].Lane = c.Events[0].Key.ID })
		for n, failed := int64(2), true; failed; n++ { // the first is of a snapshot, which is read again
			f.At(n)
			_, err := record(s, r)
			if failed = f.At(0); failed != badger.IsTrouble(err) || !failed && err != nil {
				t.Fatalf("read %d failed: %v, %v", n, failed, err)
			}
		}
	}
	want(t, "given out", span(1, 8), takeAll(t, s, 0))
}
