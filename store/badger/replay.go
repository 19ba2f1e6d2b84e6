package badger

import (
	"cmp"
	"context"
	"fmt"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// AllReplays implements [store.Replays]. Their ids sort by time.
func (s *Store) AllReplays(ctx context.Context) ([]webhook.Replay, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	var all []webhook.Replay
	err = v.each(scan{prefix: []byte{tableReplay}}, func(_ []byte, item *badgerdb.Item) (bool, error) {
		data, err := copyItem(item)
		if err != nil {
			return false, err
		}
		r, err := wire.DecodeReplay(data.bytes)
		all = append(all, r)
		return ctx.Err() == nil, err
	})
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("replays: %w", err)
	}
	return all, nil
}

// PutReplay implements [store.Replays].
func (s *Store) PutReplay(ctx context.Context, r webhook.Replay, now time.Time, ds ...webhook.Delivery) (webhook.Replay, error) {
	var kept webhook.Replay
	err := s.commit(ctx, func(t *tx) error {
		kept = r
		for i := range ds {
			queued, err := t.replay(&kept, &ds[i], now)
			if err != nil {
				return fmt.Errorf("delivery %s: %w", ds[i].ID, err)
			}
			if queued {
				kept.Queued++
			}
		}
		t.put(keyReplay(kept.ID), wire.AppendReplay(nil, &kept))
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("replay %s: %w", r.ID, err)
	}
	return kept, nil
}

// replay makes d pending for r, if r is about it.
func (t *tx) replay(r *webhook.Replay, d *webhook.Delivery, now time.Time) (bool, error) {
	p := placeOf(d).place
	stored, found, err := readDelivery(t, p)
	if err == nil && !found {
		return t.replayMissed(r, *d, now)
	}
	if err != nil || !stored.state.Final() || !r.Selects(stored.state) {
		return false, err
	}
	again, err := stored.decode()
	if err != nil {
		return false, err
	}
	was := stored.standing
	*again = again.Replayed(now)
	t.changeDelivery(stored, again)
	return true, t.moveDelivery(was, again)
}

// replayMissed makes a delivery of an event that its subscription never got.
func (t *tx) replayMissed(r *webhook.Replay, d webhook.Delivery, now time.Time) (bool, error) {
	if _, found, err := readHead(t, d.Position); err != nil || !found || !r.Missed {
		return false, err
	}
	d.Created = now
	d = d.Replayed(now)
	return true, t.putDelivery(&d, false)
}

// DropReplay implements [store.Replays].
func (s *Store) DropReplay(ctx context.Context, id webhook.ReplayID) error {
	err := s.commit(ctx, func(t *tx) error {
		t.delete(keyReplay(id))
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget replay %s: %w", id, err)
	}
	return nil
}
