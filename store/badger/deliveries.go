package badger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// Delivery implements [store.Reader].
func (s *Store) Delivery(_ context.Context, id webhook.DeliveryID) (*webhook.Delivery, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	at, err := v.get(keyDeliveryID(id))
	if err != nil {
		return nil, fmt.Errorf("delivery %s: %w", id, err)
	}
	if len(at.bytes) != 8 {
		return nil, fmt.Errorf("delivery %s: %w", id, store.ErrNotFound)
	}
	data, err := v.get(keyDelivery(place{binary.BigEndian.Uint64(at.bytes), id}))
	if err != nil {
		return nil, fmt.Errorf("delivery %s: %w", id, err)
	}
	return decodeDelivery(data.bytes)
}

// Deliveries implements [store.Reader]. It uses the narrowest index: the
// event's, that of an unhappy final state, the subscription's, or none.
func (s *Store) Deliveries(ctx context.Context, q store.DeliveryQuery) ([]webhook.Delivery, error) {
	if q.Max <= 0 {
		q.Max = defaultMax
	}
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	prefix, ok, err := deliveryIndex(v, q)
	if err != nil || !ok {
		return nil, err
	}
	sc := positionScan(prefix, q.Below, true)
	if q.Event != "" {
		sc = scan{prefix: prefix, reverse: true}
	} else if q.Below > 0 {
		sc.from = append(sc.from, beyond[:8]...) // all ids of the position
	}
	skip := len(prefix)
	if q.Event != "" {
		skip -= 8
	}
	var out []webhook.Delivery
	err = v.each(sc, func(k []byte, item *badgerdb.Item) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		p, ok := parsePlace(k[skip:])
		if !ok {
			return false, errBroken("index of deliveries")
		}
		if q.Below > 0 && p.position >= q.Below {
			return true, nil
		}
		d, err := selectDelivery(v, q, p)
		if err == nil && d != nil {
			out = append(out, *d)
		}
		return len(out) < q.Max, err
	})
	return out, err
}

// deliveryIndex returns the prefix of the keys to go through, each of which
// ends with a place; false if there can be none.
func deliveryIndex(v *view, q store.DeliveryQuery) (key, bool, error) {
	switch {
	case q.Event != "":
		position, found, err := eventPosition(v, v, q.Event)
		return newKey(tableDelivery, 8).u64(position), found, err
	case unhappyState(q.State):
		return newKey(tableFailed, 1).byte(stateNumber(q.State)), true, nil
	case q.Subscription != "":
		return newKey(tableSubscription, 40).sub(q.Subscription), true, nil
	}
	return key{tableDelivery}, true, nil
}

func unhappyState(s webhook.DeliveryState) bool { return s != "" && unhappy(s) }

// selectDelivery returns the delivery at p if q selects it. Its state is looked
// at before it is decoded.
func selectDelivery(v *view, q store.DeliveryQuery, p place) (*webhook.Delivery, error) {
	data, err := v.get(keyDelivery(p))
	if err != nil || !data.found() {
		return nil, err
	}
	was, err := parseStanding(p, data.bytes)
	if err != nil || q.State != "" && was.state != q.State {
		return nil, err
	}
	d, err := decodeDelivery(data.bytes)
	if err != nil || q.Subscription != "" && d.Subscription != q.Subscription {
		return nil, err
	}
	return d, nil
}

// Attempts implements [store.Reader].
func (s *Store) Attempts(_ context.Context, id webhook.DeliveryID) ([]webhook.Attempt, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	var all []webhook.Attempt
	err = v.each(scan{prefix: keyAttempts(id)}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		data, err := getLong(v, slices.Clone(k))
		if err != nil {
			return false, err
		}
		a, err := wire.DecodeAttempt(data)
		all = append(all, a)
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("attempts of %s: %w", id, err)
	}
	return all, nil
}

// Stats implements [store.Reader].
func (s *Store) Stats(context.Context) (store.Stats, error) {
	st := store.Stats{Position: s.position.Load()}
	s.queue.mu.Lock()
	for _, l := range s.queue.lines {
		st.Pending += l.pending
	}
	s.queue.mu.Unlock()
	bytes, err := dirBytes(s.dir)
	st.Bytes = bytes
	return st, err
}
