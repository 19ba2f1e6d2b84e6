package badger

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// park keeps n deliveries of the event at position 1 for later, as a record of very many
// does, and lets nobody queue them: so they stand before the loop has come to them.
func park(t *testing.T, s *Store, event webhook.EventID, n int) {
	t.Helper()
	err := s.commit(context.Background(), func(t *tx) error {
		var buf []byte
		for i := range n {
			sub := webhook.SubscriptionID(fmt.Sprint("parked", i))
			d := webhook.Delivery{ID: webhook.NewDeliveryID(event, sub, 0), Event: event, Subscription: sub}
			t.complete(&d, 1)
			b := (&storedDelivery{}).encode(&d)
			buf = append(binary.AppendUvarint(buf, uint64(len(b))), b...)
		}
		t.putLong(keyRest(1, 0), buf)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func inTable(t *testing.T, s *Store, table byte) int {
	t.Helper()
	n, err := Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	return n[string(table)]
}

// What is owed of an event and not queued yet is owed: the event stays, however old it
// is, or however little room there is. An erasure takes both, and counts them.
func TestWhatIsNotQueuedYetIsOwed(t *testing.T) {
	ctx := context.Background()
	s := openAt(t, t.TempDir())
	key := webhook.EntityKey{API: "a", Resource: "r", ID: "1"}
	r := changeOf(1, key)
	c, _ := r.Derive(make([]webhook.Snapshot, 1))
	mustRecord(t, s, r)
	park(t, s, c.Events[0].ID, 1200)
	for _, k := range []store.Keep{{Now: time.Now().AddDate(1, 0, 0), Retention: time.Hour}, {Now: time.Now(), Most: 1}} {
		for more := true; more; {
			var err error
			if more, err = s.Maintain(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
		if inTable(t, s, tableEvent) != 1 || inTable(t, s, tableRest) == 0 {
			t.Fatalf("with %+v, what is owed is forgotten", k)
		}
	}
	got, err := s.Erase(ctx, store.Erasure{Resource: "r", ID: "1", Tenant: webhook.AnyTenant})
	if want := (store.Erased{Entities: 1, Events: 1, Deliveries: 1200, Owed: 1200}); err != nil || got != want {
		t.Errorf("erased %+v, want %+v: %v", got, want, err)
	}
	if n := inTable(t, s, tableRest) + inTable(t, s, tableEvent); n != 0 {
		t.Errorf("%d keys are left of what is erased", n)
	}
}

// What an event gets while parts of what it was owed before are not queued takes the
// place of none of them.
func TestPartsAreKeptBehindThoseThatAreThere(t *testing.T) {
	s := openAt(t, t.TempDir())
	r := recordOf(1, nil, 1, "", false)
	c, _ := r.Derive(nil)
	mustRecord(t, s, r)
	event := c.Events[0].ID
	park(t, s, event, 7)
	mustRecord(t, s, store.Record{Exchange: webhook.ExchangeID{5}, Derive: func([]webhook.Snapshot) (out store.Consequences, err error) {
		for i := range 1600 {
			sub := webhook.SubscriptionID(fmt.Sprint("s", i))
			out.Deliveries = append(out.Deliveries, webhook.Delivery{ID: webhook.NewDeliveryID(event, sub, 1), Event: event, Subscription: sub, Priority: webhook.Replaying})
		}
		return out, nil
	}})
	for end := time.Now().Add(20 * time.Second); s.queue.lowestRest() > 0 && time.Now().Before(end); {
		runtime.Gosched()
	}
	st, err := s.Stats(context.Background())
	if err != nil || st.Pending != 1607 || inTable(t, s, tableRest) != 0 {
		t.Errorf("%d pending of 1607, %d parts are left: %v", st.Pending, inTable(t, s, tableRest), err)
	}
}
