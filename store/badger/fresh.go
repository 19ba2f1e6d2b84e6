package badger

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// A fresh delivery is pending, has not been attempted, and stands in no queue on
// disk: memory knows its place, and a start finds it by going through the newest
// deliveries. Most are delivered while they are fresh, and so are written twice
// in all: when they are recorded, and when they are settled.
//
// All that its lane is owed is fresh as well, and it is not held. What does not
// stay so is queued: when an attempt has failed, when one comes into its lane
// that is not fresh, when the boundary moves, and when there are too many.

// Bounds of what is fresh: in deliveries, and in deliveries that were recorded
// after the oldest, which is about what a start goes through.
const (
	maxFresh = 16 << 10
	maxSpan  = 128 << 10

	// keptDecoded is up to how many fresh ones all are kept decoded.
	keptDecoded = 1024

	// freshStep is how many events are recorded between two notes of where a
	// start begins.
	freshStep = 4096
)

// bounds are those of what is fresh; tests lower them.
type bounds struct{ most, span, step uint64 }

// fresh is what memory knows of the fresh deliveries.
type fresh struct {
	items map[place]*item
	order []born // as they were recorded: by place. Some are fresh no more
	count uint64 // of all that were ever put into order
	kept  uint64 // where a start begins, as the disk says
	bounds
}

type born struct {
	place
	at uint64 // fresh.count then
}

// freshChange is a fresh delivery that a group adds, or that is fresh no more.
type freshChange struct {
	queuePlace
	sub  subscription
	lane string
	gone bool
}

// enqueueRecent is enqueue for a delivery of an event that is just recorded. It
// is fresh unless something stands before it on disk.
func (t *tx) enqueueRecent(d *webhook.Delivery) error {
	p := placeOf(d)
	if p.position <= t.s.queue.hold(d.Subscription).boundary {
		return t.enqueue(d)
	}
	if d.Lane != "" && t.mayBeQueued(d.Subscription) {
		section := t.s.queue.hold(d.Subscription).open
		_, found, err := t.head(d.Subscription, section, d.Lane)
		if err != nil {
			return err
		}
		if found {
			return t.enqueue(d)
		}
	}
	t.mine.pending[d.Subscription]++
	t.mine.fresh[p.place] = freshChange{queuePlace: p, sub: d.Subscription, lane: d.Lane}
	t.mine.freshN++
	kept := *d
	t.effect(func(q *queue) { q.addFresh(p, &kept) })
	return nil
}

// mayBeQueued reports whether a delivery of sub may be in the queue on disk.
func (t *tx) mayBeQueued(sub subscription) bool {
	return t.mine.queued[sub] || t.group.queued[sub] || t.s.queue.anyQueued(sub)
}

func (q *queue) anyQueued(sub subscription) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[sub]
	return l != nil && l.pending != l.freshN
}

// isFresh sees what the group changes.
func (t *tx) isFresh(p place) bool {
	if c, ok := t.mine.fresh[p]; ok {
		return !c.gone
	}
	if c, ok := t.group.fresh[p]; ok {
		return !c.gone
	}
	q := t.s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.fresh.items[p] != nil
}

func (t *tx) dropFresh(p place) {
	t.mine.fresh[p] = freshChange{gone: true}
	t.mine.freshN--
	t.effect(func(q *queue) { q.dropFresh(p) })
}

// freshOf returns the fresh deliveries of sub, by place; in a lane, if it is not
// "".
func (t *tx) freshOf(sub subscription, lane string) []freshChange {
	all := t.s.queue.freshOf(sub, lane)
	all = slices.DeleteFunc(all, func(c freshChange) bool { return !t.isFresh(c.place) })
	for _, l := range []*layer{&t.group, &t.mine} {
		for p, c := range l.fresh {
			if !c.gone && c.sub == sub && (lane == "" || c.lane == lane) && t.isFresh(p) {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(a, b freshChange) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.tail, b.tail))
	})
	return all
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

// queueFresh queues the fresh delivery at was.place, which goes to p, and with
// it all of its lane.
func (t *tx) queueFresh(sub subscription, lane string, was place, p queuePlace) error {
	if lane == "" {
		t.dropFresh(was)
		return t.queueUp(sub, lane, p)
	}
	return t.queueLane(sub, lane, was, p)
}

// queueLane queues all that is fresh of a lane; what is at was.place goes to p.
func (t *tx) queueLane(sub subscription, lane string, was place, p queuePlace) error {
	for _, c := range t.freshOf(sub, lane) {
		t.dropFresh(c.place)
		to := c.queuePlace
		if c.place == was {
			to = p
		}
		if err := t.queueUp(sub, lane, to); err != nil {
			return err
		}
	}
	return nil
}

// ageFresh queues the oldest of what is fresh while that is too much, up to n
// of them with their lanes.
func (t *tx) ageFresh(n int) error {
	for range n {
		c, ok := t.s.queue.aged(t.group.freshN+t.mine.freshN, t.isGone)
		if !ok {
			return nil
		}
		if err := t.queueFresh(c.sub, c.lane, c.place, c.queuePlace); err != nil {
			return err
		}
	}
	return nil
}

// isGone reports whether the group has made p fresh no more.
func (t *tx) isGone(p place) bool {
	c, ok := t.mine.fresh[p]
	if !ok {
		c = t.group.fresh[p]
	}
	return c.gone
}

// aged returns the oldest fresh delivery but those that are gone, if there are
// too many, of which the group has more than memory; or if it is too old.
func (q *queue) aged(more int, gone func(place) bool) (c freshChange, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &q.fresh
	f.trim()
	over := len(f.items)+more > int(f.most)
	for i := range f.order {
		b := &f.order[i]
		if !over && f.count-b.at < f.span {
			return c, false
		}
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

// putFresh notes, now and then, where a start begins to look for what is fresh.
func (t *tx) putFresh() {
	low, ok := t.s.queue.lowestFresh(t.s.position.Load())
	if !ok {
		return
	}
	t.put(keyFresh(), binary.BigEndian.AppendUint64(nil, low))
	t.effect(func(q *queue) { q.fresh.kept = low })
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
	q.stirred = true
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
		if s.state.Final() {
			return true, nil
		}
		d, err := s.decode()
		if err != nil {
			return false, err
		}
		queued, err := q.queued(v, s.queuePlace, d)
		if err == nil && !queued {
			q.addFresh(s.queuePlace, d)
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
