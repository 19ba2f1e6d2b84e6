package badger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// Before the write that follows a failed one, the committer waits for all
// readers: nobody may read on while waiting for a commit.
func TestTheStoreOpensAgainFor(t *testing.T) {
	long := 400 * 24 * time.Hour
	for name, c := range map[string]struct {
		record store.Record
		next   func(s *badger.Store) error
	}{
		"forgetting tombstones": {
			deleted(small(1, 100)),
			func(s *badger.Store) error {
				_, err := s.Maintain(context.Background(), store.Keep{Now: start.Add(long), Tombstone: time.Hour})
				return err
			},
		},
		"expiring what is held": {
			small(1, 100),
			func(s *badger.Store) error {
				held := func(webhook.SubscriptionID, uint64) (time.Time, bool) { return start, true }
				_, err := s.Maintain(context.Background(), store.Keep{Now: start.Add(long), HoldFor: time.Hour, Holding: held})
				return err
			},
		},
		"queuing the rest of an event": {
			wanted(small(1, 100), 6000),
			func(s *badger.Store) error {
				for range 5 {
					badger.Break(s)
				}
				_, err := s.PutState(context.Background(), webhook.SubscriptionState{ID: "crm"})
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			if _, err := record(s, c.record); err != nil {
				t.Fatal(err)
			}
			if badger.Break(s) == nil {
				t.Fatal("nothing broke")
			}
			// Closing a store that hangs would hang as well.
			hangs := time.AfterFunc(20*time.Second, func() { panic("the store hangs") })
			defer hangs.Stop()
			if err := c.next(s); err != nil {
				t.Error(err)
			}
		})
	}
}

// deleted returns r as one that leaves a tombstone.
func deleted(r store.Record) store.Record {
	return altered(r, func(c *store.Consequences) {
		c.Snapshots[0].Body, c.Snapshots[0].Deleted, c.Events[0].After = nil, true, nil
	})
}

// wanted returns r with so many deliveries.
func wanted(r store.Record, n int) store.Record {
	return altered(r, func(c *store.Consequences) {
		d := c.Deliveries[0]
		for i := range n {
			d.Subscription = webhook.SubscriptionID(fmt.Sprint("s", i))
			d.ID = webhook.NewDeliveryID(d.Event, d.Subscription, 0)
			c.Deliveries = append(c.Deliveries, d)
		}
	})
}

func altered(r store.Record, alter func(*store.Consequences)) store.Record {
	plain := r.Derive
	r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
		c, err := plain(before)
		if err == nil {
			alter(&c)
		}
		return c, err
	}
	return r
}
