package delivertest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Queue keeps deliveries and states in memory, and behaves as store.Queue says,
// with ordered lanes. Use [NewQueue].
type Queue struct {
	mu       sync.Mutex
	owed     []*owed // by position
	byID     map[webhook.DeliveryID]*owed
	attempts []webhook.Attempt
	states   map[webhook.SubscriptionID]webhook.SubscriptionState
	waiting  chan map[webhook.SubscriptionID]bool
	settling error
	poison   map[webhook.DeliveryID]bool
	claiming error
	claims   int
	settles  int
}

type owed struct {
	webhook.Delivery
	claimed bool
}

// NewQueue returns an empty Queue.
func NewQueue() *Queue {
	return &Queue{byID: map[webhook.DeliveryID]*owed{}, states: map[webhook.SubscriptionID]webhook.SubscriptionState{}, waiting: make(chan map[webhook.SubscriptionID]bool, 1)}
}

// Owe makes a pending delivery to sub in lane ("" for none), due now.
func (q *Queue) Owe(sub webhook.SubscriptionID, event webhook.EventID, lane string) webhook.DeliveryID {
	return q.owe(sub, event, lane, 0, time.Now())
}

// OweAt is Owe, without a lane, of what is due at a time.
func (q *Queue) OweAt(sub webhook.SubscriptionID, event webhook.EventID, due time.Time) webhook.DeliveryID {
	return q.owe(sub, event, "", 0, due)
}

// OweMuch is Owe, without a lane, of events that hold so many bytes.
func (q *Queue) OweMuch(sub webhook.SubscriptionID, event webhook.EventID, bytes int) webhook.DeliveryID {
	return q.owe(sub, event, "", bytes, time.Now())
}

func (q *Queue) owe(sub webhook.SubscriptionID, event webhook.EventID, lane string, bytes int, due time.Time) webhook.DeliveryID {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := webhook.NewDeliveryID(event, sub, 0)
	o := &owed{Delivery: webhook.Delivery{
		ID: id, Event: event, Subscription: sub, Position: uint64(len(q.owed) + 1), Lane: lane,
		Bytes: bytes, State: webhook.Pending, Due: due, Created: due,
	}}
	q.owed, q.byID[id] = append(q.owed, o), o
	q.signal(sub)
	return id
}

// FailSettle lets every Settle fail with err, until it is nil.
func (q *Queue) FailSettle(err error) { q.mu.Lock(); q.settling = err; q.mu.Unlock() }

// Poison lets every Settle fail that has the delivery among others.
func (q *Queue) Poison(id webhook.DeliveryID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.poison == nil {
		q.poison = map[webhook.DeliveryID]bool{}
	}
	q.poison[id] = true
}

// FailClaim lets every Claim fail with err, until it is nil.
func (q *Queue) FailClaim(err error) { q.mu.Lock(); q.claiming = err; q.mu.Unlock() }

// Calls returns how often Claim and Settle were called.
func (q *Queue) Calls() (claims, settles int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.claims, q.settles
}

// Delivery returns one delivery as it is.
func (q *Queue) Delivery(id webhook.DeliveryID) webhook.Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	if o := q.find(id); o != nil {
		return o.Delivery
	}
	return webhook.Delivery{}
}

// Claimed returns how many deliveries are given out.
func (q *Queue) Claimed() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.owed {
		if o.claimed {
			n++
		}
	}
	return n
}

// Pending returns how many deliveries are not settled.
func (q *Queue) Pending() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.owed {
		if !o.State.Final() {
			n++
		}
	}
	return n
}

// Attempts returns the attempts recorded for a delivery, oldest first.
func (q *Queue) Attempts(id webhook.DeliveryID) []webhook.Attempt {
	q.mu.Lock()
	defer q.mu.Unlock()
	var as []webhook.Attempt
	for _, a := range q.attempts {
		if a.Delivery == id {
			as = append(as, a)
		}
	}
	return as
}

// State returns the state kept of sub.
func (q *Queue) State(sub webhook.SubscriptionID) webhook.SubscriptionState {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.states[sub]
}

// Claim implements store.Queue.
func (q *Queue) Claim(ctx context.Context, sub webhook.SubscriptionID, through uint64, now time.Time, max int) (ds []webhook.Delivery, next time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.claims++
	if q.claiming != nil {
		return nil, next, q.claiming
	}
	var heads []*owed
	busy := map[string]bool{}
	for _, o := range q.owed {
		if o.Subscription != sub || o.State.Final() || o.Position <= through || o.Lane != "" && busy[o.Lane] {
			continue
		}
		busy[o.Lane] = true
		switch {
		case o.claimed, o.State == webhook.Held:
		case o.Due.After(now):
			if next.IsZero() || o.Due.Before(next) {
				next = o.Due
			}
		default:
			heads = append(heads, o)
		}
	}
	slices.SortStableFunc(heads, func(a, b *owed) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.Due.Compare(b.Due))
	})
	for _, o := range heads {
		if len(ds) == max {
			return ds, now, nil
		}
		o.claimed = true
		ds = append(ds, o.Delivery)
	}
	return ds, next, nil
}

// Settle implements store.Queue.
func (q *Queue) Settle(ctx context.Context, ss ...webhook.Settlement) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settles++
	if q.settling != nil {
		return q.settling
	}
	for _, s := range ss {
		if q.poison[s.Delivery.ID] {
			return fmt.Errorf("delivery %s cannot be settled", s.Delivery.ID)
		}
	}
	for _, s := range ss {
		if o := q.find(s.Delivery.ID); o != nil {
			o.Delivery, o.claimed = s.Delivery, false
			q.signal(o.Subscription)
		}
		if s.Attempt != nil {
			q.attempts = append(q.attempts, *s.Attempt)
		}
		if s.State != nil {
			q.states[s.State.ID] = *s.State
		}
	}
	return nil
}

// Release implements store.Queue.
func (q *Queue) Release(ctx context.Context, sub webhook.SubscriptionID, now time.Time) (n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.owed {
		if o.Subscription == sub && o.State == webhook.Held {
			o.Delivery = o.Delivery.Retry(now)
			n++
		}
	}
	q.signal(sub)
	return n, nil
}

// Unclaim implements store.Queue.
func (q *Queue) Unclaim(ids ...webhook.DeliveryID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		if o := q.find(id); o != nil {
			o.claimed = false
			q.signal(o.Subscription)
		}
	}
}

// Awaited implements store.Queue.
func (q *Queue) Awaited(id webhook.DeliveryID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := q.find(id)
	return d != nil && d.Lane != "" && slices.ContainsFunc(q.owed, func(o *owed) bool {
		return o != d && o.Subscription == d.Subscription && o.Lane == d.Lane && !o.State.Final()
	})
}

// Waiting implements store.Queue.
func (q *Queue) Waiting() <-chan map[webhook.SubscriptionID]bool { return q.waiting }

// PutState implements store.Subscriptions.
func (q *Queue) PutState(ctx context.Context, s webhook.SubscriptionState) (webhook.SubscriptionState, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.settling != nil {
		return s, q.settling
	}
	if s.Number == 0 {
		s.Number = uint64(len(q.states) + 1)
	}
	q.states[s.ID] = s
	return s, nil
}

func (q *Queue) find(id webhook.DeliveryID) *owed { return q.byID[id] }

// signal tells of whom there is something new.
func (q *Queue) signal(sub webhook.SubscriptionID) {
	stirred := map[webhook.SubscriptionID]bool{}
	select {
	case stirred = <-q.waiting:
	default:
	}
	stirred[sub] = true
	q.waiting <- stirred
}
