package badger

import (
	"bytes"
	"context"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
)

// PutNotes implements [store.Notes].
func (s *Store) PutNotes(ctx context.Context, notes ...store.Note) error {
	err := s.commit(ctx, func(t *tx) error {
		t.putNotes(notes)
		return t.mine.err
	})
	if err != nil {
		return fmt.Errorf("keep notes: %w", err)
	}
	return nil
}

func (t *tx) putNotes(notes []store.Note) {
	for _, n := range notes {
		if n.Value == nil {
			t.delete(keyNote(n.Key))
			continue
		}
		t.put(keyNote(n.Key), n.Value)
	}
}

// Notes implements [store.Notes].
func (s *Store) Notes(ctx context.Context, prefix string, max int) ([]store.Note, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	var notes []store.Note
	err = v.each(scan{prefix: keyNote(prefix)}, func(k []byte, item *badgerdb.Item) (bool, error) {
		if len(notes) == max || ctx.Err() != nil {
			return false, ctx.Err()
		}
		value, err := v.get(bytes.Clone(k))
		notes = append(notes, store.Note{Key: string(k[1:]), Value: value.bytes})
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("notes %s: %w", prefix, err)
	}
	return notes, nil
}
