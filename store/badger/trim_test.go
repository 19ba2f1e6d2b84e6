package badger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// large records n events of 8 KiB that do not compress, each of an entity of its
// own, from number on; of those that owed says, a delivery.
func large(t *testing.T, s *badger.Store, from, n int, owed func(i int) bool) (ds []webhook.Delivery) {
	t.Helper()
	var rs []store.Record
	for i := from; i < from+n; i++ {
		key := webhook.EntityKey{API: "shop", Resource: "order", ID: fmt.Sprint(i)}
		x := webhook.NewExchangeID(time.Now())
		rs = append(rs, store.Record{Exchange: x, Segment: 1, Derive: func([]webhook.Snapshot) (c store.Consequences, err error) {
			body, err := json.Marshal(map[string]any{"n": i, "text": bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 3<<10)})
			ev := webhook.Event{ID: webhook.NewEventID(x, key, "order.created", ""), Scope: "order.created", Key: key, Exchange: x, Operation: webhook.Created, After: body}
			c.Events = []webhook.Event{ev}
			if owed(i) {
				c.Deliveries = []webhook.Delivery{{ID: webhook.NewDeliveryID(ev.ID, "crm", 0), Event: ev.ID, Subscription: "crm", State: webhook.Pending}}
			}
			return c, err
		}})
	}
	got, err := s.Record(context.Background(), rs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		ds = append(ds, r.Deliveries...)
	}
	return ds
}

func housekeep(t *testing.T, s *badger.Store, k store.Keep) store.Stats {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.Maintain(context.Background(), k); err != nil {
			t.Fatal(err)
		}
	}
	st, err := s.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func nobody(int) bool    { return false }
func everybody(int) bool { return true }

// Over months the store takes what its retention is worth, not what has ever
// been: the disk gets its room back.
func TestWhatIsForgottenLeavesTheDisk(t *testing.T) {
	s := open(t, t.TempDir())
	const perMonth = 4000 // 48 MiB
	var peak int64
	for month := range 4 {
		for range perMonth / 400 {
			large(t, s, 0, 400, nobody)
		}
		now := time.Now().AddDate(0, 2*(month+1), 0)
		st := housekeep(t, s, store.Keep{Now: now, Retention: 30 * 24 * time.Hour})
		peak = max(peak, st.Bytes)
		if st.Position != uint64((month+1)*perMonth) {
			t.Errorf("the newest position is %d", st.Position)
		}
	}
	if events, err := s.Events(context.Background(), store.EventQuery{}); err != nil || len(events) != 0 {
		t.Errorf("%d events are left: %v", len(events), err)
	}
	if peak > 64<<20 {
		t.Errorf("after its retention nothing was left but, once, %d MiB on disk", peak>>20)
	}
}

// Above the most it may take, what is settled goes, oldest first, and the disk
// gets its room back; what is owed stays, and only when nothing else is left the
// store says that it is full. It is no longer when there is room again.
func TestAboveItsMostWhatIsSettledGoesFirst(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	const most = 64 << 20
	keep := store.Keep{Now: time.Now(), Retention: 30 * 24 * time.Hour, Most: most}
	var owed []webhook.Delivery
	for n := range 20 {
		owed = append(owed, large(t, s, 400*n, 400, func(i int) bool { return i%20 == 0 })...)
	}
	st := housekeep(t, s, keep)
	if st.Bytes > most || st.Full {
		t.Errorf("it takes %d MiB, full: %v", st.Bytes>>20, st.Full)
	}
	left, err := s.Events(ctx, store.EventQuery{Max: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	settled := 0
	for i, e := range left {
		if (e.Position-1)%20 == 0 {
			continue
		}
		if settled++; i > 0 && settled > 1 && e.Position != left[i-1].Position+1 {
			t.Fatalf("of what is settled, %d stayed and %d went before", e.Position, e.Position-1)
		}
	}
	if len(left)-settled != len(owed) || settled < 1500 {
		t.Errorf("%d of %d owed and %d settled are left", len(left)-settled, len(owed), settled)
	}
	for n := range 20 {
		owed = append(owed, large(t, s, 400*n, 400, everybody)...)
	}
	if st = housekeep(t, s, keep); !st.Full || st.Pending != uint64(len(owed)) {
		t.Errorf("with more owed than it may take: %+v, %d are owed", st, len(owed))
	}
	for _, more := range []int64{64 * most, 0} {
		if st = housekeep(t, s, store.Keep{Now: time.Now(), Most: more}); st.Full {
			t.Errorf("with a most of %d it is full still", more)
		}
		if st = housekeep(t, s, keep); !st.Full {
			t.Error("with the most that it had before it is not full")
		}
	}
	for len(owed) > 0 {
		var settle []webhook.Settlement
		for _, d := range owed[:200] {
			settle = append(settle, webhook.Settlement{Delivery: d.Cancel("", time.Now())})
		}
		if err := s.Settle(ctx, settle...); err != nil {
			t.Fatal(err)
		}
		owed = owed[200:]
	}
	if st = housekeep(t, s, keep); st.Full || st.Bytes > most {
		t.Errorf("once all is settled: %+v", st)
	}
}
