package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// tendEvery is how often deleted subscriptions are looked after. Events that
	// were being recorded when one was deleted may be owed to it a little later.
	tendEvery = time.Minute

	// forgetDeleted is how long a deleted subscription is known: by far longer
	// than anything that began before is under way.
	forgetDeleted = 10 * time.Minute

	// cancelAtOnce is how many deliveries are cancelled in one commit.
	cancelAtOnce = 256
)

// tend ends secrets whose time is over, tells of subscriptions that fail, deletes subscriptions that delete_after
// has ended, and cancels what deleted ones are owed, until ctx ends.
func (e *engine) tend(ctx context.Context) {
	for {
		now := time.Now()
		wake := time.NewTimer(e.endSecrets(now))
		e.tellFailing(ctx)
		e.deleteTimedOut(ctx)
		e.cancelDeleted(ctx, now)
		select {
		case <-wake.C:
		case <-e.tended:
		case <-ctx.Done():
		}
		wake.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// endSecrets puts subscriptions into force without those secrets that have ended
// by now, and returns when to look again.
func (e *engine) endSecrets(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	wait := tendEvery
	for _, k := range e.kept.Load().all() {
		if next := k.body.nextEnd(now); !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		if !k.body.ended(now, len(k.sub.Secrets)) {
			continue
		}
		next := *k
		next.sub = next.build(now)
		next.sub.Number = k.sub.Number
		s, err := e.current().changed(&next)
		if err == nil {
			e.kept.Store(e.kept.Load().put(&next))
			state, _ := e.deliverer.State(k.ID)
			err = e.enforceOne(s, &next, state)
		}
		if err != nil {
			e.logger.Error("a secret whose time is over still signs", "subscription", string(k.ID), "error", err)
		}
	}
	return wait
}

// deleteTimedOut deletes those of the API that delete_after has ended.
func (e *engine) deleteTimedOut(ctx context.Context) {
	list := e.kept.Load()
	for _, st := range e.deliverer.States() {
		k := list.get(st.ID)
		if k == nil || k.sub == nil || st.Status != webhook.Disabled || st.Reason != webhook.ReasonDeleteAfter {
			continue
		}
		switch err := e.deleteKept(ctx, k); {
		case err == nil:
			e.logger.Warn("subscription is deleted", "subscription", string(k.ID), "reason", st.Reason)
		case !errors.Is(err, store.ErrChanged):
			e.logger.Error("a subscription that delete_after has ended is not deleted yet", "subscription", string(k.ID), "error", err)
		}
	}
}

// cancelDeleted cancels what deleted subscriptions are owed, and forgets those
// that were deleted long ago.
func (e *engine) cancelDeleted(ctx context.Context, now time.Time) {
	deleted := e.kept.Load().deleted()
	if len(deleted) == 0 {
		return
	}
	owed := make(map[webhook.SubscriptionID]bool)
	backlogs, err := e.store.Backlogs(ctx)
	for _, b := range backlogs {
		owed[b.Subscription] = true
	}
	for _, k := range deleted {
		switch {
		case err != nil:
		case owed[k.ID]:
			err = e.cancelOwed(ctx, k.ID)
		case now.Sub(k.Deleted) > forgetDeleted:
			err = e.forgetKept(ctx, k)
		}
	}
	if err != nil && ctx.Err() == nil {
		e.logger.Error("what deleted subscriptions are owed is not cancelled yet", "error", err)
	}
}

// cancelOwed cancels what a deleted subscription is owed, due or held.
func (e *engine) cancelOwed(ctx context.Context, id webhook.SubscriptionID) error {
	for _, state := range []webhook.DeliveryState{webhook.Pending, webhook.Held} {
		if err := e.cancelIn(ctx, id, state); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) cancelIn(ctx context.Context, id webhook.SubscriptionID, state webhook.DeliveryState) error {
	q := store.DeliveryQuery{Subscription: id, State: state, Max: cancelAtOnce}
	for {
		ds, err := e.store.Deliveries(ctx, q)
		if err != nil || len(ds) == 0 {
			return err
		}
		settlements := make([]webhook.Settlement, len(ds))
		for i, d := range ds {
			settlements[i].Delivery = d.Cancel("its subscription was deleted", time.Now().UTC())
		}
		if err := e.store.Settle(ctx, settlements...); err != nil {
			return err
		}
		countCancelled(settlements)
		q.Below = ds[len(ds)-1].Position + 1 // there may be more of that position
	}
}

// forgetKept forgets a subscription that was deleted.
func (e *engine) forgetKept(ctx context.Context, k *keptSubscription) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.store.DropKept(ctx, k.ID); err != nil {
		return err
	}
	e.kept.Store(e.kept.Load().without(k.ID))
	return nil
}
