package badger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// eraseAtOnce is how many events one commit erases.
const eraseAtOnce = 20

// Erase implements [store.Eraser]. Events go from the newest on, and snapshots,
// which lead to them, are emptied last: what an interruption leaves is found again.
func (s *Store) Erase(ctx context.Context, e store.Erasure) (out store.Erased, err error) {
	err = s.commit(ctx, func(t *tx) error {
		t.putKey(key{tableErased})
		return nil
	})
	if err == nil {
		s.unpurged.Add(1)
		err = s.erase(ctx, e, &out)
	}
	if err != nil {
		return out, fmt.Errorf("erase an entity of resource %s: %w", e.Resource, err)
	}
	return out, nil
}

func (s *Store) erase(ctx context.Context, e store.Erasure, out *store.Erased) error {
	names, ids, err := s.snapshotsOf(e)
	if err != nil {
		return err
	}
	for _, id := range ids {
		e.ID = id
		if err := s.eraseEvents(ctx, e, out); err != nil {
			return err
		}
		if err := s.eraseCopies(ctx, e, out); err != nil {
			return err
		}
	}
	for _, d := range names {
		if err := s.emptySnapshot(ctx, d); err != nil {
			return err
		}
		out.Entities++
	}
	return nil
}

// eraseEvents forgets the events of the id of e.
func (s *Store) eraseEvents(ctx context.Context, e store.Erasure, out *store.Erased) error {
	for {
		positions, err := s.eventsOf(e, eraseAtOnce)
		if err != nil || len(positions) == 0 {
			return err
		}
		done := *out
		err = s.hand(ctx, &member{alone: true, work: func(t *tx) (err error) {
			done = *out
			for _, position := range positions {
				if err := t.eraseEvent(position, &done); err != nil {
					return err
				}
			}
			return t.unlistBlocks()
		}})
		if err != nil {
			return err
		}
		*out = done
	}
}

// snapshotsOf returns the snapshots that e is about, and the ids that these are
// known by: of the entity itself, the one that its id is another name of, and that
// of the name that it has now.
func (s *Store) snapshotsOf(e store.Erasure) (all []digest, ids []string, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, nil, err
	}
	defer v.release()
	ids = []string{e.ID}
	for i := 0; i < len(ids); i++ {
		id, named := ids[i], e
		named.ID = id
		err := v.eachSnapshot(named, func(d digest, snap *webhook.Snapshot) error {
			all = append(all, d)
			for _, other := range []string{snap.Alias, snap.Name} {
				if other != "" && !slices.Contains(ids, other) {
					ids = append(ids, other)
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return all, ids, nil
}

// eachSnapshot calls f for each snapshot that e names.
func (v *view) eachSnapshot(e store.Erasure, f func(digest, *webhook.Snapshot) error) error {
	group := entityDigest(webhook.EntityKey{Resource: e.Resource, ID: e.ID})
	return v.each(scan{prefix: newKey(tableSnapshot, groupSize).bytes(group[:groupSize])}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		d := digest(k[1:])
		snap, _, err := readDigest(v, d)
		if err != nil || !concerns(e, d, snap.Tenant) {
			return err == nil, err
		}
		return true, f(d, snap)
	})
}

// concerns reports whether e is about the entity of d, whose tenant is an
// attribute if it is not part of its key.
func concerns(e store.Erasure, d digest, tenant string) bool {
	every := e.Tenant == webhook.AnyTenant
	if every && len(e.APIs) == 0 {
		return true
	}
	for _, api := range e.APIs {
		of := func(tenant string) bool {
			return d == entityDigest(webhook.EntityKey{API: api, Tenant: tenant, Resource: e.Resource, ID: e.ID})
		}
		if of(e.Tenant) || (every || tenant == e.Tenant) && (of(tenant) || of("")) {
			return true
		}
	}
	return false
}

// readDigest returns the snapshot of d without its body.
func readDigest(g getter, d digest) (*webhook.Snapshot, snapshotHead, error) {
	data, err := getLong(g, keySnapshot(d))
	if err != nil || data == nil {
		return &webhook.Snapshot{}, snapshotHead{}, err
	}
	head, rest, err := parseHead(data)
	if err != nil {
		return nil, head, err
	}
	if head.body == inline {
		var ok bool
		if _, rest, ok = cutBytes(rest); !ok {
			return nil, head, errBroken("snapshot")
		}
	}
	snap, err := wire.DecodeSnapshot(rest, webhook.ExchangeID{})
	return &snap, head, err
}

// emptySnapshot leaves of a snapshot what keeps the sequence from going back.
func (s *Store) emptySnapshot(ctx context.Context, d digest) error {
	return s.commit(ctx, func(t *tx) error {
		was, head, err := readDigest(t, d)
		if err != nil || head.rev == 0 {
			return err
		}
		bare := webhook.Snapshot{Sequence: was.Sequence, Deleted: was.Deleted, Seen: was.Seen, Until: was.Until}
		next := snapshotHead{rev: head.rev + 1, body: absent}
		buf := next.append(binary.AppendUvarint(nil, head.newest))
		return t.replaceLong(keySnapshot(d), wire.AppendSnapshot(buf, &bare, webhook.ExchangeID{}))
	})
}

// eventsOf returns the positions of some events that e is about: of each row of
// events the newest.
func (s *Store) eventsOf(e store.Erasure, most int) (positions []uint64, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	err = eachChain(v, eventQuery{Resource: e.Resource, ID: e.ID}, func(newest uint64) error {
		for position := newest; position > 0 && len(positions) < most; {
			stored, found, err := readStored(v, position)
			if err != nil || !found {
				return err
			}
			ev, err := stored.bare()
			if err != nil {
				return err
			}
			if !concerns(e, entityDigest(ev.Key), ev.Tenant) {
				return nil
			}
			positions, position = append(positions, position), stored.prev
		}
		return nil
	})
	slices.Sort(positions)
	slices.Reverse(positions)
	return slices.Compact(positions), err
}

// eraseEvent forgets an event with all its deliveries, and counts them.
func (t *tx) eraseEvent(position uint64, out *store.Erased) error {
	stored, found, err := readStored(t, position)
	if err != nil || !found {
		return err
	}
	if err := t.dropRest(position, out); err != nil {
		return err
	}
	stay := map[place]bool{} // chunks that are owed for other events too
	err = t.view.eachDelivery(scan{prefix: newKey(tableDelivery, 8).u64(position)}, func(s storedDelivery) (bool, error) {
		d, err := s.decode()
		if err != nil {
			return false, err
		}
		if !s.state.Final() {
			if stay[s.place], err = t.carries(d, position); err != nil || stay[s.place] {
				return err == nil, err
			}
		}
		out.Deliveries++
		if !s.state.Final() {
			out.Owed++
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	out.Events++
	return t.forgetEvent(position, stored, stay)
}

// dropRest forgets the deliveries of an event that are not queued yet.
func (t *tx) dropRest(position uint64, out *store.Erased) error {
	return t.view.each(scan{prefix: newKey(tableRest, 8).u64(position)}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		data, err := getLong(t, k)
		for err == nil && len(data) > 0 {
			_, rest, ok := cutBytes(data)
			if !ok {
				return false, errBroken("part of an event's deliveries")
			}
			data = rest
			out.Deliveries++
			out.Owed++
		}
		if err != nil {
			return false, err
		}
		return true, t.deleteLong(k)
	})
}

// Unpurged implements [store.Eraser].
func (s *Store) Unpurged() bool { return s.unpurged.Load() > 0 }

// loadErased reads whether there was an erasure after the last purge.
func (s *Store) loadErased() error {
	v, err := s.views.cur.get(key{tableErased})
	if err == nil && v.found() {
		s.unpurged.Store(1)
	}
	return err
}

// Purge implements [store.Eraser].
func (s *Store) Purge(ctx context.Context) error {
	n := s.unpurged.Load()
	if err := s.compact(ctx, true); err != nil {
		return fmt.Errorf("purge what was erased: %w", err)
	}
	if s.unpurged.Add(-n) > 0 {
		return nil // of one that came meanwhile, the next is
	}
	return s.commit(ctx, func(t *tx) error {
		if s.unpurged.Load() == 0 {
			t.delete(key{tableErased})
		}
		return nil
	})
}
