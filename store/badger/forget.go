package badger

import (
	"context"
	"encoding/binary"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// forgetEvent deletes an event with its deliveries, their attempts, all index
// keys, and the bodies that nothing else names. The member is alone in its
// group, so the view and its own writes are all there is.
func (t *tx) forgetEvent(position uint64, stored storedEvent) error {
	err := t.view.each(scan{prefix: newKey(tableDelivery, 8).u64(position)}, func(k []byte, item *badgerdb.Item) (bool, error) {
		v, err := copyItem(item)
		if err != nil {
			return false, err
		}
		p, _ := parsePlace(k[1:])
		return true, t.forgetDelivery(p, v.bytes)
	})
	if err != nil {
		return err
	}
	e := stored.event
	if err := t.deleteLong(keyEvent(position)); err != nil {
		return err
	}
	t.delete(keyEventID(e.ID))
	t.delete(keyExchange(e.Exchange, position))
	t.delete(keyEntity(e.Key).u64(position))
	t.effect(func(q *queue) { q.s.events.drop(e.ID) })
	revs := []uint64{stored.before, stored.after}
	for _, rev := range slices.Compact(revs) {
		if err := t.forgetBody(e.Key, rev, position); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) forgetDelivery(p place, data []byte) error {
	s, err := parseDelivery(p, data)
	if err != nil {
		return err
	}
	d, err := s.decode()
	if err != nil {
		return err
	}
	t.delete(keyDelivery(p))
	t.touched(d.Subscription, p.position)
	if unhappy(d.State) {
		t.delete(keyFailed(stateNumber(d.State), p))
	}
	if !s.further {
		return nil
	}
	return t.view.each(scan{prefix: keyAttempts(p)}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		return true, t.deleteLong(slices.Clone(k))
	})
}

// forgetBody deletes a body that the event at position named, if neither its
// neighbours nor the snapshot name it.
func (t *tx) forgetBody(k webhook.EntityKey, rev, position uint64) error {
	if rev == 0 {
		return nil
	}
	for _, newest := range []bool{false, true} {
		named, err := t.neighbour(k, position, newest)
		if err != nil || named.has(rev) {
			return err
		}
	}
	d := entityDigest(k)
	data, err := getLong(t, keySnapshot(d))
	if err != nil {
		return err
	}
	if data != nil {
		head, _, err := parseHead(data)
		if err != nil {
			return err
		}
		if head.body == rev {
			return t.putNamed(d, 0) // it goes with the snapshot
		}
	}
	return t.deleteLong(keyBody(d, rev))
}

// neighbour returns what the next event of the entity before or after position
// names. Events that name nothing do not count.
func (t *tx) neighbour(k webhook.EntityKey, position uint64, before bool) (named bodies, err error) {
	prefix := keyEntity(k)
	err = t.view.each(positionScan(prefix, position, before), func(at []byte, item *badgerdb.Item) (bool, error) {
		if v, ok := t.written(string(at)); ok && !v.found() {
			return true, nil
		}
		v, err := copyItem(item)
		if err != nil {
			return false, err
		}
		rev, n := binary.Uvarint(v.bytes)
		named.before = rev
		if n > 0 {
			named.after, _ = binary.Uvarint(v.bytes[n:])
		}
		return named == bodies{}, nil
	})
	return named, err
}

// forgetTombstones deletes the snapshots of entities that have been gone for
// long.
func (s *Store) forgetTombstones(ctx context.Context, k store.Keep) error {
	old, err := s.oldTombstones(nanos(k.Now.Add(-k.Tombstone)))
	if err != nil || len(old) == 0 {
		return err
	}
	return s.commit(ctx, func(t *tx) error {
		for _, z := range old {
			if err := t.forgetTombstone(z); err != nil {
				return err
			}
		}
		return nil
	})
}

// oldTombstones returns some of those up to horizon.
func (s *Store) oldTombstones(horizon uint64) (old []key, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	err = v.each(scan{prefix: []byte{tableTombstone}}, func(b []byte, _ *badgerdb.Item) (bool, error) {
		if len(b) != 25 || binary.BigEndian.Uint64(b[1:]) > horizon {
			return false, nil
		}
		old = append(old, append(key{}, b...))
		return len(old) < maintainTombstones, nil
	})
	return old, err
}

func (t *tx) forgetTombstone(z key) error {
	found, err := t.get(z)
	if err != nil || !found.found() {
		return err // the entity is there again
	}
	t.delete(z)
	return t.deleteLong(keySnapshot(digest(z[9:])))
}

// expireHeld settles as expired what has been held for too long. Positions and
// the times of their recording grow together, so each subscription is looked at
// from its lowest owed position on, up to the first that may stay.
func (s *Store) expireHeld(ctx context.Context, k store.Keep) error {
	for _, sub := range s.queue.owed() {
		if err := s.expireOf(ctx, sub, k); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) expireOf(ctx context.Context, sub subscription, k store.Keep) error {
	from := s.queue.takeLowest(sub)
	over, lowest, err := s.heldOver(sub, from, k)
	for part := range slices.Chunk(over, expireAtOnce) {
		if err == nil {
			err = s.Settle(ctx, part...)
		}
	}
	if err != nil {
		lowest = from
	}
	s.queue.putLowest(sub, lowest)
	return err
}

// heldOver returns what of sub has been held for too long, from a position on,
// and the position of the first that may stay or was not looked at.
func (s *Store) heldOver(sub subscription, from uint64, k store.Keep) (over []webhook.Settlement, lowest uint64, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, from, err
	}
	defer v.release()
	lowest = from
	looked := 0
	err = v.eachOf(sub, from, false, func(s storedDelivery) (bool, error) {
		lowest = s.position
		if looked++; looked > maintainHeld {
			return false, nil
		}
		if s.state.Final() {
			return true, nil
		}
		d, err := s.decode()
		switch {
		case err != nil || d.Subscription != sub:
			return err == nil, err
		case !heldTooLong(d, k):
			return false, nil
		}
		over = append(over, webhook.Settlement{Delivery: d.Expire(k.Now)})
		return true, nil
	})
	return over, lowest, err
}

func heldTooLong(d *webhook.Delivery, k store.Keep) bool {
	since, held := k.Holding(d.Subscription, d.Position)
	if d.Created.After(since) {
		since = d.Created
	}
	return held && k.Now.Sub(since) > k.HoldFor
}

// owed returns the subscriptions that are owed something.
func (q *queue) owed() (subs []subscription) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for sub, l := range q.lines {
		if l.pending > 0 {
			subs = append(subs, sub)
		}
	}
	return subs
}

// takeLowest returns the position from which on sub may be owed something, and
// begins to note what is queued from now on.
func (q *queue) takeLowest(sub subscription) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(sub)
	from := l.lowest
	l.lowest = ^uint64(0)
	return from
}

func (q *queue) putLowest(sub subscription, position uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(sub)
	l.lowest = min(l.lowest, position)
}
