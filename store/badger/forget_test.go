package badger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// life is a change in the life of an order: with an event or seen without one,
// with a body that is long or short, or gone.
func life(n uint64, step int) store.Record {
	r := small(n, n+1)
	plain := r.Derive
	r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
		c, err := plain(before)
		body := c.Snapshots[0].Body
		if step%3 == 1 {
			body = json.RawMessage(`"` + strings.Repeat("l", 600<<10) + `"`)
		}
		c.Snapshots[0].Body, c.Events[0].After = body, body
		c.Events[0].Related = []webhook.Related{{Name: "buyer", Value: body, Resource: "person", ID: "17"}}
		switch {
		case step == 7:
			c.Snapshots[0].Body, c.Snapshots[0].Deleted, c.Events[0].After = nil, true, nil
		case step == 3, step == 5, step == 6:
			c.Events, c.Deliveries = nil, nil
		case step%4 == 2:
			c.Deliveries = nil
		}
		return c, err
	}
	return r
}

func TestNothingIsLeftBehind(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	for n := range uint64(4) {
		for step := range 8 {
			if _, err := record(s, life(n, step)); err != nil {
				t.Fatal(err)
			}
			if step == 4 { // between two steps everything so far is forgotten
				settleAll(t, s)
				maintain(t, s, 60*24*time.Hour)
			}
		}
	}
	settleAll(t, s)
	maintain(t, s, 400*24*time.Hour)
	maintain(t, s, 400*24*time.Hour)
	if err := s.DropMarks(ctx, 0); err != nil {
		t.Fatal(err)
	}
	got, err := badger.Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	// The newest position, how far retention has looked, and the count of the
	// subscription's deliveries; and what stands at the bottom since the directory was made.
	if diff := cmp.Diff(map[string]int{"m": 1, "G": 1, "k": 1, "Z": 1}, got); diff != "" {
		t.Error("want(-) got(+):\n", diff)
	}
}

func settleAll(t *testing.T, s *badger.Store) {
	t.Helper()
	ctx := context.Background()
	for {
		ds, _, err := s.Claim(ctx, "crm", 0, start, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) == 0 {
			return
		}
		for _, d := range ds {
			a := webhook.Attempt{Delivery: d.ID, Number: 1, Started: start, Outcome: webhook.Aborted, Answer: make([]byte, 700<<10)}
			if err := s.Settle(ctx, webhook.Settlement{Delivery: d.After(a, nil), Attempt: &a}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func maintain(t *testing.T, s *badger.Store, later time.Duration) {
	t.Helper()
	k := store.Keep{Now: time.Now().Add(later), Retention: 30 * 24 * time.Hour, Tombstone: 90 * 24 * time.Hour}
	if _, err := s.Maintain(context.Background(), k); err != nil {
		t.Fatal(fmt.Errorf("maintain: %w", err))
	}
}
