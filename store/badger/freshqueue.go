package badger

import (
	"encoding/binary"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// This is what memory does about fresh deliveries: see fresh.go. The lock of the
// queue is held, or taken.

// aged returns the oldest fresh delivery but those that are gone, if there are
// too many, of which the group has more than memory; or if it is too old.
func (q *queue) aged(more int, from *uint64, gone func(place) bool) (c freshChange, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &q.fresh
	f.trim()
	over := len(f.items)+more > int(f.most)
	i := 0
	if len(f.order) > 0 && *from > f.order[0].at {
		i = min(len(f.order), int(*from-f.order[0].at))
	}
	for ; i < len(f.order); i++ {
		b := &f.order[i]
		if !over && f.count-b.at < f.span {
			return c, false
		}
		*from = b.at + 1
		if it := f.items[b.place]; it != nil && !gone(b.place) {
			return freshChange{queuePlace: it.queuePlace, sub: it.line.id, lane: it.lane}, true
		}
	}
	return c, false
}

// trim takes from the front of the order what is fresh no more.
func (f *fresh) trim() {
	for len(f.order) > 0 && f.items[f.order[0].place] == nil {
		f.order = f.order[1:]
	}
}

// lowestFresh returns the lowest position of a fresh delivery, now and after
// any commit to come, if that is to be noted.
func (q *queue) lowestFresh(newest uint64) (low uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fresh.trim()
	low = newest + 1
	if len(q.fresh.order) > 0 {
		low = q.fresh.order[0].position
	}
	return low, low >= q.fresh.kept+q.fresh.step
}

// addFresh follows a new fresh delivery. d may be nil.
func (q *queue) addFresh(p queuePlace, d *webhook.Delivery) {
	l, f := q.line(d.Subscription), &q.fresh
	l.lowest = min(l.lowest, p.position)
	it := q.out[p.tail] // given out before a reopening
	if it == nil {
		it = &item{queuePlace: p, line: l, lane: d.Lane}
	}
	it.queuePlace, it.fresh, it.behind = p, true, false
	if len(f.items) < keptDecoded && it.delivery == nil {
		it.delivery = d
	}
	f.items[p.place] = it
	f.order = append(f.order, born{p.place, f.count})
	f.count++
	l.freshN++
	if it.lane != "" {
		l.lanes[it.lane] = append(l.lanes[it.lane], it)
	}
	q.showFresh(it)
}

// showFresh shows it if it is the first of its lane, and not given out.
func (q *queue) showFresh(it *item) {
	if it.lane != "" && it.line.lanes[it.lane][0] != it || q.out[it.tail] == it {
		return
	}
	q.stirred[it.line.id] = true
	it.line.fresh[it.priority].add(it)
}

// dropFresh follows a delivery that is fresh no more.
func (q *queue) dropFresh(p place) {
	it := q.fresh.items[p]
	if it == nil {
		return
	}
	l := it.line
	delete(q.fresh.items, p)
	it.fresh, it.behind = false, true // until it is shown as queued
	l.freshN--
	l.fresh[it.priority].remove(it.queuePlace)
	if it.lane == "" {
		return
	}
	rest := l.lanes[it.lane]
	i := slices.Index(rest, it)
	if rest = slices.Delete(rest, i, i+1); len(rest) == 0 {
		delete(l.lanes, it.lane)
		return
	}
	l.lanes[it.lane] = rest
	if i == 0 {
		q.showFresh(rest[0])
	}
}

// loadFresh finds what is fresh among the newest deliveries.
func (q *queue) loadFresh(v *view) error {
	at, err := v.get(keyFresh())
	if err != nil {
		return err
	}
	q.fresh = fresh{items: map[place]*item{}, bounds: q.fresh.bounds}
	if len(at.bytes) == 8 {
		q.fresh.kept = binary.BigEndian.Uint64(at.bytes)
	}
	prefix := key{tableDelivery}
	from := newKey(tableDelivery, 8).u64(q.fresh.kept)
	return v.eachDelivery(scan{prefix: prefix, from: from}, func(s storedDelivery) (bool, error) {
		if s.state.Final() || s.queued {
			q.fresh.count++
			return true, nil
		}
		d, err := s.decode()
		if err != nil {
			return false, err
		}
		queued, err := q.queued(v, s.queuePlace, d)
		if err == nil && !queued {
			q.addFresh(s.queuePlace, d)
		} else {
			q.fresh.count++
		}
		return true, err
	})
}

// queued reports whether a pending delivery is in the queue on disk.
func (q *queue) queued(v *view, p queuePlace, d *webhook.Delivery) (bool, error) {
	section := q.line(d.Subscription).hold.section(p.position)
	found, err := v.get(keySection(d.Subscription, section).queued(p))
	if err != nil || found.found() || d.Lane == "" {
		return found.found(), err
	}
	found, err = v.get(keyFollowers(d.Subscription, d.Lane).delivery(p.place))
	return found.found(), err
}

func (q *queue) anyQueued(sub subscription) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[sub]
	return l != nil && l.pending != l.freshN
}

func (q *queue) freshOf(sub subscription, lane string) (all []freshChange) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[sub]
	if l == nil {
		return nil
	}
	if lane != "" {
		for _, it := range l.lanes[lane] {
			all = append(all, freshChange{queuePlace: it.queuePlace, sub: sub, lane: lane})
		}
		return all
	}
	for _, it := range q.fresh.items {
		if it.line == l {
			all = append(all, freshChange{queuePlace: it.queuePlace, sub: sub, lane: it.lane})
		}
	}
	return all
}
