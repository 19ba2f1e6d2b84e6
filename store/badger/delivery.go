package badger

import (
	"encoding/binary"

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
