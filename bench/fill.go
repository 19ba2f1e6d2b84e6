package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// fillBatch is how many events are recorded with one call.
const fillBatch = 256

// backlog is what a store is filled with: events of entities that take turns,
// each owed to one subscription.
type backlog struct {
	subscription webhook.SubscriptionID
	events       int
	entities     int
	unordered    bool // each delivery has a lane of its own
}

// fill records b in the store of a data directory that no process has open, as
// a deriver would that works without pause. It returns how many bytes the
// directory has on disk.
func (b backlog) fill(dir string) (int64, error) {
	s, err := badger.Open(badger.Options{Dir: filepath.Join(dir, "store")})
	if err != nil {
		return 0, err
	}
	err = b.record(s)
	if closed := s.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return 0, fmt.Errorf("fill the store: %w", err)
	}
	return onDisk(dir)
}

func (b backlog) record(s *badger.Store) error {
	ctx := context.Background()
	for n := 0; n < b.events; {
		var rs []store.Record
		for ; n < b.events && len(rs) < fillBatch; n++ {
			rs = append(rs, b.change(n))
		}
		done, err := s.Record(ctx, rs)
		if err != nil {
			return err
		}
		for i := range done {
			if done[i].Err != nil {
				return done[i].Err
			}
		}
		progress("recorded %d of %d", n, b.events)
	}
	// Nothing is in the journal: no mark is needed any more.
	return s.DropMarksBelow(ctx, 1<<62)
}

// change is the n-th event.
func (b backlog) change(n int) store.Record {
	now := time.Now().UTC()
	x := webhook.NewExchangeID(now)
	k := webhook.EntityKey{API: "default", Resource: "project", ID: fmt.Sprint(1000 + n%b.entities)}
	return store.Record{
		Exchange: x, Entities: []webhook.EntityKey{k}, Segment: uint64(n/50_000) + 1,
		Derive: func(before []webhook.Snapshot) (store.Consequences, error) {
			return b.consequences(&before[0], x, n, now), nil
		},
	}
}

func (b backlog) consequences(was *webhook.Snapshot, x webhook.ExchangeID, n int, now time.Time) store.Consequences {
	after := json.RawMessage(entity(1000+n%b.entities, n, now))
	ev := webhook.Event{
		ID: webhook.NewEventID(x, was.Key, "project.updated", ""), Scope: "project.updated", Key: was.Key,
		Sequence: was.Sequence + 1, Exchange: x, Time: now, Operation: webhook.Updated, Before: was.Body, After: after,
		Changes: []webhook.FieldChange{{Path: "counter", Old: json.RawMessage("0"), New: json.RawMessage(fmt.Sprint(n))}},
		Request: webhook.EventRequest{Method: "PATCH", Path: "/api/projects/" + was.Key.ID},
		Provenance: webhook.Provenance{
			Before: webhook.FromSnapshot, After: webhook.FromResponse, Confidence: webhook.Observed,
		},
	}
	order := webhook.OrderEntity
	if b.unordered {
		order = webhook.OrderNone
	}
	return store.Consequences{
		Snapshots: []webhook.Snapshot{{
			Key: was.Key, Sequence: ev.Sequence, Body: after, Seen: now, Via: webhook.FromResponse, Exchange: x,
		}},
		Events: []webhook.Event{ev},
		Deliveries: []webhook.Delivery{{
			ID: webhook.NewDeliveryID(ev.ID, b.subscription, 0), Event: ev.ID, Subscription: b.subscription,
			Lane: order.Lane(&ev), State: webhook.Pending, Due: now, Created: now,
		}},
	}
}
