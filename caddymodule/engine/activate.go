package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/webhook"
)

// Activate makes s the configuration that counts.
func (e *Engine) Activate(ctx context.Context, s *settings.Set) error {
	for _, h := range s.Handlers {
		if err := e.Store.PutConfig(ctx, h.Config, h.Canonical); err != nil {
			return trouble{fmt.Errorf("keep the configuration of api %s: %w", h.Program.API(), err)}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.openKept(ctx, s.Sealer); err != nil {
		return err
	}
	first := len(e.configs) == 0 && e.stopDeriving == nil
	e.configs = append(e.configs, s)
	err := e.apply(ctx)
	if err == nil {
		err = e.sealAgain(ctx, s.Sealer) // last: who starts again after a failure has the key of before
	}
	if err != nil { // some of it may be in force
		return errors.Join(err, e.fallBack(len(e.configs)-1))
	}
	if first {
		e.sayStart(ctx)
		e.start()
	}
	return nil
}

// Deactivate takes s off; the newest of the others counts again. The last one
// stays in force until the engine closes: calls may still be in flight.
func (e *Engine) Deactivate(s *settings.Set) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := len(e.configs) - 1
	for i, c := range e.configs {
		if c == s && last > 0 {
			if err := e.fallBack(i); err != nil {
				e.Logger.Error("going back to the earlier configuration", "error", err)
			}
			return
		}
	}
}

// fallBack takes the configuration at i off; the newest of the others, if there is
// one, counts again. e.mu is held.
func (e *Engine) fallBack(i int) error {
	e.configs = append(e.configs[:i:i], e.configs[i+1:]...)
	last := len(e.configs) - 1
	if last < 0 {
		return nil
	}
	ctx := context.Background()
	return errors.Join(e.sealAgain(ctx, e.configs[last].Sealer), e.apply(ctx))
}

// apply puts the newest configuration into force, with the kept subscriptions.
// e.mu is held.
func (e *Engine) apply(ctx context.Context) error {
	s, all, err := e.configs[len(e.configs)-1].With(e.Kept().InUse())
	if err != nil {
		return err
	}
	states, err := e.Store.States(ctx)
	if err != nil {
		return trouble{fmt.Errorf("read the states of subscriptions: %w", err)}
	}
	if states, err = e.number(ctx, all, states); err != nil {
		return err
	}
	e.kept.Store(kept.NewList(e.Kept().Known()))
	e.log.to.Store(s.Logger)
	return e.enforce(s, all, states)
}

// enforce puts s into force, with all its subscriptions. e.mu is held.
func (e *Engine) enforce(s *settings.Set, all []*webhook.Subscription, states []webhook.SubscriptionState) error {
	e.coming.Store(s)
	defer e.coming.Store(nil)
	e.Deliverer.Through(s.Egress)
	if err := e.Deliverer.Configure(all, states, e.absent(all, states)...); err != nil {
		return err
	}
	e.syncBegins(s.JournalSync)
	e.earlier.Store(e.active.Swap(s))
	return nil
}

// number gives each subscription the number that it was given once, and those
// that are new a state.
func (e *Engine) number(ctx context.Context, subs []*webhook.Subscription, states []webhook.SubscriptionState) ([]webhook.SubscriptionState, error) {
	numbers := make(map[webhook.SubscriptionID]uint64, len(states))
	for _, st := range states {
		numbers[st.ID] = st.Number
	}
	for _, sub := range subs {
		if numbers[sub.ID] == 0 {
			st, err := e.Store.PutState(ctx, webhook.NewState(sub.ID, 0, time.Now()))
			if err != nil {
				return nil, trouble{fmt.Errorf("keep subscription %s: %w", sub.ID, err)}
			}
			states = append(states, st)
			numbers[sub.ID] = st.Number
		}
		if sub.Number == 0 { // those of an earlier configuration are in use
			sub.SetNumber(numbers[sub.ID])
		}
	}
	return states, nil
}

// absent returns the subscriptions that have a past and are not in subs, but for
// those that were deleted.
func (e *Engine) absent(subs []*webhook.Subscription, states []webhook.SubscriptionState) (gone []webhook.SubscriptionID) {
	there := make(map[webhook.SubscriptionID]bool, len(subs))
	for _, s := range subs {
		there[s.ID] = true
	}
	kept := e.Kept()
	for _, st := range states {
		if !there[st.ID] && kept.Get(st.ID) == nil {
			gone = append(gone, st.ID)
		}
	}
	return gone
}
