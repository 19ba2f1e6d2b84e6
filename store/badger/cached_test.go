package badger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// wide is the creation or the update of an entity with a large body, of which
// there is an event.
func wide(id string, sequence uint64, size int) store.Record {
	x := webhook.NewExchangeID(start)
	key := webhook.EntityKey{API: "shop", Resource: "item", ID: id}
	return store.Record{Exchange: x, Segment: 1, Entities: []webhook.EntityKey{key}, Derive: func(before []webhook.Snapshot) (store.Consequences, error) {
		body := json.RawMessage(fmt.Sprintf(`{"n":%d,"note":%q}`, sequence, strings.Repeat("n", size)))
		return store.Consequences{
			Snapshots: []webhook.Snapshot{{Key: key, Sequence: sequence, Body: body, Seen: start, Exchange: x}},
			Events: []webhook.Event{{
				ID: webhook.NewEventID(x, key, "item.updated", ""), Scope: "item.updated", Key: key, Sequence: sequence,
				Exchange: x, Time: start, Operation: webhook.Updated, Before: before[0].Body, After: body,
			}},
		}, nil
	}}
}

// What the store remembers of entities takes what it is weighed as: a snapshot
// whose body an event has must not keep room for that body.
func TestCachedValuesTakeWhatTheyAreWeighedAs(t *testing.T) {
	for _, size := range []int{1 << 10, 100 << 10, 600 << 10} {
		s := open(t, t.TempDir())
		for n := range 8 {
			for sequence := range uint64(2) {
				if _, err := record(s, wide(fmt.Sprint(n), sequence+1, size)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if taken, weighed := badger.Cached(s); taken > 2*weighed {
			t.Errorf("bodies of %d bytes: the values take %d bytes and are weighed as %d", size, taken, weighed)
		}
	}
}

// A disk that hangs is not waited for longer than the context lasts, and not at all
// for what is in memory.
func TestAReadThatHangsIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := record(s, wide("1", 1, 100)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir) // nothing of it is in memory
	key := webhook.EntityKey{API: "shop", Resource: "item", ID: "1"}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	read := make(chan struct{})
	if err := badger.HungRead(over, s, read); !errors.Is(err, context.Canceled) {
		t.Errorf("a read that hangs: %v", err)
	}
	close(read)
	free := badger.HangReads(s)
	if _, err := s.Snapshot(over, key); !errors.Is(err, context.Canceled) {
		t.Errorf("while reads hang: %v", err)
	}
	free()
	for range 2 {
		if snap, err := s.Snapshot(t.Context(), key); err != nil || snap.Sequence != 1 {
			t.Fatalf("got %+v, %v", snap, err)
		}
		free = badger.HangReads(s)
		if snap, err := s.Snapshot(over, key); err != nil || snap.Sequence != 1 {
			t.Errorf("what is in memory, while reads hang: %+v, %v", snap, err)
		}
		free()
	}
}
