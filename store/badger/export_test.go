package badger

import (
	"context"

	badgerdb "github.com/dgraph-io/badger/v4"
)

const PieceSize = pieceSize

// EngineOptions returns the options that Badger was opened with.
func EngineOptions(s *Store) badgerdb.Options { return s.db.Load().Opts() }

// Break makes a transaction fail, as a disk error does: Badger refuses an
// empty key.
func Break(s *Store) error {
	return s.commit(context.Background(), func(t *tx) error {
		t.putKey(key{})
		return nil
	})
}

// Keys counts the keys of each table.
func Keys(s *Store) (map[string]int, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	count := map[string]int{}
	err = v.each(scan{}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		count[string(k[:1])]++
		return true, nil
	})
	return count, err
}
