package badger

import (
	"context"
	"encoding/binary"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
)

// forgetTombstones deletes the snapshots of entities that have been gone for
// long.
func (s *Store) forgetTombstones(ctx context.Context, k store.Keep) error {
	_, err := s.forgetSnapshots(ctx, tableTombstone, nanos(k.Now.Add(-k.Tombstone)))
	return err
}

// forgetPassing deletes the snapshots whose time is over. There may be one for
// each call with an Idempotency-Key, so it takes more at once.
func (s *Store) forgetPassing(ctx context.Context, k store.Keep) error {
	for range maintainPassing {
		n, err := s.forgetSnapshots(ctx, tablePassing, nanos(k.Now))
		if err != nil || n < maintainTombstones {
			return err
		}
	}
	return nil
}

// forgetSnapshots deletes some of the snapshots that a table lists up to
// horizon, and returns how many it listed.
func (s *Store) forgetSnapshots(ctx context.Context, table byte, horizon uint64) (n int, err error) {
	old, err := s.listedUpTo(table, horizon)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	return len(old), s.commit(ctx, func(t *tx) error {
		for _, z := range old {
			if err := t.forgetListed(z); err != nil {
				return err
			}
		}
		return nil
	})
}

// listedUpTo returns some of a table's keys up to horizon.
func (s *Store) listedUpTo(table byte, horizon uint64) (old []key, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	err = v.each(scan{prefix: []byte{table}}, func(b []byte, _ *badgerdb.Item) (bool, error) {
		if len(b) != 9+len(digest{}) || binary.BigEndian.Uint64(b[1:]) > horizon {
			return false, nil
		}
		old = append(old, append(key{}, b...))
		return len(old) < maintainTombstones, nil
	})
	return old, err
}

// forgetListed deletes the snapshot that z lists.
func (t *tx) forgetListed(z key) error {
	found, err := t.get(z)
	if err != nil || !found.found() {
		return err // the entity is there again
	}
	t.delete(z)
	d := digest(z[9:])
	data, err := getStart(t, keySnapshot(d))
	if err != nil || data == nil {
		return err
	}
	head, _, err := parseHead(data)
	if err != nil {
		return err
	}
	if head.newest > 0 {
		t.putKey(keyEntity(d, head.newest))
	}
	return t.deleteLong(keySnapshot(d))
}
