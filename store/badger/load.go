package badger

import (
	"encoding/binary"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// load begins with what is on disk: how much each subscription is owed, what
// of it is held, and which events' deliveries are not all queued.
func (q *queue) load() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	v, err := q.s.views.get()
	if err != nil {
		return err
	}
	defer v.release()
	clear(q.lines)
	clear(q.rests)
	q.shownN = 0
	if err := v.each(scan{prefix: []byte{tableCount}}, q.loadCount); err != nil {
		return err
	}
	if err := v.each(scan{prefix: []byte{tableHold}}, q.loadHold); err != nil {
		return err
	}
	err = v.each(scan{prefix: []byte{tableRest}}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		q.rests[binary.BigEndian.Uint64(k[1:])] = true
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, it := range q.out { // given out before a reopening
		it.line, it.fresh = q.line(it.line.id), false
		if it.lane != "" {
			it.line.busy[it.lane] = true
		}
	}
	q.findFloor()
	defer q.signal()
	return q.loadFresh(v)
}

func (q *queue) loadCount(k []byte, item *badgerdb.Item) (bool, error) {
	v, err := copyItem(item)
	if err != nil {
		return false, err
	}
	if len(v.bytes) != 8 {
		return false, errBroken("count")
	}
	l := q.line(subscription(k[1:]))
	l.pending = binary.BigEndian.Uint64(v.bytes)
	for p := range l.windows {
		l.windows[p].whole = l.pending == 0
	}
	return true, nil
}

func (q *queue) loadHold(k []byte, item *badgerdb.Item) (bool, error) {
	v, err := copyItem(item)
	if err != nil {
		return false, err
	}
	if len(v.bytes) != 9 {
		return false, errBroken("hold")
	}
	q.line(subscription(k[1:])).hold = hold{binary.BigEndian.Uint64(v.bytes), v.bytes[8]}
	return true, nil
}
