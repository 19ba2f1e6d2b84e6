package badger

import (
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// maxDeliveries is how many deliveries of one event are committed with it.
const maxDeliveries = 1000

// putDeliveries returns copies of the deliveries with the positions of their
// events, and queues them, or keeps those that are too many for later.
func (t *tx) putDeliveries(events []webhook.Event, ds []webhook.Delivery) ([]webhook.Delivery, error) {
	if len(ds) == 0 {
		return nil, nil
	}
	out := make([]webhook.Delivery, len(ds))
	copy(out, ds)
	own := positions{events: events}
	var count map[uint64]int
	if len(ds) > maxDeliveries {
		count = map[uint64]int{}
	}
	var rest map[uint64][]webhook.Delivery
	for i := range out {
		d := &out[i]
		position, recent := own.of(d.Event)
		if !recent {
			var known bool
			var err error
			if position, known, err = t.replayed(d); err != nil {
				return nil, err
			}
			if known {
				continue
			}
		}
		t.complete(d, position)
		if err := t.putMembers(d, &own); err != nil {
			return nil, err
		}
		if count != nil {
			if count[position]++; count[position] > maxDeliveries {
				if rest == nil {
					rest = map[uint64][]webhook.Delivery{}
				}
				rest[position] = append(rest[position], *d)
				continue
			}
		}
		if err := t.putDelivery(d, recent); err != nil {
			return nil, err
		}
	}
	for position, ds := range rest {
		if err := t.putRest(position, ds); err != nil {
			return nil, err
		}
	}
	return out, t.ageFresh(2 * len(ds))
}

// positions finds the positions of a record's own events. Their deliveries come
// in their order as a rule, so it begins where it found the last.
type positions struct {
	events []webhook.Event
	at     int
	byID   map[webhook.EventID]uint64 // nil until it is needed
}

func (p *positions) of(id webhook.EventID) (position uint64, ok bool) {
	for range p.events {
		if p.events[p.at].ID == id {
			return p.events[p.at].Position, true
		}
		p.at = (p.at + 1) % len(p.events)
	}
	return 0, false
}

// replayed returns the position of an event recorded earlier, of which d is
// another delivery, and whether d itself is known already.
func (t *tx) replayed(d *webhook.Delivery) (position uint64, known bool, err error) {
	position, ok, err := t.eventPosition(d.Event)
	if err != nil {
		return 0, false, err
	}
	if !ok {
		return 0, false, fmt.Errorf("delivery %s is of event %s, which is not there", d.ID, d.Event)
	}
	old, err := t.get(keyDelivery(place{position, tailOf(d.ID)}))
	return position, old.found(), err
}

// complete fills in what the store knows of a new delivery.
func (t *tx) complete(d *webhook.Delivery, position uint64) {
	d.Position = position
	if d.Created.IsZero() {
		d.Created = t.now
	}
	if d.State == "" {
		d.State = webhook.Pending
	}
	if d.Due.IsZero() && !d.State.Final() {
		d.Due = d.Created
	}
}
