package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// maxKept bounds the subscriptions made through the API: each is held in memory,
// and a change looks at all.
const maxKept = 10_000

// errTooMany says that there are maxKept.
var errTooMany = fmt.Errorf("there are %d subscriptions, as many as there may be: delete one first", maxKept)

// openKept reads the kept subscriptions, once. e.mu is held.
func (e *engine) openKept(ctx context.Context, s *sealer) error {
	now := time.Now()
	if e.kept.Load() != nil {
		return nil
	}
	all, err := e.store.AllKept(ctx)
	if err != nil {
		return err
	}
	list, again := make([]*keptSubscription, 0, len(all)), false
	for _, k := range all {
		opened, other, err := openKept(k, s, now)
		if err != nil {
			return err
		}
		list, again = append(list, opened), again || other
	}
	e.kept.Store(newKeptList(list)) // in order once it is numbered
	e.sealer, e.mixed = s, again
	return nil
}

// sealAgain keeps all that is kept as s seals it. Each is by itself: if it ends
// early, some are sealed as before, and only a sealer that has both keys opens all.
func (e *engine) sealAgain(ctx context.Context, s *sealer) error {
	if e.sealer.same(s) && !e.mixed {
		return nil
	}
	e.mixed = true
	for _, k := range e.kept.Load().all() {
		next := *k
		next.Revision++
		sealed, err := next.seal(s)
		if err == nil {
			err = e.store.PutKept(ctx, sealed)
		}
		if err != nil {
			return fmt.Errorf("encrypt subscriptions with another encryption_key: %w", err)
		}
		e.kept.Store(e.kept.Load().put(&next))
	}
	e.sealer, e.mixed = s, false
	return nil
}

// putKept makes k durable and then true: its Revision must follow the one there
// is, or the error wraps [store.ErrChanged]. allowed may refuse it for what there
// is already; nil allows it.
func (e *engine) putKept(ctx context.Context, k keptSubscription, allowed func(*keptList) error) (*keptSubscription, error) {
	ctx = context.WithoutCancel(ctx) // what is begun has an end that we know
	e.mu.Lock()
	defer e.mu.Unlock()
	now, list := time.Now().UTC(), e.kept.Load()
	was := list.get(k.ID)
	if k.Changed = now; was == nil {
		if len(list.all()) >= maxKept {
			return nil, errTooMany
		}
		k.Created = now
	}
	if allowed != nil {
		if err := allowed(list); err != nil {
			return nil, err
		}
	}
	k.sub = nil
	if k.Deleted.IsZero() {
		k.sub = k.build(now)
	}
	state, err := e.numberKept(ctx, &k, was)
	if err != nil {
		return nil, err
	}
	s, err := e.current().changed(&k)
	if err != nil {
		return nil, err
	}
	if err := e.writeKept(ctx, &k, was); err != nil {
		return nil, err
	}
	e.kept.Store(list.put(&k))
	if k.sub == nil || !k.body.nextEnd(now).IsZero() {
		poke(e.tended)
	}
	return &k, e.enforceOne(s, &k, state)
}

// writeKept makes k durable.
func (e *engine) writeKept(ctx context.Context, k, was *keptSubscription) error {
	sealed, err := k.seal(e.sealer)
	if err == nil {
		err = e.store.PutKept(ctx, sealed)
	}
	if err != nil {
		if was == nil {
			err = errors.Join(err, e.store.DropKept(ctx, k.ID))
		}
		return err
	}
	if was == nil && e.sealer.aead == nil {
		e.plainly.Do(func() {
			e.logger.Warn("encryption_key is not set: subscriptions made through the API are kept with their secrets as they are; write encryption_key {env.NAME}")
		})
	}
	return nil
}

// enforceOne puts s into force, in which only k is otherwise than before. e.mu is
// held.
func (e *engine) enforceOne(s *settings, k *keptSubscription, state webhook.SubscriptionState) (err error) {
	e.coming.Store(s)
	defer e.coming.Store(nil)
	if k.sub == nil {
		e.deliverer.Forget(k.ID)
	} else if err = e.deliverer.Update(k.sub, state); err != nil {
		return err
	}
	e.earlier.Store(e.active.Swap(s))
	return nil
}

// numberKept gives k its number, and returns the state of a new one.
func (e *engine) numberKept(ctx context.Context, k, was *keptSubscription) (st webhook.SubscriptionState, err error) {
	if k.sub == nil {
		return st, nil
	}
	if was != nil && was.sub != nil {
		k.sub.Number = was.sub.Number
		st, _ = e.deliverer.State(k.ID)
		return st, nil
	}
	st, err = e.store.PutState(ctx, webhook.NewState(k.ID, 0, time.Now()))
	if err != nil {
		return st, fmt.Errorf("keep subscription %s: %w", k.ID, err)
	}
	k.sub.Number = st.Number
	return st, nil
}

// deleteKept deletes k. What it is owed is cancelled behind.
func (e *engine) deleteKept(ctx context.Context, k *keptSubscription) error {
	next := keptSubscription{Kept: k.Kept}
	next.Revision++
	next.Deleted = time.Now().UTC()
	_, err := e.putKept(ctx, next, nil)
	return err
}

// poke fills a channel of one without waiting.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
