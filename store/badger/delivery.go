package badger

import (
	"encoding/binary"
	"fmt"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// states are the delivery states as a stored delivery begins with them. A
// state's number is never given to another.
var states = [...]webhook.DeliveryState{
	1: webhook.Pending, 2: webhook.Held, 3: webhook.Delivered, 4: webhook.Refused, 5: webhook.Exhausted,
	6: webhook.Dead, 7: webhook.Cancelled, 8: webhook.Expired, 9: webhook.NotVisible,
}

func stateNumber(s webhook.DeliveryState) byte {
	for i, known := range states {
		if known == s && i > 0 {
			return byte(i)
		}
	}
	return 0
}

// standing is the part of a stored delivery that the queue needs.
type standing struct {
	state webhook.DeliveryState
	queuePlace
}

// deliveryHead is the length of what precedes the encoded delivery: state,
// priority and due.
const deliveryHead = 10

func encodeDelivery(d *webhook.Delivery) []byte {
	buf := make([]byte, 0, 320)
	buf = append(buf, stateNumber(d.State), byte(d.Priority))
	buf = binary.BigEndian.AppendUint64(buf, nanos(d.Due))
	return wire.AppendDelivery(buf, d)
}

func decodeDelivery(b []byte) (*webhook.Delivery, error) {
	if len(b) < deliveryHead {
		return nil, errBroken("delivery")
	}
	return wire.DecodeDelivery(b[deliveryHead:])
}

func parseStanding(p place, b []byte) (standing, error) {
	if len(b) < deliveryHead || int(b[0]) >= len(states) {
		return standing{}, errBroken("delivery")
	}
	return standing{states[b[0]], queuePlace{p, webhook.Priority(b[1]), binary.BigEndian.Uint64(b[2:])}}, nil
}

// unhappy reports whether a state has an index of its own: the final ones that
// are few and looked for.
func unhappy(s webhook.DeliveryState) bool { return s.Final() && s != webhook.Delivered }

// putDelivery puts a new delivery and queues it if it is owed.
func (t *tx) putDelivery(d *webhook.Delivery) error {
	p := placeOf(d)
	t.put(keyDelivery(p.place), encodeDelivery(d))
	t.put(keyDeliveryID(d.ID), binary.BigEndian.AppendUint64(nil, d.Position))
	t.putKey(keySubscription(d.Subscription, p.place))
	if unhappy(d.State) {
		t.putKey(keyFailed(stateNumber(d.State), p.place))
	}
	if d.State.Final() {
		return nil
	}
	return t.enqueue(d)
}

// changeDelivery puts d in place of what it was.
func (t *tx) changeDelivery(was standing, d *webhook.Delivery) {
	t.put(keyDelivery(was.place), encodeDelivery(d))
	if was.state == d.State {
		return
	}
	if unhappy(was.state) {
		t.delete(keyFailed(stateNumber(was.state), was.place))
	}
	if unhappy(d.State) {
		t.putKey(keyFailed(stateNumber(d.State), was.place))
	}
}

// maxDeliveries is how many deliveries of one event are committed with it.
const maxDeliveries = 1000

// putDeliveries returns copies of the deliveries with the positions of their
// events, and queues them, or keeps those that are too many for later.
func (t *tx) putDeliveries(events []webhook.Event, ds []webhook.Delivery) ([]webhook.Delivery, error) {
	out := make([]webhook.Delivery, len(ds))
	copy(out, ds)
	positions := make(map[webhook.EventID]uint64, len(events))
	for i := range events {
		positions[events[i].ID] = events[i].Position
	}
	count := map[uint64]int{}
	rest := map[uint64][]webhook.Delivery{}
	for i := range out {
		d := &out[i]
		position, ok := positions[d.Event]
		if !ok {
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
		if count[position]++; count[position] > maxDeliveries {
			rest[position] = append(rest[position], *d)
			continue
		}
		if err := t.putDelivery(d); err != nil {
			return nil, err
		}
	}
	for position, ds := range rest {
		t.putRest(position, ds)
	}
	return out, nil
}

// replayed returns the position of an event recorded earlier, of which d is
// another delivery, and whether d itself is known already.
func (t *tx) replayed(d *webhook.Delivery) (position uint64, known bool, err error) {
	at, err := t.get(keyEventID(d.Event))
	if err != nil {
		return 0, false, err
	}
	if len(at.bytes) != 8 {
		return 0, false, fmt.Errorf("delivery %s is of event %s, which is not there", d.ID, d.Event)
	}
	old, err := t.get(keyDeliveryID(d.ID))
	return binary.BigEndian.Uint64(at.bytes), old.found(), err
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
