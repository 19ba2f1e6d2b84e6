package badger

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// forgetEvent deletes an event with its deliveries, their attempts and all index
// keys, but for those deliveries that stay. The member is alone in its group, so the
// view and its own writes are all there is.
func (t *tx) forgetEvent(position uint64, stored storedEvent, stay map[place]bool) error {
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
	t.unlistRelated(e)
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
		t.dropFailed(d.State, s.tag, p)
	}
	if !s.further {
		return nil
	}
	return t.view.each(scan{prefix: keyAttempts(p)}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		return true, t.deleteLong(slices.Clone(k))
	})
}
