package badger

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/webhook"
)

// queue is what memory knows of the deliveries that are owed: a window on the
// first ones of each subscription, and which ones are given out. The committer
// changes it after each commit, in order.
type queue struct {
	s       *Store
	waiting chan map[subscription]bool

	mu      sync.Mutex
	lines   map[subscription]*line
	out     map[uint64]*item // by the tail of its id
	fresh   fresh
	shownN  int                   // items in all windows
	stirred map[subscription]bool // of which something may have become due; nobody is told yet
	rests   map[uint64]bool       // positions of events whose deliveries are not all queued
	floor   uint64                // the lowest of them; 0: none
}

// effect is what a commit means to the queue; it runs with the lock held.
type effect = func(*queue)

// line is one subscription's queue.
type line struct {
	id      subscription
	pending uint64
	hold    hold
	windows [webhook.Replaying + 1]window // of what is queued
	fresh   [webhook.Replaying + 1]window // of what is fresh; whole
	freshN  uint64
	lanes   map[string][]*item // what is fresh, by place
	busy    map[string]bool    // lanes of which a delivery is given out
	lowest  uint64             // no delivery of a lower position is owed
	claimed time.Time          // when it was last asked

	block       uint64 // the newest that has deliveries of it
	blockListed bool   // block is known, and listed
}

// item is the head of a lane, or a delivery without one.
type item struct {
	queuePlace
	line     *line
	lane     string
	delivery *webhook.Delivery // nil until it is first given out
	fresh    bool
	behind   bool // given out, and meanwhile no longer the head of its lane
}

func newQueue(s *Store) *queue {
	return &queue{
		s: s, waiting: make(chan map[subscription]bool, 1), stirred: map[subscription]bool{},
		lines: map[subscription]*line{}, out: map[uint64]*item{}, rests: map[uint64]bool{},
		fresh: fresh{items: map[place]*item{}, bounds: bounds{maxFresh, maxSpan, freshStep}},
	}
}

// line returns the queue of sub, which it makes if need be.
func (q *queue) line(sub subscription) *line {
	l := q.lines[sub]
	if l == nil {
		l = &line{id: sub, busy: map[string]bool{}, lanes: map[string][]*item{}}
		for p := range l.windows {
			l.windows[p].whole, l.fresh[p].whole = true, true // until it turns out otherwise
		}
		q.lines[sub] = l
	}
	return l
}

// forget drops the queue of a subscription that is gone, if nothing is in it.
func (q *queue) forget(sub subscription) {
	l := q.lines[sub]
	if l == nil || l.pending > 0 {
		return
	}
	for _, it := range q.out {
		if it.line == l {
			return // it comes back
		}
	}
	q.shownN -= l.shown()
	delete(q.lines, sub)
}

// apply runs what a commit means to the queue.
func (q *queue) apply(pending map[subscription]int, effects []effect) {
	if len(effects) == 0 && len(pending) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for sub, n := range pending {
		q.line(sub).pending += uint64(n)
	}
	for _, e := range effects {
		e(q)
	}
	q.signal()
}

// signal tells who waits of whom something may have become due, beside those of
// whom nobody has heard yet.
func (q *queue) signal() {
	if len(q.stirred) == 0 {
		return
	}
	select {
	case told := <-q.waiting:
		maps.Copy(told, q.stirred)
		q.waiting <- told
		clear(q.stirred)
	default:
		q.waiting <- q.stirred
		q.stirred = map[subscription]bool{}
	}
}

func (q *queue) pending(sub subscription) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[sub]; l != nil {
		return l.pending
	}
	return 0
}

func (q *queue) hold(sub subscription) hold {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[sub]; l != nil {
		return l.hold
	}
	return hold{}
}

// shown follows a key into the queue table.
func (q *queue) shown(sub subscription, section byte, lane string, p queuePlace) {
	l := q.line(sub)
	l.lowest = min(l.lowest, p.position)
	if it := q.out[p.tail]; it != nil {
		it.queuePlace, it.behind = p, false
		return
	}
	if section == l.hold.open {
		q.stirred[sub] = true
		q.insert(&item{queuePlace: p, line: l, lane: lane})
	}
}

// hidden follows a key out of the queue table.
func (q *queue) hidden(sub subscription, p queuePlace) {
	if it := q.out[p.tail]; it != nil {
		it.behind = true
	}
	if l := q.lines[sub]; l != nil && l.windows[p.priority].remove(p) {
		q.shownN--
	}
}

// back takes back a delivery that was given out.
func (q *queue) back(tail uint64) {
	if it := q.out[tail]; it != nil {
		q.stirred[it.line.id] = true
		delete(q.out, tail)
		if it.lane != "" {
			delete(it.line.busy, it.lane)
		}
	}
}

// insert adds an item to its window, unless it stands behind what the window
// shows. Over the bounds, the last ones go: they are on disk.
func (q *queue) insert(it *item) {
	w := &it.line.windows[it.priority]
	if !w.insert(it) {
		return
	}
	q.shownN++
	for len(w.items) > maxWindow {
		w.cut()
		q.shownN--
	}
	if q.shownN > maxShown {
		q.shrink()
	}
}

// shrink empties the windows of the subscriptions that were asked least lately, as
// those that are paused are never asked: enough of them that it is not done for each
// item, since there may be many subscriptions.
func (q *queue) shrink() {
	var lines []*line
	for _, l := range q.lines {
		if l.shown() > 0 {
			lines = append(lines, l)
		}
	}
	slices.SortFunc(lines, func(a, b *line) int { return a.claimed.Compare(b.claimed) })
	for _, l := range lines {
		if q.shownN <= maxShown-maxShown/4 {
			return
		}
		q.shownN -= l.shown()
		for p := range l.windows {
			l.windows[p].empty()
		}
	}
}

func (l *line) shown() (n int) {
	for p := range l.windows {
		n += len(l.windows[p].items)
	}
	return n
}

// refill shows up to n more items of a window, from the disk. What it misses
// of a commit that is under way, the commit's effects bring.
func (q *queue) refill(v *view, l *line, p webhook.Priority, n int) error {
	w := &l.windows[p]
	prefix := keySection(l.id, l.hold.open).byte(byte(p))
	from := prefix
	if w.upTo != (queuePlace{}) {
		from = append(keySection(l.id, l.hold.open).queued(w.upTo), 0)
	}
	w.whole = true
	err := v.each(scan{prefix: prefix, from: from}, func(k []byte, it *badgerdb.Item) (bool, error) {
		if n == 0 {
			w.whole = false
			return false, nil
		}
		at, ok := parseQueued(k[len(prefix)-1:])
		if !ok {
			return false, errBroken("queue")
		}
		lane, err := it.ValueCopy(nil)
		if err != nil {
			return false, err
		}
		n--
		w.upTo = at
		if q.out[at.tail] == nil && q.fresh.items[at.place] == nil && w.add(&item{queuePlace: at, line: l, lane: string(lane)}) {
			q.shownN++
		}
		return true, nil
	})
	if err != nil {
		w.whole = false
		return fmt.Errorf("queue of %s: %w", l.id, err)
	}
	return nil
}

// findFloor keeps lanes in order while an event's deliveries are still being
// queued: see rest.go.
func (q *queue) findFloor() {
	for sub, l := range q.lines {
		if l.pending > 0 {
			q.stirred[sub] = true
		}
	}
	q.floor = 0
	for position := range q.rests {
		if q.floor == 0 || position < q.floor {
			q.floor = position
		}
	}
}
