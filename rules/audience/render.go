package audience

import (
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Render returns what d sends of e, as [payload.Shape.Render] says it. Of a chunk,
// e is the first event and further are those behind it that are kept.
//
// An error is ours, not the receiver's: the subscription is not known, does not
// compile, or its payload takes too long on this event.
func (s *Subscribers) Render(e *webhook.Event, d *webhook.Delivery, further ...*webhook.Event) (webhook.Payload, error) {
	c := s.find(d.Subscription)
	if c == nil {
		return webhook.Payload{}, fmt.Errorf("render %s: there is no subscription %s", e.ID, d.Subscription)
	}
	if c.broken != nil {
		return webhook.Payload{}, fmt.Errorf("render %s: %w", e.ID, c.broken)
	}
	c = c.as(e.Key.Resource)
	return c.shape.Render(c.Subscription, e, d, further)
}
