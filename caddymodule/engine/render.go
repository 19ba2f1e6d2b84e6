package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Render implements [deliver.Renderer].
func (e *Engine) Render(ctx context.Context, d *webhook.Delivery, s *webhook.Subscription) (webhook.Payload, error) {
	further, err := e.further(ctx, d)
	if err != nil {
		return webhook.Payload{}, err
	}
	ev, err := e.Store.Event(ctx, d.Event)
	if errors.Is(err, store.ErrNotFound) && len(further) > 0 { // erased
		ev, further, err = further[0], further[1:], nil
	}
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			err = fmt.Errorf("%w: %w", deliver.ErrNotNow, err)
		}
		return webhook.Payload{}, err
	}
	subs, err := e.rendererOf(d.Subscription)
	if err != nil {
		return webhook.Payload{}, err
	}
	shown, looked, err := e.looker.All(ctx, append([]*webhook.Event{ev}, further...), d, s.As(ev.Key.Resource))
	metrics.Process.Looked(&looked)
	if looked.Resource = ev.Key.Resource; err != nil || looked.Withheld != nil {
		return looked, err
	}
	out, err := subs.Render(shown[0], d, shown[1:]...)
	out.Sights = looked.Sights
	return out, err
}

// further returns the events of a chunk behind the first. One that was erased is
// left out.
func (e *Engine) further(ctx context.Context, d *webhook.Delivery) (events []*webhook.Event, err error) {
	if d.Chunk == nil {
		return nil, nil
	}
	for _, id := range d.Events()[1:] {
		ev, err := e.Store.Event(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("%w: %w", deliver.ErrNotNow, err)
		default:
			events = append(events, ev)
		}
	}
	return events, nil
}

// rendererOf returns the subscribers that know a subscription. A delivery taken
// just before a reload may be of one that only the earlier configuration has, one
// taken during a reload of one that only the coming one has; and after two
// reloads nobody may know it any more: then it is not the time for it.
func (e *Engine) rendererOf(sub webhook.SubscriptionID) (*rules.Subscribers, error) {
	// In this order: what a reload moves on meanwhile is still met.
	for _, s := range []*settings.Set{e.Current(), e.coming.Load(), e.earlier.Load(), e.Current()} {
		if s != nil && s.Has(sub) {
			return s.Subscribers, nil
		}
	}
	return nil, fmt.Errorf("%w: subscription %s has left the configuration", deliver.ErrNotNow, sub)
}
