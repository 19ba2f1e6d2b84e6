package badger

import (
	"context"
	"fmt"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// Fields of a quarantined exchange.
const (
	quarantineSegment wire.Number = iota + 1
	quarantineWhy
	quarantineAt
	quarantineExchange
)

// Quarantine implements [store.Quarantine].
func (s *Store) Quarantine(ctx context.Context, q store.Quarantined) error {
	if q.At.IsZero() {
		q.At = time.Now()
	}
	buf := wire.AppendUint(nil, quarantineSegment, q.Segment)
	buf = wire.AppendString(buf, quarantineWhy, q.Why)
	buf = wire.AppendTime(buf, quarantineAt, q.At)
	buf = wire.AppendBytes(buf, quarantineExchange, wire.AppendExchange(nil, &q.Exchange))
	err := s.commit(ctx, func(t *tx) error { return t.replaceLong(keyQuarantine(q.Exchange.ID), buf) })
	if err != nil {
		return fmt.Errorf("quarantine %s: %w", q.Exchange.ID, err)
	}
	return nil
}

func decodeQuarantined(data []byte) (q store.Quarantined, err error) {
	r := wire.NewReader(data)
	for r.Next() {
		switch r.Number() {
		case quarantineSegment:
			q.Segment = r.Uint()
		case quarantineWhy:
			q.Why = r.String()
		case quarantineAt:
			q.At = r.Time()
		case quarantineExchange:
			x, err := wire.DecodeExchange(r.Bytes())
			if err != nil {
				return q, err
			}
			q.Exchange = *x
		}
	}
	return q, r.Err()
}

// Quarantined implements [store.Quarantine]. The order is about that of their
// capture.
func (s *Store) Quarantined(_ context.Context, max int) ([]store.Quarantined, error) {
	if max <= 0 {
		max = defaultMax
	}
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	var all []store.Quarantined
	err = v.each(scan{prefix: []byte{tableQuarantine}}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		data, err := getLong(v, k)
		if err != nil {
			return false, err
		}
		q, err := decodeQuarantined(data)
		all = append(all, q)
		return len(all) < max, err
	})
	if err != nil {
		return nil, fmt.Errorf("quarantined exchanges: %w", err)
	}
	return all, nil
}

// Unquarantine implements [store.Quarantine].
func (s *Store) Unquarantine(ctx context.Context, id webhook.ExchangeID) error {
	err := s.commit(ctx, func(t *tx) error { return t.deleteLong(keyQuarantine(id)) })
	if err != nil {
		return fmt.Errorf("unquarantine %s: %w", id, err)
	}
	return nil
}
