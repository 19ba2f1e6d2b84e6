package badger

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// forgetEvent deletes an event with its deliveries, their attempts and all index
// keys. The member is alone in its group, so the view and its own writes are all
// there is.
func (t *tx) forgetEvent(position uint64, stored storedEvent) error {
	return t.forgetEventBut(position, stored, nil)
}

// forgetEventBut is forgetEvent without those deliveries that stay.
func (t *tx) forgetEventBut(position uint64, stored storedEvent, stay map[place]bool) error {
	err := t.view.each(scan{prefix: newKey(tableDelivery, 8).u64(position)}, func(k []byte, item *badgerdb.Item) (bool, error) {
		v, err := copyItem(item)
		if err != nil {
			return false, err
		}
		p, _ := parsePlace(k[1:])
		if stay[p] {
			return true, nil
		}
		return true, t.forgetDelivery(p, v.bytes)
	})
	if err != nil {
		return err
	}
	if err := t.forgetMembers(position); err != nil {
		return err
	}
	e, err := stored.bare()
	if err != nil {
		return err
	}
	if err := t.unlist(e, stored.part, position); err != nil {
		return err
	}
	if err := t.unchain(e, &stored); err != nil {
		return err
	}
	t.effect(func(q *queue) { q.s.events.drop(e.ID) })
	return t.deleteLong(keyEvent(position))
}

// unlist takes an event from the list of its exchange.
func (t *tx) unlist(e *webhook.Event, part uint32, position uint64) error {
	k := keyExchange(e.Exchange, part)
	v, err := t.get(k)
	if err != nil {
		return err
	}
	list, err := parseListed(v.bytes)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(l listed) bool { return l.position == position })
	if len(list) == 0 {
		t.delete(k)
	} else {
		t.put(k, appendListed(nil, list))
	}
	return nil
}

// unchain takes an event from its entity's events. To each of these leads
// exactly one thing: the snapshot (newest), the next event (prev) or a key of
// tableEntity; and to what is left of a forgotten one, the next event. It holds
// because what the event led to gets a key of its own, or goes if it is left of
// a forgotten event, and something is left of this event only if the next one
// is there.
func (t *tx) unchain(e *webhook.Event, stored *storedEvent) error {
	d := entityDigest(e.Key)
	if !stored.chained {
		t.delete(keyEntity(d, stored.position))
		return nil
	}
	last, err := t.isLast(e.Key, d, stored.position)
	if err != nil {
		return err
	}
	if !last {
		if err := t.leaveBodies(stored); err != nil {
			return err
		}
	}
	if stored.prev == 0 {
		return nil
	}
	if v, err := t.get(keyEvent(stored.prev)); err != nil || v.found() {
		t.putKey(keyEntity(d, stored.prev))
		return err
	}
	return t.deleteLong(keyBody(stored.prev))
}

// isLast reports whether no event follows that at position, and ends what leads
// to it in place of one. A snapshot that names its after gets the body itself.
func (t *tx) isLast(k webhook.EntityKey, d digest, position uint64) (bool, error) {
	orphan := keyEntity(d, position)
	v, err := t.get(orphan)
	if err != nil || v.found() {
		t.delete(orphan)
		return true, err
	}
	data, err := getStart(t, keySnapshot(d))
	if err != nil || data == nil {
		return false, err
	}
	if head, _, err := parseHead(data); err != nil || head.newest != position {
		return false, err
	}
	return true, t.detach(k)
}

// detach makes the snapshot of k stand alone. It gets a new revision, so that
// whoever has read it reads it again.
func (t *tx) detach(k webhook.EntityKey) error {
	found, err := readKept(t, k)
	if err != nil {
		return err
	}
	head := snapshotHead{rev: found.next(), body: here(found.snapshot.Body)}
	buf := head.append(binary.AppendUvarint(nil, 0))
	buf = appendInline(buf, head.body, found.snapshot.Body)
	s := found.snapshot
	s.Body, s.Key = nil, webhook.EntityKey{}
	return t.replaceLong(keySnapshot(found.digest), wire.AppendSnapshot(buf, &s, webhook.ExchangeID{}))
}

// leaveBodies leaves what the next event may name of one that is forgotten.
func (t *tx) leaveBodies(stored *storedEvent) (err error) {
	left := eventHead{recorded: stored.recorded}
	var before, after json.RawMessage
	if stored.named {
		if before, err = stored.body(t, false); err != nil {
			return err
		}
	}
	if after, err = stored.body(t, true); err != nil {
		return err
	}
	if left.beforeAt, left.afterAt = here(before), here(after); before == nil && after == nil {
		return nil
	}
	buf := left.append(nil, stored.position)
	buf = appendInline(buf, left.beforeAt, before)
	t.putLong(keyBody(stored.position), appendInline(buf, left.afterAt, after))
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
	if !s.state.Final() {
		if err := t.dequeue(d.Subscription, d.Lane, s.queuePlace); err != nil {
			return err
		}
	}
	t.delete(keyDelivery(p))
	t.mine.freed += int64(len(data))
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

// forgetTombstones deletes the snapshots of entities that have been gone for
// long.
func (s *Store) forgetTombstones(ctx context.Context, k store.Keep) error {
	_, err := s.forgetSnapshots(ctx, tableTombstone, nanos(k.Now.Add(-k.Tombstone)))
	return err
}

// forgetPassing deletes the snapshots whose time is over. There may be one for
// each call with an Idempotency-Key, so it takes more at once.
func (s *Store) forgetPassing(ctx context.Context, k store.Keep) error {
	for range maintainPassing {
		n, err := s.forgetSnapshots(ctx, tablePassing, nanos(k.Now))
		if err != nil || n < maintainTombstones {
			return err
		}
	}
	return nil
}

// forgetSnapshots deletes some of the snapshots that a table lists up to
// horizon, and returns how many it listed.
func (s *Store) forgetSnapshots(ctx context.Context, table byte, horizon uint64) (n int, err error) {
	old, err := s.listedUpTo(table, horizon)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	return len(old), s.commit(ctx, func(t *tx) error {
		for _, z := range old {
			if err := t.forgetListed(z); err != nil {
				return err
			}
		}
		return nil
	})
}

// listedUpTo returns some of a table's keys up to horizon.
func (s *Store) listedUpTo(table byte, horizon uint64) (old []key, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	err = v.each(scan{prefix: []byte{table}}, func(b []byte, _ *badgerdb.Item) (bool, error) {
		if len(b) != 9+len(digest{}) || binary.BigEndian.Uint64(b[1:]) > horizon {
			return false, nil
		}
		old = append(old, append(key{}, b...))
		return len(old) < maintainTombstones, nil
	})
	return old, err
}

// forgetListed deletes the snapshot that z lists.
func (t *tx) forgetListed(z key) error {
	found, err := t.get(z)
	if err != nil || !found.found() {
		return err // the entity is there again
	}
	t.delete(z)
	d := digest(z[9:])
	data, err := getStart(t, keySnapshot(d))
	if err != nil || data == nil {
		return err
	}
	head, _, err := parseHead(data)
	if err != nil {
		return err
	}
	if head.newest > 0 {
		t.putKey(keyEntity(d, head.newest))
	}
	return t.deleteLong(keySnapshot(d))
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
	if d.State == webhook.Held && k.Now.Sub(d.Settled) > k.HoldFor {
		return true
	}
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
