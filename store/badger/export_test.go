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
		t.mark(key{})
		return nil
	})
}
