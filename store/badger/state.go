package badger

import (
	"context"
	"encoding/binary"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// States implements [store.Subscriptions].
func (s *Store) States(context.Context) ([]webhook.SubscriptionState, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	var all []webhook.SubscriptionState
	err = v.each(scan{prefix: []byte{tableState}}, func(_ []byte, item *badgerdb.Item) (bool, error) {
		data, err := copyItem(item)
		if err != nil {
			return false, err
		}
		st, err := wire.DecodeState(data.bytes)
		all = append(all, st)
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("states of subscriptions: %w", err)
	}
	return all, nil
}

// PutState implements [store.Subscriptions].
func (s *Store) PutState(ctx context.Context, st webhook.SubscriptionState) (webhook.SubscriptionState, error) {
	var kept webhook.SubscriptionState
	err := s.commit(ctx, func(t *tx) (err error) {
		kept, err = t.putState(st)
		return err
	})
	if err != nil {
		return webhook.SubscriptionState{}, fmt.Errorf("state of %s: %w", st.ID, err)
	}
	return kept, nil
}

// putState keeps the number that a subscription has, and gives a new one the
// next.
func (t *tx) putState(st webhook.SubscriptionState) (webhook.SubscriptionState, error) {
	old, err := t.get(keyState(st.ID))
	if err != nil {
		return st, err
	}
	if old.found() {
		was, err := wire.DecodeState(old.bytes)
		if err != nil {
			return st, err
		}
		st.Number = was.Number
	} else if st.Number, err = t.newNumber(st.Number); err != nil {
		return st, err
	}
	t.put(keyState(st.ID), wire.AppendState(nil, &st))
	return st, nil
}

// newNumber returns want, or the next number if that is 0. Numbers grow.
func (t *tx) newNumber(want uint64) (uint64, error) {
	v, err := t.get(key{tableNumber})
	if err != nil {
		return 0, err
	}
	last := uint64(0)
	if len(v.bytes) == 8 {
		last = binary.BigEndian.Uint64(v.bytes)
	}
	if want == 0 {
		want = last + 1
	}
	t.put(key{tableNumber}, binary.BigEndian.AppendUint64(nil, max(last, want)))
	return want, nil
}

// PutConfig implements [store.Configs].
func (s *Store) PutConfig(ctx context.Context, id webhook.ConfigID, config []byte) error {
	err := s.commit(ctx, func(t *tx) error { return t.replaceLong(keyConfig(id), config) })
	if err != nil {
		return fmt.Errorf("configuration %s: %w", id, err)
	}
	return nil
}

// Config implements [store.Configs].
func (s *Store) Config(_ context.Context, id webhook.ConfigID) ([]byte, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	config, err := getLong(v, keyConfig(id))
	if err == nil && config == nil {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", id, err)
	}
	return config, nil
}
