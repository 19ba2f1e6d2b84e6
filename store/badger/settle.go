package badger

import (
	"context"
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Settle implements [store.Queue]. A settlement that comes too late, because
// the delivery is final already or is forgotten, changes nothing but keeps the
// attempt that was made; [Store.Late] counts them. Only what would be sent again
// by a replay although the attempt was accepted, is delivered then. A settlement
// without an attempt that is not withheld may make a final delivery pending again:
// that is a retry by hand.
func (s *Store) Settle(ctx context.Context, all ...webhook.Settlement) error {
	if len(all) == 0 {
		return nil
	}
	return s.commit(ctx, func(t *tx) error {
		for i := range all {
			if err := t.settle(&all[i]); err != nil {
				return fmt.Errorf("settle %s: %w", all[i].Delivery.ID, err)
			}
		}
		return nil
	})
}

// Late returns how many settlements came too late.
func (s *Store) Late() uint64 { return s.late.Load() }

func (t *tx) settle(m *webhook.Settlement) error {
	d := &m.Delivery
	p := place{d.Position, tailOf(d.ID)}
	t.effect(func(q *queue) { q.back(p.tail) })
	if m.State != nil {
		if _, err := t.putState(*m.State); err != nil {
			return err
		}
	}
	stored, found, err := readDelivery(t, p)
	if err != nil {
		return err
	}
	if !found {
		t.effect(func(q *queue) { q.s.late.Add(1) })
		return nil
	}
	if m.Attempt != nil {
		if err := t.putAttempt(&stored, m.Attempt); err != nil {
			return err
		}
	}
	was := stored.standing
	for i := range m.Sights {
		if err := t.putSight(d.Subscription, &m.Sights[i]); err != nil {
			return err
		}
	}
	late := was.state.Final() && (m.Attempt != nil || m.Withheld || d.State.Final())
	if !late {
		if late, err = stored.moved(d); err != nil {
			return err
		}
	}
	if late {
		return t.settleLate(stored, m)
	}
	t.changeDelivery(stored, d)
	return t.moveDelivery(was, d)
}

// moved reports whether s was put into another lane, by a retry or a replay, while d
// was given out.
func (s *storedDelivery) moved(d *webhook.Delivery) (bool, error) {
	if s.state.Final() || s.priority != webhook.Replaying && !d.Beside() {
		return false, nil
	}
	now, err := s.decode()
	return err == nil && now.Lane != d.Lane, err
}

// settleLate keeps the attempt of a settlement of a delivery that is final, or was
// put into another lane, meanwhile. One that was accepted need not be sent again.
func (t *tx) settleLate(s storedDelivery, m *webhook.Settlement) error {
	t.effect(func(q *queue) { q.s.late.Add(1) })
	if m.Attempt == nil {
		return nil
	}
	if m.Delivery.State != webhook.Delivered || s.state == webhook.Cancelled {
		t.put(keyDelivery(s.place), s.encode(nil))
		return nil
	}
	now, err := s.decode()
	if err != nil {
		return err
	}
	d := m.Delivery
	d.Lane = now.Lane
	was := s.standing
	t.changeDelivery(s, &d)
	if was.state.Final() {
		return nil
	}
	return t.moveDelivery(was, &d)
}

// moveDelivery makes the queue follow d from what it was.
func (t *tx) moveDelivery(was standing, d *webhook.Delivery) error {
	switch {
	case was.state.Final():
		return t.enqueue(d)
	case d.State.Final():
		return t.dequeue(d.Subscription, d.Lane, was.queuePlace)
	}
	return t.requeue(d.Subscription, d.Lane, was.queuePlace, placeOf(d))
}
