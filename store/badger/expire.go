package badger

import (
	"cmp"
	"context"
	"slices"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// expireHeld settles as expired what has been held for too long. Positions and
// the times of their recording grow together, so each subscription is looked at
// from its lowest owed position on, up to the first that may stay. What was made
// while the machine's clock was ahead is passed over, and stays until then.
func (s *Store) expireHeld(ctx context.Context, k store.Keep) error {
	for _, sub := range s.queue.owed() {
		if err := s.expireOf(ctx, sub, k); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) expireOf(ctx context.Context, sub subscription, k store.Keep) error {
	from := s.queue.takeLowest(sub)
	over, lowest, err := s.heldOver(sub, from, k)
	for part := range slices.Chunk(over, expireAtOnce) {
		if err == nil {
			err = s.Settle(ctx, part...)
		}
	}
	if err != nil {
		lowest = from
	}
	s.queue.putLowest(sub, lowest)
	return err
}

// heldOver returns what of sub has been held for too long, from a position on,
// and the position of the first that may stay or was not looked at.
func (s *Store) heldOver(sub subscription, from uint64, k store.Keep) (over []webhook.Settlement, lowest uint64, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, from, err
	}
	defer v.release()
	lowest = from
	looked, passed := 0, uint64(0)
	err = v.eachOf(sub, from, false, func(s storedDelivery) (bool, error) {
		lowest = s.position
		if looked++; looked > maintainHeld {
			return false, nil
		}
		if s.state.Final() {
			return true, nil
		}
		d, err := s.decode()
		switch {
		case err != nil || d.Subscription != sub:
			return err == nil, err
		case heldTooLong(d, k):
		case d.Created.After(k.Now):
			passed = cmp.Or(passed, s.position)
			return true, nil
		default:
			return false, nil
		}
		over = append(over, webhook.Settlement{Delivery: d.Expire(k.Now)})
		return true, nil
	})
	if passed > 0 && looked <= maintainHeld {
		lowest = passed
	}
	return over, lowest, err
}

func heldTooLong(d *webhook.Delivery, k store.Keep) bool {
	if d.State == webhook.Held && k.Now.Sub(d.Settled) > k.HoldFor {
		return true
	}
	since, held := k.Holding(d.Subscription, d.Position)
	if d.Created.After(since) {
		since = d.Created
	}
	return held && k.Now.Sub(since) > k.HoldFor
}

// owed returns the subscriptions that are owed something.
func (q *queue) owed() (subs []subscription) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for sub, l := range q.lines {
		if l.pending > 0 {
			subs = append(subs, sub)
		}
	}
	return subs
}

// takeLowest returns the position from which on sub may be owed something, and
// begins to note what is queued from now on.
func (q *queue) takeLowest(sub subscription) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(sub)
	from := l.lowest
	l.lowest = ^uint64(0)
	return from
}

func (q *queue) putLowest(sub subscription, position uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(sub)
	l.lowest = min(l.lowest, position)
}
