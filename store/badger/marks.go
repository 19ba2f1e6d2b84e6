package badger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/webhook"
)

// A mark says that an exchange is recorded. Those of a group are one key for
// each journal segment, in the group's transaction.

// mark is of an exchange whose journal entry is in the segment; 0: in none.
type mark struct {
	segment  uint64
	exchange webhook.ExchangeID
}

// marks are all marks there are. An exchange takes 23 to 37 bytes (measured: its
// id, and its share of a map that is more or less full) from its recording until
// the journal drops its segment.
type marks struct {
	mu  sync.RWMutex
	ids map[webhook.ExchangeID]struct{}
	max int // how many there were since the map was made: it does not shrink
}

func (m *marks) has(id webhook.ExchangeID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.ids[id]
	return ok
}

func (m *marks) add(all []mark) {
	if len(all) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range all {
		m.ids[k.exchange] = struct{}{}
	}
	m.max = max(m.max, len(m.ids))
}

// replace makes ids all there are.
func (m *marks) replace(ids []webhook.ExchangeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids, m.max = make(map[webhook.ExchangeID]struct{}, len(ids)), len(ids)
	for _, id := range ids {
		m.ids[id] = struct{}{}
	}
}

func (m *marks) drop(ids []webhook.ExchangeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.ids, id)
	}
	if len(m.ids) < m.max/4 {
		smaller := make(map[webhook.ExchangeID]struct{}, len(m.ids))
		for id := range m.ids {
			smaller[id] = struct{}{}
		}
		m.ids, m.max = smaller, len(smaller)
	}
}

// Recorded implements [store.Recorder].
func (s *Store) Recorded(_ context.Context, ids []webhook.ExchangeID) (map[webhook.ExchangeID]bool, error) {
	marked := make(map[webhook.ExchangeID]bool, len(ids))
	for _, id := range ids {
		if s.marks.has(id) {
			marked[id] = true
		}
	}
	return marked, nil
}

// marked sees the marks of the group.
func (t *tx) marked(id webhook.ExchangeID) bool {
	return t.s.marks.has(id) ||
		slices.ContainsFunc(t.group.marks, func(m mark) bool { return m.exchange == id })
}

func (t *tx) mark(m mark) {
	t.mine.marks = append(t.mine.marks, m)
	t.mine.size += len(m.exchange)
}

// putMarks puts the lists of the group's marks.
func (t *tx) putMarks() {
	all := t.group.marks
	slices.SortStableFunc(all, func(a, b mark) int { return cmp.Compare(a.segment, b.segment) })
	for len(all) > 0 {
		first, others := all[0], make([]byte, 0, 16*len(all))
		for all = all[1:]; len(all) > 0 && all[0].segment == first.segment; all = all[1:] {
			others = append(others, all[0].exchange[:]...)
		}
		t.put(keyMarks(first), others)
	}
}

// markLists are keys of lists, and the exchanges in them.
type markLists struct {
	keys []key
	ids  []webhook.ExchangeID
}

// dropAtOnce bounds how many marks are dropped in one commit, and dropLists in
// how many lists.
const (
	dropAtOnce = 50_000
	dropLists  = 1000
)

// markLists reads the lists of some segments; all reads to the end.
func (s *Store) markLists(from, to uint64, all bool) (l markLists, err error) {
	v, err := s.views.get()
	if err != nil {
		return l, err
	}
	defer v.release()
	start := newKey(tableMarks, 8).u64(from)
	err = v.each(scan{prefix: start[:1], from: start}, func(k []byte, item *badgerdb.Item) (bool, error) {
		m, ok := parseMarks(k)
		if !ok {
			return false, errBroken("list of marks")
		}
		if m.segment > to {
			return false, nil
		}
		l.keys, l.ids = append(l.keys, slices.Clone(k)), append(l.ids, m.exchange)
		err := item.Value(func(others []byte) error {
			for ; len(others) >= 16; others = others[16:] {
				l.ids = append(l.ids, webhook.ExchangeID(others))
			}
			return nil
		})
		return all || len(l.ids) < dropAtOnce && len(l.keys) < dropLists, err
	})
	return l, err
}

// loadMarks begins with what is on disk.
func (s *Store) loadMarks() error {
	l, err := s.markLists(0, ^uint64(0), true)
	s.marks.replace(l.ids)
	return err
}

// DropMarks implements [store.Recorder].
func (s *Store) DropMarks(ctx context.Context, segment uint64) error {
	return s.dropMarks(ctx, segment, segment)
}

// DropMarksBelow implements [store.Recorder].
func (s *Store) DropMarksBelow(ctx context.Context, segment uint64) error {
	if segment <= 1 {
		return nil
	}
	return s.dropMarks(ctx, 1, segment-1)
}

// MarkedFrom reports whether there is a mark of segment, or of a later one.
func (s *Store) MarkedFrom(segment uint64) (bool, error) {
	l, err := s.markLists(segment, ^uint64(0), false)
	return len(l.keys) > 0, err
}

func (s *Store) dropMarks(ctx context.Context, from, to uint64) error {
	for {
		l, err := s.markLists(from, to, false)
		if err == nil && len(l.keys) > 0 {
			err = s.commit(ctx, func(t *tx) error {
				for _, k := range l.keys {
					t.delete(k)
				}
				t.effect(func(q *queue) { q.s.marks.drop(l.ids) })
				return nil
			})
		}
		switch {
		case err != nil:
			return fmt.Errorf("drop the marks of segments %d to %d: %w", from, to, err)
		case len(l.keys) == 0:
			return nil
		}
	}
}
