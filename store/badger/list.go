package badger

import (
	"context"
	"encoding/binary"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Deliveries implements [store.Reader]. It uses the narrowest index: the
// event's, that of an unhappy final state, the subscription's, or none.
func (s *Store) Deliveries(ctx context.Context, q store.DeliveryQuery) ([]webhook.Delivery, error) {
	if q.Max <= 0 {
		q.Max = defaultMax
	}
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	l := listing{ctx: ctx, q: q}
	switch {
	case q.Oldest:
		err = v.eachNear(q.Subscription, q.From, false, l.add)
	case q.Event != "":
		position, ok, err := eventPosition(v, v, q.Event)
		if err != nil || !ok {
			return nil, err
		}
		prefix := newKey(tableDelivery, 8).u64(position)
		err = v.eachDelivery(scan{prefix: prefix, reverse: true}, l.add)
		if err == nil && len(l.ds) < q.Max {
			err = v.eachChunkDelivery(position, l.add)
		}
		return l.ds, err
	case unhappy(q.State) && q.State != "":
		err = l.unhappy(v)
	case q.Subscription != "":
		err = v.eachNear(q.Subscription, q.Below, true, l.add)
	default:
		err = v.eachDelivery(belowScan(key{tableDelivery}, q.Below), l.add)
	}
	return l.ds, err
}

// listing gathers the deliveries of an answer.
type listing struct {
	ctx context.Context
	q   store.DeliveryQuery
	ds  []webhook.Delivery

	others int // of other subscriptions, that were looked at
}

// look reports whether a delivery may be looked at, whose or not.
func (l *listing) look(position uint64, own bool) bool {
	k := l.q.Looking
	if k == nil || l.q.Event != "" {
		return true
	}
	if k.Left <= 0 && k.At != 0 && position != k.At {
		k.Stopped = true
		return false
	}
	k.At = position
	if l.others++; own || l.others%16 == 0 {
		k.Left--
	}
	return true
}

// add adds a delivery if it is selected, and reports whether more are wanted.
// What can be told without decoding it is looked at before.
func (l *listing) add(s storedDelivery) (bool, error) {
	q := &l.q
	own := q.Subscription == "" || s.tag == tagOf(q.Subscription)
	switch {
	case l.ctx.Err() != nil:
		return false, l.ctx.Err()
	case q.Oldest && q.Below > 0 && s.position >= q.Below, !l.look(s.position, own):
		return false, nil
	case q.Below > 0 && s.position >= q.Below, q.State != "" && s.state != q.State,
		len(q.States) > 0 && !slices.Contains(q.States, s.state),
		!own:
		return true, nil
	}
	d, err := s.decode()
	if err != nil {
		return false, err
	}
	if q.Subscription == "" || d.Subscription == q.Subscription {
		l.ds = append(l.ds, *d)
	}
	return len(l.ds) < q.Max, nil
}

// unhappy goes through the index of an unhappy final state.
func (l *listing) unhappy(v *view) error {
	prefix := newKey(tableFailed, 1).byte(stateNumber(l.q.State))
	if l.q.Subscription != "" {
		prefix = newKey(tableFailedOf, 5).byte(stateNumber(l.q.State)).u32(tagOf(l.q.Subscription))
	}
	return v.each(belowScan(prefix, l.q.Below), func(k []byte, _ *badgerdb.Item) (bool, error) {
		p, ok := parsePlace(k[len(prefix):])
		if !ok {
			return false, errBroken("index of deliveries")
		}
		s, found, err := readDelivery(v, p)
		if err != nil || !found {
			return err == nil, err
		}
		return l.add(s)
	})
}

// belowScan goes backwards through what follows prefix with a place, from below
// a position; 0: from the last.
func belowScan(prefix key, below uint64) scan {
	sc := positionScan(prefix, below, true)
	if below > 0 {
		sc.from = append(sc.from, beyond[:9]...) // all of the position
	}
	return sc
}

// eachDelivery goes through a part of the table of deliveries. What f is given
// is valid until it returns.
func (v *view) eachDelivery(sc scan, f func(storedDelivery) (bool, error)) error {
	return v.each(sc, func(k []byte, item *badgerdb.Item) (more bool, err error) {
		p, ok := parsePlace(k[1:])
		if !ok {
			return false, errBroken("delivery")
		}
		err = item.Value(func(b []byte) error {
			s, err := parseDelivery(p, b)
			if err == nil {
				more, err = f(s)
			}
			return err
		})
		return more, err
	})
}

// blockBits is how many bits of a position tell positions of one block apart.
// The blocks that a subscription has deliveries in are listed, rather than each
// of its deliveries: a busy one has some in every block.
const blockBits = 8

// listBlock lists the block of a new delivery of sub. Memory knows the newest block,
// which is listed already.
func (t *tx) listBlock(sub subscription, position uint64) {
	block := position >> blockBits
	if t.s.queue.listed(sub, block) {
		return
	}
	t.putKey(keySubscription(sub, block))
	t.effect(func(q *queue) {
		if l := q.line(sub); block >= l.block {
			l.block, l.blockListed = block, true
		}
	})
}

func (q *queue) listed(sub subscription, block uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[sub]
	return l != nil && l.blockListed && l.block == block
}

// eachOf goes through the deliveries of sub: upwards from a position on, or, in
// reverse, downwards from below one (0: from the last). Some may be another's.
func (v *view) eachOf(sub subscription, from uint64, reverse bool, f func(storedDelivery) (bool, error)) error {
	tag := tagOf(sub)
	return v.eachNear(sub, from, reverse, func(s storedDelivery) (bool, error) {
		if s.tag != tag {
			return true, nil
		}
		return f(s)
	})
}

// eachNear is eachOf with those of others that stand near.
func (v *view) eachNear(sub subscription, from uint64, reverse bool, f func(storedDelivery) (bool, error)) error {
	prefix := newKey(tableSubscription, 10+len(sub)).sub(sub)
	blocks, first := scan{prefix: prefix, reverse: reverse}, from
	switch {
	case !reverse:
		blocks.from = keySubscription(sub, first>>blockBits)
	case from > 0:
		first--
		blocks.from = keySubscription(sub, first>>blockBits)
	}
	return v.each(blocks, func(k []byte, _ *badgerdb.Item) (bool, error) {
		if len(k) != len(prefix)+8 {
			return false, errBroken("index of deliveries")
		}
		block := binary.BigEndian.Uint64(k[len(prefix):])
		part := scan{prefix: blockPrefix(block), reverse: reverse}
		if from > 0 && block == first>>blockBits {
			part.from = newKey(tableDelivery, 17).u64(first)
			if reverse {
				part.from = append(part.from, beyond[:9]...)
			}
		}
		more := true
		err := v.eachDelivery(part, func(s storedDelivery) (bool, error) {
			var err error
			more, err = f(s)
			return more, err
		})
		return more, err
	})
}

// blockPrefix is what the keys of a block's deliveries begin with.
func blockPrefix(block uint64) key {
	return newKey(tableDelivery, 8).u64(block << blockBits)[:1+(64-blockBits)/8]
}

// touched notes that a delivery of sub is forgotten: its block may be empty.
func (t *tx) touched(sub subscription, position uint64) {
	if t.blocks == nil {
		t.blocks = map[uint64]map[subscription]bool{}
	}
	block := position >> blockBits
	if t.blocks[block] == nil {
		t.blocks[block] = map[subscription]bool{}
	}
	t.blocks[block][sub] = true
}

// unlistBlocks takes blocks off the lists of subscriptions that have no deliveries in
// them any more. The member is alone in its group.
func (t *tx) unlistBlocks() error {
	for block, subs := range t.blocks {
		left := map[uint32]bool{}
		err := t.view.eachDelivery(scan{prefix: blockPrefix(block)}, func(s storedDelivery) (bool, error) {
			if v, ok := t.written(string(keyDelivery(s.place))); !ok || v.found() {
				left[s.tag] = true
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		for sub := range subs {
			if left[tagOf(sub)] {
				continue
			}
			t.delete(keySubscription(sub, block))
			t.effect(func(q *queue) {
				if l := q.line(sub); l.block == block {
					l.blockListed = false
				}
			})
		}
	}
	return nil
}
