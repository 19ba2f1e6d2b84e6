package badger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// A held delivery is owed and stands in its subscription's queue as if it were
// due at the end of time. So it holds its lane, and costs those that search the
// beginning of the queue nothing. The index of states leads to it.

// never is when a held delivery is due.
const never = math.MaxUint64

// dueOf returns when d is due, as the queue has it.
func dueOf(d *webhook.Delivery) uint64 {
	if d.State == webhook.Held {
		return never
	}
	return nanos(d.Due)
}

// releaseAtOnce is how many deliveries one commit releases.
const releaseAtOnce = 256

// Retry implements [store.Queue].
func (s *Store) Retry(ctx context.Context, id webhook.DeliveryID, now time.Time) (*webhook.Delivery, error) {
	d, err := s.Delivery(ctx, id)
	if err != nil {
		return nil, err
	}
	p := placeOf(d).place
	err = s.commit(ctx, func(t *tx) error {
		again, err := t.again(p, now, true)
		if err == nil && again == nil {
			err = store.ErrPending
		}
		d = again
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("retry %s: %w", id, err)
	}
	return d, nil
}

// Release implements [store.Queue].
func (s *Store) Release(ctx context.Context, sub webhook.SubscriptionID, now time.Time) (released int, err error) {
	for {
		held, err := s.Deliveries(ctx, store.DeliveryQuery{Subscription: sub, State: webhook.Held, Max: releaseAtOnce})
		if err != nil || len(held) == 0 {
			return released, err
		}
		n := 0
		err = s.commit(ctx, func(t *tx) (err error) {
			n, err = t.release(held, now)
			return err
		})
		if err != nil {
			return released, fmt.Errorf("release what is held of %s: %w", sub, err)
		}
		if released += n; n == 0 { // somebody else has
			return released, nil
		}
	}
}

// release makes those pending again that are held still, and counts them.
func (t *tx) release(held []webhook.Delivery, now time.Time) (n int, err error) {
	for i := range held {
		d, err := t.again(placeOf(&held[i]).place, now, false)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return n, err
		case d != nil:
			n++
		}
	}
	return n, nil
}

// again makes the delivery at p pending if it is held, or final and that may be;
// else it returns nil.
func (t *tx) again(p place, now time.Time, final bool) (*webhook.Delivery, error) {
	stored, found, err := readDelivery(t, p)
	if err == nil && !found {
		err = store.ErrNotFound
	}
	if err != nil || stored.state == webhook.Pending || stored.state.Final() && !final {
		return nil, err
	}
	d, err := stored.decode()
	if err != nil {
		return nil, err
	}
	was := stored.standing
	*d = d.Retry(now)
	t.changeDelivery(stored, d)
	return d, t.moveDelivery(was, d)
}
