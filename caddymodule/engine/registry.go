package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// MaxKept bounds the subscriptions made through the API: each is held in memory,
// and a change looks at all.
const MaxKept = 10_000

// ErrTooMany says that there are MaxKept.
var ErrTooMany = fmt.Errorf("there are %d subscriptions, as many as there may be: delete one first", MaxKept)

// Kept returns the subscriptions that were made through the API; nil if they are not read yet.
func (e *Engine) Kept() *kept.List { return e.kept.Load() }

// openKept reads the kept subscriptions, once. e.mu is held.
func (e *Engine) openKept(ctx context.Context, s *kept.Sealer) error {
	now := time.Now()
	if e.Kept() != nil {
		return nil
	}
	all, err := e.Store.AllKept(ctx)
	if err != nil {
		return trouble{err}
	}
	list, again := make([]*kept.Subscription, 0, len(all)), false
	for _, k := range all {
		opened, other, err := kept.Open(k, s, now)
		if err != nil {
			return err
		}
		list, again = append(list, opened), again || other
	}
	e.kept.Store(kept.NewList(list)) // in order once it is numbered
	e.sealer, e.mixed = s, again
	return nil
}

// sealAgain keeps all that is kept as s seals it. Each is by itself: if it ends
// early, some are sealed as before, and only a sealer that has both keys opens all.
func (e *Engine) sealAgain(ctx context.Context, s *kept.Sealer) error {
	if e.sealer.Same(s) && !e.mixed {
		return nil
	}
	e.mixed = true
	for _, k := range e.Kept().All() {
		next := *k
		next.Revision++
		sealed, err := next.Seal(s)
		if err == nil {
			if err = e.Store.PutKept(ctx, sealed, nil); err != nil {
				err = trouble{err}
			}
		}
		if err != nil {
			return fmt.Errorf("encrypt subscriptions with another encryption_key: %w", err)
		}
		e.kept.Store(e.Kept().Put(&next))
	}
	e.sealer, e.mixed = s, false
	if n := len(e.Kept().All()); n > 0 && s.Encrypts() {
		e.Logger.Info("subscriptions made through the API are encrypted with the first encryption_key; no other is needed", "subscriptions", n)
	}
	return nil
}

// PutKept makes k durable and then true: its Revision must follow the one there
// is, or the error wraps [store.ErrChanged]. allowed may refuse it for what there
// is already; nil allows it.
func (e *Engine) PutKept(ctx context.Context, k kept.Subscription, allowed func(*kept.List) error) (*kept.Subscription, error) {
	return e.putKept(ctx, k, allowed, nil)
}

// Turning resumes a subscription, or pauses it unless Active.
type Turning struct {
	Active bool
	Reason string
}

// TurnKept is PutKept for one that is there and is paused or resumed too: in one
// commit, so that it is not changed by halves.
func (e *Engine) TurnKept(ctx context.Context, k kept.Subscription, t Turning) (*kept.Subscription, error) {
	return e.putKept(ctx, k, nil, &t)
}

func (e *Engine) putKept(ctx context.Context, k kept.Subscription, allowed func(*kept.List) error, turn *Turning) (*kept.Subscription, error) {
	ctx = context.WithoutCancel(ctx) // what is begun has an end that we know
	e.mu.Lock()
	defer e.mu.Unlock()
	now, list := time.Now().UTC(), e.Kept()
	was := list.Get(k.ID)
	if k.Changed = now; was == nil {
		if len(list.All()) >= MaxKept {
			return nil, ErrTooMany
		}
		k.Created = now
	}
	if allowed != nil {
		if err := allowed(list); err != nil {
			return nil, err
		}
	}
	k.Ready = nil
	if k.Deleted.IsZero() {
		k.Ready = k.Build(now)
	}
	s, err := e.Current().Changed(&k)
	if err != nil {
		return nil, err
	}
	enforce := func(state webhook.SubscriptionState) error {
		e.kept.Store(list.Put(&k))
		if k.Ready == nil || !k.Content.NextEnd(now).IsZero() {
			poke(e.tended)
		}
		return e.enforceOne(s, &k, state)
	}
	if turn != nil {
		err = e.writeTurned(ctx, &k, was, turn, enforce)
	} else {
		var state webhook.SubscriptionState
		if state, err = e.writeKept(ctx, &k, was); err == nil {
			err = enforce(state)
		}
	}
	if err != nil {
		return nil, err
	}
	return &k, nil
}

// writeTurned is writeKept for one whose state changes with it, and puts it into
// force between: what is resumed goes by what it is from then on.
func (e *Engine) writeTurned(ctx context.Context, k, was *kept.Subscription, turn *Turning, enforce func(webhook.SubscriptionState) error) error {
	if was == nil || was.Ready == nil {
		return fmt.Errorf("subscription %s is deleted: %w", k.ID, store.ErrChanged)
	}
	k.Ready.SetNumber(was.Ready.Number)
	sealed, err := k.Seal(e.sealer)
	if err != nil {
		return err
	}
	return e.Deliverer.Turn(ctx, k.ID, turn.Active, turn.Reason, func(ctx context.Context, st webhook.SubscriptionState) (webhook.SubscriptionState, error) {
		if err := e.Store.PutKept(ctx, sealed, &st); err != nil {
			return st, err
		}
		return st, enforce(st)
	})
}

// writeKept makes k durable, and its state if it is new, together: what cannot be
// kept leaves nothing behind. It gives k its number, and returns its state.
func (e *Engine) writeKept(ctx context.Context, k, was *kept.Subscription) (st webhook.SubscriptionState, err error) {
	sealed, err := k.Seal(e.sealer)
	if err != nil {
		return st, err
	}
	var first *webhook.SubscriptionState
	if k.Ready != nil && was != nil && was.Ready != nil {
		k.Ready.SetNumber(was.Ready.Number)
		st, _ = e.Deliverer.State(k.ID)
	} else if k.Ready != nil {
		st = webhook.NewState(k.ID, 0, time.Now())
		first = &st
	}
	if err := e.Store.PutKept(ctx, sealed, first); err != nil {
		return st, err
	}
	if first != nil {
		k.Ready.SetNumber(st.Number)
	}
	if first != nil && !e.sealer.Encrypts() {
		e.plainly.Do(func() {
			e.Logger.Warn("encryption_key is not set: subscriptions made through the API are kept with their secrets as they are; write encryption_key {env.NAME}")
		})
	}
	return st, nil
}

// enforceOne puts s into force, in which only k is otherwise than before. e.mu is
// held.
func (e *Engine) enforceOne(s *settings.Set, k *kept.Subscription, state webhook.SubscriptionState) (err error) {
	e.coming.Store(s)
	defer e.coming.Store(nil)
	if k.Ready == nil {
		e.Deliverer.Forget(k.ID)
	} else if err = e.Deliverer.Update(k.Ready, state); err != nil {
		return err
	}
	e.earlier.Store(e.active.Swap(s))
	return nil
}

// DeleteKept deletes k. What it is owed is cancelled behind.
func (e *Engine) DeleteKept(ctx context.Context, k *kept.Subscription) error {
	next := kept.Subscription{Kept: k.Kept}
	next.Revision++
	next.Deleted = time.Now().UTC()
	_, err := e.PutKept(ctx, next, nil)
	return err
}

// poke fills a channel of one without waiting.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
