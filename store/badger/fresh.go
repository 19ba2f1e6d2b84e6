package badger

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// A fresh delivery is pending, has not been attempted, and stands in no queue on
// disk: memory knows its place, and a start finds it by going through the newest
// deliveries. Of those that were queued at once, or written again since, their
// records say that they are in the queue. Most are delivered while they are fresh, and so are written twice
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
	count uint64 // of all deliveries recorded, fresh or not
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

// enqueueNew is enqueue for a delivery that is just recorded, and reports whether
// it is in the queue on disk: it is fresh if its event is recorded with it and
// nothing stands before it on disk.
func (t *tx) enqueueNew(d *webhook.Delivery, recent bool) (queued bool, err error) {
	p := placeOf(d)
	if !recent || p.position < t.mine.recent || p.position <= t.s.queue.hold(d.Subscription).boundary {
		return true, t.enqueue(d)
	}
	t.mine.recent = p.position
	if d.Lane != "" && t.mayBeQueued(d.Subscription) {
		section := t.s.queue.hold(d.Subscription).open
		_, found, err := t.head(d.Subscription, section, d.Lane)
		if err != nil {
			return false, err
		}
		if found {
			return true, t.enqueue(d)
		}
	}
	t.mine.pending[d.Subscription]++
	t.mine.fresh[p.place] = freshChange{queuePlace: p, sub: d.Subscription, lane: d.Lane}
	t.mine.freshN++
	if d.Lane != "" {
		k := laneOf{d.Subscription, d.Lane}
		t.mine.inLane[k] = append(t.mine.inLane[k], p.place)
	}
	kept := *d
	t.effect(func(q *queue) { q.addFresh(p, &kept) })
	return false, nil
}

// mayBeQueued reports whether a delivery of sub may be in the queue on disk.
func (t *tx) mayBeQueued(sub subscription) bool {
	return t.mine.queued[sub] || t.group.queued[sub] || t.s.queue.anyQueued(sub)
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
		if lane != "" {
			for _, p := range l.inLane[laneOf{sub, lane}] {
				if c := l.fresh[p]; !c.gone && t.isFresh(p) {
					all = append(all, c)
				}
			}
			continue
		}
		for p, c := range l.fresh {
			if !c.gone && c.sub == sub && t.isFresh(p) {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(a, b freshChange) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.tail, b.tail))
	})
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
		c, ok := t.s.queue.aged(t.group.freshN+t.mine.freshN, &t.mine.aged, t.isGone)
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

// putFresh notes, now and then, where a start begins to look for what is fresh.
func (t *tx) putFresh() {
	low, ok := t.s.queue.lowestFresh(t.s.position.Load())
	if !ok {
		return
	}
	t.put(keyFresh(), binary.BigEndian.AppendUint64(nil, low))
	t.effect(func(q *queue) { q.fresh.kept = low })
}
