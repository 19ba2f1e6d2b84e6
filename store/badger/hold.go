package badger

import (
	"context"
	"encoding/binary"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// A subscription's queue has two sections, so that finding what is due never
// walks over what is held: the open one, and one for positions up to a
// boundary. The boundary follows the `through` of Claim, which changes when a
// subscription is resumed or released. The usual changes swap the sections;
// what stands on the wrong side then is moved, head by head.

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
	heads := [2][]shownHead{}
	for section := range heads {
		var err error
		if heads[section], err = t.section(sub, byte(section)); err != nil {
			return err
		}
	}
	lanes := map[string]bool{}
	for section, list := range heads {
		for _, h := range list {
			t.hide(sub, byte(section), h.queuePlace)
			if h.lane != "" {
				t.follow(sub, h.lane, h.queuePlace)
				t.delete(keyLane(sub, byte(section), h.lane))
				lanes[h.lane] = true
			}
		}
	}
	loose := t.dropAllFresh(sub, lanes)
	next := hold{boundary: through, open: old.open}
	t.put(keyHold(sub), append(binary.BigEndian.AppendUint64(nil, through), next.open))
	t.effect(func(q *queue) { q.divide(sub, next) })
	for _, list := range append(heads[:], loose) {
		for _, h := range list {
			if h.lane == "" {
				t.show(sub, next.section(h.position), "", h.queuePlace)
			}
		}
	}
	for lane := range lanes {
		if err := t.headLane(sub, lane, next); err != nil {
			return err
		}
	}
	return nil
}

// dropAllFresh makes what is fresh of sub followers of lanes, which it adds to
// lanes, and returns what has no lane.
func (t *tx) dropAllFresh(sub subscription, lanes map[string]bool) (loose []shownHead) {
	for _, c := range t.freshOf(sub, "") {
		t.mine.queued[sub] = true
		t.dropFresh(c.place)
		if c.lane == "" {
			loose = append(loose, shownHead{queuePlace: c.queuePlace})
			continue
		}
		t.follow(sub, c.lane, c.queuePlace)
		lanes[c.lane] = true
	}
	return loose
}

// headLane makes the first followers of a lane, below and above the boundary,
// its heads.
func (t *tx) headLane(sub subscription, lane string, h hold) error {
	behind := place{}
	for _, section := range []byte{1 - h.open, h.open} {
		p, found, err := t.follower(sub, lane, behind, h.limit(section))
		if err != nil {
			return err
		}
		if found {
			t.delete(keyFollowers(sub, lane).delivery(p.place))
			t.show(sub, section, lane, p)
			t.putHead(sub, section, lane, head{p, h.limit(section)})
		}
		behind = place{position: h.boundary + 1}
	}
	return nil
}

// section returns the heads of a section.
func (t *tx) section(sub subscription, section byte) ([]shownHead, error) {
	prefix := keySection(sub, section)
	var heads []shownHead
	err := t.view.each(scan{prefix: prefix}, func(k []byte, item *badgerdb.Item) (bool, error) {
		p, ok := parseQueued(k[len(prefix):])
		if !ok {
			return false, errBroken("queue")
		}
		lane, err := item.ValueCopy(nil)
		heads = append(heads, shownHead{p, string(lane)})
		return true, err
	})
	return heads, err
}

// divide follows a boundary: the windows show the open section from now on.
func (q *queue) divide(sub subscription, h hold) {
	l := q.line(sub)
	l.hold = h
	for p := range l.windows {
		w := &l.windows[p]
		q.shownN -= len(w.items)
		*w = window{whole: true} // what is shown follows
	}
}
