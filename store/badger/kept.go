package badger

import (
	"cmp"
	"context"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// Fields of a kept subscription.
const (
	keptID wire.Number = iota + 1
	keptRevision
	keptOwner
	keptTenant
	keptBody
	keptCreated
	keptChanged
	keptDeleted
)

func appendKept(buf []byte, k *store.Kept) []byte {
	buf = wire.AppendString(buf, keptID, string(k.ID))
	buf = wire.AppendUint(buf, keptRevision, k.Revision)
	buf = wire.AppendString(buf, keptOwner, k.Owner)
	buf = wire.AppendString(buf, keptTenant, k.Tenant)
	buf = wire.AppendBytes(buf, keptBody, k.Body)
	buf = wire.AppendTime(buf, keptCreated, k.Created)
	buf = wire.AppendTime(buf, keptChanged, k.Changed)
	return wire.AppendTime(buf, keptDeleted, k.Deleted)
}

func decodeKept(data []byte) (k store.Kept, err error) {
	r := wire.NewReader(data)
	for r.Next() {
		switch r.Number() {
		case keptID:
			k.ID = webhook.SubscriptionID(r.String())
		case keptRevision:
			k.Revision = r.Uint()
		case keptOwner:
			k.Owner = r.String()
		case keptTenant:
			k.Tenant = r.String()
		case keptBody:
			k.Body = append([]byte(nil), r.Bytes()...)
		case keptCreated:
			k.Created = r.Time()
		case keptChanged:
			k.Changed = r.Time()
		case keptDeleted:
			k.Deleted = r.Time()
		}
	}
	return k, r.Err()
}

// AllKept implements [store.Registry].
func (s *Store) AllKept(ctx context.Context) ([]store.Kept, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	var all []store.Kept
	err = v.each(scan{prefix: []byte{tableKept}}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		data, err := getLong(v, append(key{}, k...))
		if err != nil {
			return false, err
		}
		kept, err := decodeKept(data)
		all = append(all, kept)
		return ctx.Err() == nil, err
	})
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("kept subscriptions: %w", err)
	}
	return all, nil
}

// PutKept implements [store.Registry].
func (s *Store) PutKept(ctx context.Context, k store.Kept, st *webhook.SubscriptionState) error {
	var given, numbered webhook.SubscriptionState
	if st != nil {
		given = *st
	}
	err := s.commit(ctx, func(t *tx) error {
		data, err := getLong(t, keyKept(k.ID))
		if err != nil {
			return err
		}
		was := store.Kept{}
		if data != nil {
			if was, err = decodeKept(data); err != nil {
				return err
			}
		}
		if k.Revision != was.Revision+1 {
			return fmt.Errorf("revision %d follows %d: %w", k.Revision, was.Revision, store.ErrChanged)
		}
		if given.ID != "" {
			if numbered, err = t.putState(given); err != nil {
				return err
			}
		}
		return t.replaceLong(keyKept(k.ID), appendKept(nil, &k))
	})
	if err != nil {
		return fmt.Errorf("keep subscription %s: %w", k.ID, err)
	}
	if st != nil {
		*st = numbered
	}
	return nil
}

// DropKept implements [store.Registry].
func (s *Store) DropKept(ctx context.Context, id webhook.SubscriptionID) error {
	err := s.commit(ctx, func(t *tx) error {
		t.delete(keyState(id))
		if t.s.queue.pending(id) == 0 {
			t.delete(keyCount(id))
			t.delete(keyHold(id))
			t.effect(func(q *queue) { q.forget(id) })
		}
		return t.deleteLong(keyKept(id))
	})
	if err != nil {
		return fmt.Errorf("forget subscription %s: %w", id, err)
	}
	return nil
}
