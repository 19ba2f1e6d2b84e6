package badger_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

func TestADeliveryIsWrittenTwice(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	if _, err := record(s, small(1, 1)); err != nil {
		t.Fatal(err)
	}
	before, err := badger.Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := record(s, small(2, 1)); err != nil {
		t.Fatal(err)
	}
	after, err := badger.Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range "duFaqLlDf" {
		want := 0
		if table == 'd' {
			want = 1
		}
		if n := after[string(table)] - before[string(table)]; n != want {
			t.Errorf("recording puts %d keys of table %q", n, table)
		}
	}
	ds, _, err := s.Claim(ctx, "crm", 0, start, 10)
	if err != nil || len(ds) != 1 {
		t.Fatalf("%d are given out of a lane: %v", len(ds), err)
	}
	a := webhook.Attempt{Delivery: ds[0].ID, Number: 1, Started: start, Outcome: webhook.Accepted}
	puts, deletes, err := badger.Settle(s, webhook.Settlement{Delivery: ds[0].After(a, nil), Attempt: &a})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"d": 1}, puts); diff != "" || len(deletes) > 0 {
		t.Errorf("settling deletes %v and puts: want(-) got(+):\n%s", deletes, diff)
	}
}

func keys(t *testing.T, s *badger.Store) map[string]int {
	t.Helper()
	n, err := badger.Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What memory knows is bounded; the rest is queued on disk, in order.
func TestTooManyFreshAreQueued(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	badger.FewFresh(s, 100, 1000, 20)
	const n = 400
	recordMany(t, s, n, 1, 1) // each of a lane of its own
	if k := keys(t, s); k["q"] < n-100 || k["q"] > n-50 || k["f"] != 1 {
		t.Errorf("of %d, %d are queued; %d marks", n, k["q"], k["f"])
	}
	s.Close()
	s = open(t, dir)
	ds, _, err := s.Claim(context.Background(), "crm", 0, start, 2*n)
	if err != nil || len(ds) != n {
		t.Fatalf("%d are given out: %v", len(ds), err)
	}
	if !slices.IsSortedFunc(ds, func(a, b webhook.Delivery) int { return int(a.Position) - int(b.Position) }) {
		t.Error("not in order")
	}
}

// One that stays fresh for long is queued, so that a start need not go far back.
func TestAnOldFreshOneIsQueued(t *testing.T) {
	s := open(t, t.TempDir())
	badger.FewFresh(s, 1000, 50, 10)
	for i := range uint64(200) {
		if _, err := record(s, small(i, 1000)); err != nil {
			t.Fatal(err)
		}
		if i > 0 { // the first stays
			ds, _, err := s.Claim(context.Background(), "crm", 0, start, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				if d.Position > 1 {
					if err := attempt(s, d); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if k := keys(t, s); k["q"] != 1 || k["f"] != 1 {
		t.Errorf("%d are queued, %d marks", k["q"], k["f"])
	}
}

// So is one after which all that is recorded is queued at once.
func TestAnOldFreshOneIsQueuedWhenNoneIsFreshAfterIt(t *testing.T) {
	s := open(t, t.TempDir())
	badger.FewFresh(s, 1000, 50, 10)
	if _, err := record(s, small(0, 2)); err != nil {
		t.Fatal(err)
	}
	ds, _, err := s.Claim(context.Background(), "crm", 0, start, 1)
	if err != nil || len(ds) != 1 {
		t.Fatalf("%d are given out: %v", len(ds), err)
	}
	a := webhook.Attempt{Delivery: ds[0].ID, Number: 1, Started: start, Outcome: webhook.Failed}
	failed := webhook.Settlement{Delivery: ds[0].After(a, webhook.DefaultSchedule), Attempt: &a}
	if err := s.Settle(context.Background(), failed); err != nil { // its lane is on disk now
		t.Fatal(err)
	}
	if _, err := record(s, small(1, 2)); err != nil { // of the other lane
		t.Fatal(err)
	}
	for range 200 {
		if k := keys(t, s); k["q"] == 2 {
			return
		}
		if _, err := record(s, small(2, 2)); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("200 deliveries were recorded after a fresh one, and it is not queued")
}

func TestDeliveriesOfManyBlocks(t *testing.T) {
	s := open(t, t.TempDir())
	const n = 700
	recordMany(t, s, n, 1, 128)
	for _, below := range []uint64{0, 513, 256, 2} {
		ds, err := s.Deliveries(context.Background(), store.DeliveryQuery{Subscription: "crm", Below: below, Max: 2 * n})
		if err != nil {
			t.Fatal(err)
		}
		want := uint64(n)
		if below > 0 {
			want = below - 1
		}
		for i, d := range ds {
			if d.Position != want-uint64(i) {
				t.Fatalf("below %d, delivery %d is of position %d", below, i, d.Position)
			}
		}
		if uint64(len(ds)) != want {
			t.Errorf("below %d there are %d", below, len(ds))
		}
	}
	if k := keys(t, s); k["u"] != 3 {
		t.Errorf("%d blocks are listed", k["u"])
	}
}

// An attempt that comes too late is kept as well, and goes with the others.
func TestAttemptsGoWithTheirDelivery(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	if _, err := record(s, small(1, 1)); err != nil {
		t.Fatal(err)
	}
	ds, _, err := s.Claim(ctx, "crm", 0, start, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := ds[0]
	for n, outcome := range []webhook.Outcome{webhook.Failed, webhook.Failed, webhook.Aborted, webhook.Accepted} {
		a := webhook.Attempt{Delivery: d.ID, Number: n + 1, Started: start, Outcome: outcome}
		d = d.After(a, webhook.DefaultSchedule)
		if err := s.Settle(ctx, webhook.Settlement{Delivery: d, Attempt: &a}); err != nil {
			t.Fatal(err)
		}
	}
	as, err := s.Attempts(ctx, d.ID)
	if err != nil || len(as) != 4 || s.Late() != 1 {
		t.Errorf("%d attempts, %d late: %v", len(as), s.Late(), err)
	}
	for i, a := range as {
		if a.Number != i+1 || a.Delivery != d.ID {
			t.Errorf("attempt %d is %d of %s", i, a.Number, a.Delivery)
		}
	}
	if k := keys(t, s); k["a"] != 3 {
		t.Errorf("%d attempts have keys of their own", k["a"])
	}
	maintain(t, s, 400*24*time.Hour)
	if k := keys(t, s); k["a"] != 0 || k["d"] != 0 || k["u"] != 0 {
		t.Errorf("left behind: %v", k)
	}
	if _, err := record(s, small(2, 1)); err != nil { // into the same block
		t.Fatal(err)
	}
	left, err := s.Deliveries(ctx, store.DeliveryQuery{Subscription: "crm"})
	if err != nil || len(left) != 1 {
		t.Errorf("a delivery of a block that was empty: %d are listed, %v", len(left), err)
	}
}
