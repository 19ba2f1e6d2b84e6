package badger

import (
	"fmt"
	"maps"
	"strings"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// tx collects the writes of a group of members, one member after the other.
// Only the committer uses it. What a member writes is apart from what the
// group has until [tx.keep]; [tx.forget] drops it.
type tx struct {
	s    *Store
	view *view
	now  time.Time

	group, mine layer
	followers   map[string][]string // lane prefix -> follower keys put by the group or the member

	scratch []byte // for encoding

	blocks map[uint64]map[subscription]bool // that the member forgot deliveries of
}

// layer is writes that are not committed, and what they mean to memory.
type layer struct {
	writes   map[string]value // not found: deleted
	size     int              // as Badger counts it, at most
	position uint64           // of the newest event
	pending  map[subscription]int
	queued   map[subscription]bool // some were put into the queue on disk
	fresh    map[place]freshChange // of the fresh deliveries
	freshN   int                   // by how many these grow
	effects  []effect
	marks    []mark
	inLane   map[laneOf][]place // of fresh, those added
	recent   uint64
	aged     uint64
	freed    int64 // bytes of what is deleted, about
	err      error // a write that cannot be
}

// maxValue bounds a key with its value: a piece with any key fits.
const maxValue = pieceSize + 8<<10

func newLayer() layer {
	return layer{
		writes: map[string]value{}, pending: map[subscription]int{},
		queued: map[subscription]bool{}, fresh: map[place]freshChange{}, inLane: map[laneOf][]place{},
	}
}

// keptWrites is how many writes a group may have had for its maps to be used
// again: clearing a map takes time for all the room that it ever had.
const keptWrites = 4096

func (l *layer) clear() {
	if len(l.writes) > keptWrites {
		*l = newLayer()
		return
	}
	clear(l.writes)
	clear(l.pending)
	clear(l.queued)
	clear(l.fresh)
	clear(l.inLane)
	clear(l.effects)
	l.freshN, l.recent, l.aged, l.freed = 0, 0, 0, 0
	l.size, l.effects, l.marks, l.err = 0, l.effects[:0], l.marks[:0], nil
}

func newTx(s *Store) *tx {
	return &tx{s: s, group: newLayer(), mine: newLayer(), followers: map[string][]string{}}
}

// begin starts an empty group on the newest view.
func (t *tx) begin() error {
	v, err := t.s.views.get()
	if err != nil {
		return err
	}
	t.view, t.now = v, time.Now().UTC()
	t.group.clear()
	clear(t.followers)
	t.group.position = t.s.position.Load()
	t.forget()
	return nil
}

func (t *tx) end() { t.view.release() }

// forget drops the running member's writes.
func (t *tx) forget() {
	t.mine.clear()
	t.mine.position, t.mine.aged = t.group.position, t.group.aged
	t.blocks = nil
}

// keep makes the running member's writes the group's.
func (t *tx) keep() {
	maps.Copy(t.group.writes, t.mine.writes)
	for sub, n := range t.mine.pending {
		t.group.pending[sub] += n
	}
	for sub := range t.mine.queued {
		t.group.queued[sub] = true
	}
	maps.Copy(t.group.fresh, t.mine.fresh)
	for k, ps := range t.mine.inLane {
		t.group.inLane[k] = append(t.group.inLane[k], ps...)
	}
	t.group.freshN += t.mine.freshN
	t.group.effects = append(t.group.effects, t.mine.effects...)
	t.group.marks = append(t.group.marks, t.mine.marks...)
	t.group.size += t.mine.size
	t.group.freed += t.mine.freed
	t.group.position, t.group.aged = t.mine.position, t.mine.aged
	t.forget()
}

// entryOverhead is more than what Badger counts for an entry beside its key
// and value.
const entryOverhead = 24

func (t *tx) put(k key, v []byte) {
	if v == nil {
		v = []byte{}
	}
	t.write(k, value{bytes: v})
}

// putKey puts a key that needs no value.
func (t *tx) putKey(k key) { t.put(k, nil) }

func (t *tx) delete(k key) { t.write(k, value{}) }

func (t *tx) write(k key, v value) {
	if len(k)+len(v.bytes) > maxValue {
		t.mine.err = fmt.Errorf("a value of %d bytes in table %q is too large", len(v.bytes), k[0])
	}
	t.mine.writes[string(k)] = v
	t.mine.size += len(k) + len(v.bytes) + entryOverhead
}

// get sees the writes of the group and of the running member.
func (t *tx) get(k key) (value, error) {
	if v, ok := t.mine.writes[string(k)]; ok {
		return v, nil
	}
	if v, ok := t.group.writes[string(k)]; ok {
		return v, nil
	}
	if v, ok := t.s.values.get(string(k)); ok {
		return v, nil
	}
	v, err := t.view.get(k)
	if err == nil && cached(k) {
		t.s.values.put(string(k), v)
	}
	return v, err
}

// written is get without going to the disk.
func (t *tx) written(k string) (v value, ok bool) {
	if v, ok = t.mine.writes[k]; !ok {
		v, ok = t.group.writes[k]
	}
	return v, ok
}

// cached reports whether a key's value is worth remembering, also that there
// is none.
func cached[K ~[]byte | ~string](k K) bool {
	switch k[0] {
	case tableSnapshot, tableEvent, tableDelivery, tableLane, tableNumber, tableState:
		return true
	}
	return false
}

// firstFollower returns the first key from `from` on in the lane of prefix, or
// "". The writes of the group count.
func (t *tx) firstFollower(prefix, from key) (string, error) {
	best := ""
	for _, k := range t.followers[string(prefix)] {
		if v, ok := t.written(k); ok && v.found() && k >= string(from) && (best == "" || k < best) {
			best = k
		}
	}
	err := t.view.each(scan{prefix: prefix, from: from}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		if best != "" && strings.Compare(string(k), best) >= 0 {
			return false, nil
		}
		if v, ok := t.written(string(k)); ok && !v.found() {
			return true, nil
		}
		best = string(k)
		return false, nil
	})
	return best, err
}

type laneOf struct {
	sub  subscription
	lane string
}
