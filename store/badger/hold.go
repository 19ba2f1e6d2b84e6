package badger

import (
	"context"
	"encoding/binary"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// A subscription's queue has two sections, so that finding what is due never
// walks over what is held: the open one, and one for positions up to a
// boundary. The boundary follows the `through` of Claim, which changes when a
// subscription is resumed or released. As a rule one section is empty then, or
// holds little: that is put to the other, and what they are for is swapped. So
// neither costs more because a million deliveries are held.

// holdThrough moves the boundary of sub.
func (s *Store) holdThrough(ctx context.Context, sub subscription, through uint64) error {
	return s.hand(ctx, &member{alone: true, work: func(t *tx) error { return t.holdThrough(sub, through) }})
}

// shownHead is a line of the queue table.
type shownHead struct {
	queuePlace
	lane string
}

func (t *tx) holdThrough(sub subscription, through uint64) error {
	old := t.s.queue.hold(sub)
	if old.boundary == through {
		return nil
	}
	all, err := t.join(sub, old.open)
	if err != nil {
		return err
	}
	for _, c := range t.freshOf(sub, "") {
		t.dropFresh(c.place)
		if err := t.queueIn(sub, all, c.lane, c.queuePlace); err != nil {
			return err
		}
	}
	next := hold{boundary: through, open: all}
	if through > 0 {
		next.open = 1 - all
		if err := t.lift(sub, next); err != nil {
			return err
		}
	}
	t.put(keyHold(sub), append(binary.BigEndian.AppendUint64(nil, through), next.open))
	t.effect(func(q *queue) { q.divide(sub, next) })
	return nil
}

// joinFirst is how many heads of each section are looked at first to find out
// which one has less.
const joinFirst = 256

// join puts all of the section that has less to the other, which it returns.
func (t *tx) join(sub subscription, open byte) (all byte, err error) {
	for most := joinFirst; ; most *= 4 {
		from := open
		heads, err := t.section(sub, open, most)
		if err != nil {
			return 0, err
		}
		others, err := t.section(sub, 1-open, most)
		if err != nil {
			return 0, err
		}
		if len(others) < len(heads) {
			from, heads = 1-open, others
		}
		if len(heads) == most {
			continue
		}
		for _, h := range heads {
			if err := t.moveHead(sub, from, h); err != nil {
				return 0, err
			}
		}
		return 1 - from, nil
	}
}

// moveHead puts a head to the other section. Where its lane has one there, the
// younger of both becomes a follower.
func (t *tx) moveHead(sub subscription, from byte, moved shownHead) error {
	t.hide(sub, from, moved.queuePlace)
	if moved.lane == "" {
		t.show(sub, 1-from, "", moved.queuePlace)
		return nil
	}
	h, _, err := t.head(sub, from, moved.lane)
	if err != nil {
		return err
	}
	t.delete(keyLane(sub, from, moved.lane))
	there, found, err := t.head(sub, 1-from, moved.lane)
	if err != nil {
		return err
	}
	if !found {
		t.show(sub, 1-from, moved.lane, h.queuePlace)
		t.putHead(sub, 1-from, moved.lane, h)
		return nil
	}
	first, second := there, h
	if h.place.before(there.place) {
		first, second = h, there
		t.hide(sub, 1-from, there.queuePlace)
		t.show(sub, 1-from, moved.lane, h.queuePlace)
	}
	t.follow(sub, moved.lane, second.queuePlace)
	first.last = max(first.last, second.last, second.position, first.position+1)
	t.putHead(sub, 1-from, moved.lane, first)
	return nil
}

// lift makes those beyond the boundary claimable, when all is in the section of
// what is held. They are few: what was recorded since the boundary was chosen.
func (t *tx) lift(sub subscription, next hold) error {
	tag := tagOf(sub)
	part := scan{prefix: key{tableDelivery}, from: newKey(tableDelivery, 8).u64(next.boundary + 1)}
	return t.view.eachDelivery(part, func(s storedDelivery) (bool, error) {
		if s.tag != tag || s.state.Final() {
			return true, nil
		}
		d, err := s.decode()
		if err != nil || d.Subscription != sub {
			return true, err
		}
		return true, t.liftOne(sub, d.Lane, s.queuePlace, next.open)
	})
}

func (t *tx) liftOne(sub subscription, lane string, p queuePlace, open byte) error {
	if lane == "" {
		t.hide(sub, 1-open, p)
		t.show(sub, open, "", p)
		return nil
	}
	_, found, err := t.head(sub, open, lane)
	if err != nil || found {
		return err // it follows that one
	}
	h, _, err := t.head(sub, 1-open, lane)
	if err != nil {
		return err
	}
	if h.place == p.place {
		t.hide(sub, 1-open, h.queuePlace)
		t.delete(keyLane(sub, 1-open, lane))
	} else {
		t.delete(keyFollowers(sub, lane).delivery(p.place))
	}
	t.show(sub, open, lane, p)
	t.putHead(sub, open, lane, head{p, h.last})
	return nil
}

// section returns up to most heads of a section.
func (t *tx) section(sub subscription, section byte, most int) ([]shownHead, error) {
	prefix := keySection(sub, section)
	var heads []shownHead
	err := t.view.each(scan{prefix: prefix}, func(k []byte, item *badgerdb.Item) (bool, error) {
		p, ok := parseQueued(k[len(prefix):])
		if !ok {
			return false, errBroken("queue")
		}
		lane, err := item.ValueCopy(nil)
		heads = append(heads, shownHead{p, string(lane)})
		return len(heads) < most, err
	})
	return heads, err
}

// divide follows a boundary: the windows show the open section from now on, once
// they are asked for it.
func (q *queue) divide(sub subscription, h hold) {
	l := q.line(sub)
	l.hold = h
	for p := range l.windows {
		w := &l.windows[p]
		q.shownN -= len(w.items)
		*w = window{}
	}
}
