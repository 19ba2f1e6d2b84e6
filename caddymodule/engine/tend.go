package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/metrics"
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
func (e *Engine) tend(ctx context.Context) {
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
func (e *Engine) endSecrets(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	wait := tendEvery
	for _, k := range e.Kept().All() {
		if next := k.Content.NextEnd(now); !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		if !k.Content.Ended(now, len(k.Ready.Secrets)) {
			continue
		}
		next := *k
		next.Ready = next.Build(now)
		next.Ready.SetNumber(k.Ready.Number)
		s, err := e.Current().Changed(&next)
		if err == nil {
			e.kept.Store(e.Kept().Put(&next))
			state, _ := e.Deliverer.State(k.ID)
			err = e.enforceOne(s, &next, state)
		}
		if err != nil {
			e.Logger.Error("a secret whose time is over still signs", "subscription", string(k.ID), "error", err)
		}
	}
	return wait
}

// deleteTimedOut deletes those of the API that delete_after has ended.
func (e *Engine) deleteTimedOut(ctx context.Context) {
	list := e.Kept()
	for _, st := range e.Deliverer.States() {
		k := list.Get(st.ID)
		if k == nil || k.Ready == nil || st.Status != webhook.Disabled || st.Reason != webhook.ReasonDeleteAfter {
			continue
		}
		switch err := e.DeleteKept(ctx, k); {
		case err == nil:
			e.Logger.Warn("subscription is deleted", "subscription", string(k.ID), "reason", st.Reason)
		case !errors.Is(err, store.ErrChanged):
			e.Logger.Error("a subscription that delete_after has ended is not deleted yet", "subscription", string(k.ID), "error", err)
		}
	}
}

// cancelDeleted cancels what deleted subscriptions are owed, and forgets those
// that were deleted long ago.
func (e *Engine) cancelDeleted(ctx context.Context, now time.Time) {
	deleted := e.Kept().Deleted()
	if len(deleted) == 0 {
		return
	}
	owed := make(map[webhook.SubscriptionID]bool)
	backlogs, err := e.Store.Backlogs(ctx)
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
		e.Logger.Error("what deleted subscriptions are owed is not cancelled yet", "error", err)
	}
}

// cancelOwed cancels what a deleted subscription is owed, due or held.
func (e *Engine) cancelOwed(ctx context.Context, id webhook.SubscriptionID) error {
	for _, state := range []webhook.DeliveryState{webhook.Pending, webhook.Held} {
		if err := e.cancelIn(ctx, id, state); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) cancelIn(ctx context.Context, id webhook.SubscriptionID, state webhook.DeliveryState) error {
	q := store.DeliveryQuery{Subscription: id, State: state, Max: cancelAtOnce}
	for {
		ds, err := e.Store.Deliveries(ctx, q)
		if err != nil || len(ds) == 0 {
			return err
		}
		settlements := make([]webhook.Settlement, len(ds))
		for i, d := range ds {
			settlements[i].Delivery = d.Cancel("its subscription was deleted", time.Now().UTC())
		}
		if err := e.Store.Settle(ctx, settlements...); err != nil {
			return err
		}
		metrics.Process.Cancelled(settlements)
		q.Below = ds[len(ds)-1].Position + 1 // there may be more of that position
	}
}

// forgetKept forgets a subscription that was deleted.
func (e *Engine) forgetKept(ctx context.Context, k *kept.Subscription) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.Store.DropKept(ctx, k.ID); err != nil {
		return err
	}
	e.kept.Store(e.Kept().Without(k.ID))
	return nil
}
