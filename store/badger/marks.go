package badger

import (
	"context"
	"encoding/binary"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/webhook"
)

// Recorded implements [store.Recorder].
func (s *Store) Recorded(_ context.Context, ids []webhook.ExchangeID) (map[webhook.ExchangeID]bool, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	marked := make(map[webhook.ExchangeID]bool, len(ids))
	for _, id := range ids {
		m, err := v.get(keyMark(id))
		if err != nil {
			return nil, fmt.Errorf("mark of %s: %w", id, err)
		}
		if m.found() {
			marked[id] = true
		}
	}
	return marked, nil
}

// dropAtOnce is how many marks are dropped in one commit.
const dropAtOnce = 1000

// DropMarks implements [store.Recorder].
func (s *Store) DropMarks(ctx context.Context, segment uint64) error {
	for {
		ids, err := s.marksOf(segment)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = s.commit(ctx, func(t *tx) error {
			for _, id := range ids {
				t.delete(keyMarkSegment(segment, id))
				at, err := t.get(keyMark(id))
				if err != nil {
					return err
				}
				if len(at.bytes) == 8 && binary.BigEndian.Uint64(at.bytes) == segment {
					t.delete(keyMark(id))
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("drop the marks of segment %d: %w", segment, err)
		}
	}
}

func (s *Store) marksOf(segment uint64) ([]webhook.ExchangeID, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	prefix := newKey(tableMarkSegment, 8).u64(segment)
	var ids []webhook.ExchangeID
	err = v.each(scan{prefix: prefix}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		if len(k) != len(prefix)+16 {
			return false, errBroken("mark")
		}
		ids = append(ids, webhook.ExchangeID(k[len(prefix):]))
		return len(ids) < dropAtOnce, nil
	})
	return ids, err
}
