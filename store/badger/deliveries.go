package badger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// eachPosition calls f with the positions of an exchange's events, until it
// returns false.
func (v *view) eachPosition(x webhook.ExchangeID, f func(position uint64) (bool, error)) error {
	return v.each(scan{prefix: keyExchange(x, 0)}, func(_ []byte, item *badgerdb.Item) (more bool, err error) {
		err = item.Value(func(b []byte) error {
			list, err := parseListed(b)
			if err != nil {
				return err
			}
			for _, l := range list {
				if more, err = f(l.position); err != nil || !more {
					return err
				}
			}
			return nil
		})
		return more, err
	})
}

// findDelivery returns the delivery with an id; false if it is not there.
func (v *view) findDelivery(id webhook.DeliveryID) (s storedDelivery, ok bool, err error) {
	x, _, ours := id.Exchange()
	if !ours {
		return s, false, nil
	}
	tail := tailOf(id)
	err = v.eachPosition(x, func(position uint64) (bool, error) {
		var err error
		s, ok, err = readDelivery(v, place{position, tail})
		return !ok, err
	})
	return s, ok, err
}

// Delivery implements [store.Reader].
func (s *Store) Delivery(_ context.Context, id webhook.DeliveryID) (*webhook.Delivery, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	found, ok, err := v.findDelivery(id)
	if err == nil && !ok {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("delivery %s: %w", id, err)
	}
	return found.decode()
}

// Attempts implements [store.Reader].
func (s *Store) Attempts(_ context.Context, id webhook.DeliveryID) ([]webhook.Attempt, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	found, ok, err := v.findDelivery(id)
	if err != nil || !ok {
		return nil, err
	}
	all, err := v.attempts(&found)
	if err != nil {
		return nil, fmt.Errorf("attempts of %s: %w", id, err)
	}
	for i := range all {
		all[i].Delivery = id
	}
	slices.SortFunc(all, func(a, b webhook.Attempt) int { return cmp.Compare(a.Number, b.Number) })
	return all, nil
}

func (v *view) attempts(s *storedDelivery) (all []webhook.Attempt, err error) {
	add := func(data []byte) error {
		a, err := wire.DecodeAttempt(data)
		all = append(all, a)
		return err
	}
	if s.attempt != nil {
		if err := add(s.attempt); err != nil {
			return nil, err
		}
	}
	if !s.further {
		return all, nil
	}
	err = v.each(scan{prefix: keyAttempts(s.place)}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		data, err := getLong(v, slices.Clone(k))
		if err != nil {
			return false, err
		}
		return true, add(data)
	})
	return all, err
}

// Stats implements [store.Reader].
func (s *Store) Stats(context.Context) (store.Stats, error) {
	st := store.Stats{Position: s.position.Load(), Full: s.full.Load()}
	s.queue.mu.Lock()
	for _, l := range s.queue.lines {
		st.Pending += l.pending
	}
	s.queue.mu.Unlock()
	bytes, err := dirBytes(s.dir)
	st.Bytes = bytes
	return st, err
}
