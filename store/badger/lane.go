package badger

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// head is the record of a lane: its first delivery. Only that stands in the
// queue table; the others are followers.
type head struct {
	queuePlace
	last uint64 // no follower has a higher position; 0: there is none
}

func (h head) encode() []byte {
	buf := make([]byte, 0, 33)
	buf = append(buf, byte(h.priority))
	buf = binary.BigEndian.AppendUint64(buf, h.due)
	buf = binary.BigEndian.AppendUint64(buf, h.last)
	return key(buf).delivery(h.place)
}

func parseLane(b []byte) (head, error) {
	if len(b) != 33 {
		return head{}, errBroken("lane")
	}
	p, _ := parsePlace(b[17:])
	return head{
		queuePlace{p, webhook.Priority(b[0]), binary.BigEndian.Uint64(b[1:])},
		binary.BigEndian.Uint64(b[9:]),
	}, nil
}

func (t *tx) head(sub subscription, section byte, lane string) (h head, found bool, err error) {
	v, err := t.get(keyLane(sub, section, lane))
	if err != nil || !v.found() {
		return head{}, false, err
	}
	h, err = parseLane(v.bytes)
	return h, true, err
}

func (t *tx) putHead(sub subscription, section byte, lane string, h head) {
	t.put(keyLane(sub, section, lane), h.encode())
}

// enqueue puts d, which is owed, where it belongs in its subscription's queue.
func (t *tx) enqueue(d *webhook.Delivery) error {
	t.mine.pending[d.Subscription]++
	p := placeOf(d)
	if d.Lane != "" && p.position > t.s.queue.hold(d.Subscription).boundary {
		if err := t.queueLane(d.Subscription, d.Lane, place{}, p); err != nil {
			return err
		}
	}
	return t.queueUp(d.Subscription, d.Lane, p)
}

// queueUp puts a delivery into its subscription's queue on disk. Nothing of its
// lane is fresh.
func (t *tx) queueUp(sub subscription, lane string, p queuePlace) error {
	return t.queueIn(sub, t.s.queue.hold(sub).section(p.position), lane, p)
}

// queueIn puts a delivery into a section of its subscription's queue on disk.
func (t *tx) queueIn(sub subscription, section byte, lane string, p queuePlace) error {
	t.mine.queued[sub] = true
	if lane == "" {
		t.show(sub, section, "", p)
		return nil
	}
	h, found, err := t.head(sub, section, lane)
	switch {
	case err != nil:
		return err
	case !found:
		h = head{queuePlace: p}
		t.show(sub, section, lane, p)
	case p.place.before(h.place):
		t.hide(sub, section, h.queuePlace)
		t.follow(sub, lane, h.queuePlace)
		h = head{p, max(h.last, h.position)}
		t.show(sub, section, lane, p)
	default:
		t.follow(sub, lane, p)
		h.last = max(h.last, p.position)
	}
	if h.last == h.position {
		h.last++ // a follower of the same position
	}
	t.putHead(sub, section, lane, h)
	return nil
}

// dequeue takes a delivery out of the queue for good; its lane's next one
// becomes due.
func (t *tx) dequeue(sub subscription, lane string, p queuePlace) error {
	t.mine.pending[sub]--
	if t.isFresh(p.place) {
		t.dropFresh(p.place)
		return nil
	}
	section, h, err := t.find(sub, lane, p)
	if err != nil {
		return err
	}
	switch {
	case lane != "" && h.place != p.place:
		t.delete(keyFollowers(sub, lane).delivery(p.place))
		return nil
	case lane == "":
		t.hide(sub, section, p)
		return nil
	}
	t.hide(sub, section, h.queuePlace)
	return t.promote(sub, section, lane, h)
}

// promote puts the follower after h, which is gone, at the head.
func (t *tx) promote(sub subscription, section byte, lane string, h head) error {
	if h.last > h.position {
		next, found, err := t.follower(sub, lane, h.place, t.s.queue.hold(sub).limit(section))
		if err != nil {
			return err
		}
		if found {
			t.delete(keyFollowers(sub, lane).delivery(next.place))
			t.show(sub, section, lane, next)
			t.putHead(sub, section, lane, head{next, h.last})
			return nil
		}
	}
	t.delete(keyLane(sub, section, lane))
	return nil
}

// requeue moves a delivery that stays owed to its new time and priority.
func (t *tx) requeue(sub subscription, lane string, was, p queuePlace) error {
	if t.isFresh(was.place) {
		return t.queueFresh(sub, lane, was.place, p)
	}
	section, h, err := t.find(sub, lane, was)
	if err != nil {
		return err
	}
	if lane != "" && h.place != was.place {
		t.follow(sub, lane, p)
		return nil
	}
	if lane != "" {
		was = h.queuePlace
		t.putHead(sub, section, lane, head{p, h.last})
	}
	t.hide(sub, section, was)
	t.show(sub, section, lane, p)
	return nil
}

// find returns the section that p stands in, and its lane's head there.
func (t *tx) find(sub subscription, lane string, p queuePlace) (section byte, h head, err error) {
	section = t.s.queue.hold(sub).section(p.position)
	if lane != "" {
		h, _, err = t.head(sub, section, lane)
	}
	return section, h, err
}

// follower returns the first follower behind `behind`, up to position limit.
func (t *tx) follower(sub subscription, lane string, behind place, limit uint64) (p queuePlace, found bool, err error) {
	prefix := keyFollowers(sub, lane)
	from := append(slices.Clone(prefix).delivery(behind), 0)
	k, err := t.firstFollower(prefix, from)
	if err != nil || k == "" {
		return p, false, err
	}
	v, err := t.get(key(k))
	if err != nil {
		return p, false, err
	}
	at, ok := parsePlace([]byte(k[len(prefix):]))
	if !ok || len(v.bytes) != 9 {
		return p, false, errBroken("lane")
	}
	if at.position > limit {
		return p, false, nil
	}
	return queuePlace{at, webhook.Priority(v.bytes[0]), binary.BigEndian.Uint64(v.bytes[1:])}, true, nil
}

func (t *tx) follow(sub subscription, lane string, p queuePlace) {
	prefix := keyFollowers(sub, lane)
	k := slices.Clone(prefix).delivery(p.place)
	t.put(k, binary.BigEndian.AppendUint64([]byte{byte(p.priority)}, p.due))
	t.followers[string(prefix)] = append(t.followers[string(prefix)], string(k))
}

// show puts a delivery that may be given out into the queue table.
func (t *tx) show(sub subscription, section byte, lane string, p queuePlace) {
	t.put(keySection(sub, section).queued(p), []byte(lane))
	t.effect(func(q *queue) { q.shown(sub, section, lane, p) })
}

func (t *tx) hide(sub subscription, section byte, p queuePlace) {
	t.delete(keySection(sub, section).queued(p))
	t.effect(func(q *queue) { q.hidden(sub, p) })
}

// hold divides a subscription's queue: positions up to boundary are held.
type hold struct {
	boundary uint64
	open     byte // the section that claims see: 0 or 1
}

func (h hold) section(position uint64) byte {
	if position <= h.boundary {
		return 1 - h.open
	}
	return h.open
}

// limit is the highest position of a section.
func (h hold) limit(section byte) uint64 {
	if section != h.open {
		return h.boundary
	}
	return math.MaxUint64
}
