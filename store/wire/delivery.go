package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of a delivery.
const (
	deliveryID Number = iota + 1
	deliveryEvent
	deliverySubscription
	deliveryPosition
	deliveryLane
	deliveryPriority
	deliveryUnjudged
	deliveryState
	deliveryReason
	deliveryAttempts
	deliveryRequests
	deliveryDue
	deliveryCreated
	deliverySettled
	deliveryIDs   // the exchange, and the tails of the event and the delivery
	deliveryChunk // its number, and the tails of the further events
	deliveryEarlier
	deliveryBytes
)

// AppendDelivery appends the encoding of d to buf.
func AppendDelivery(buf []byte, d *webhook.Delivery) []byte {
	buf = appendIDs(buf, d)
	buf = AppendString(buf, deliverySubscription, string(d.Subscription))
	buf = AppendUint(buf, deliveryPosition, d.Position)
	buf = AppendString(buf, deliveryLane, d.Lane)
	buf = AppendUint(buf, deliveryPriority, uint64(d.Priority))
	buf = AppendBool(buf, deliveryUnjudged, d.Unjudged)
	buf = AppendString(buf, deliveryState, string(d.State))
	buf = AppendString(buf, deliveryReason, d.Reason)
	buf = AppendInt(buf, deliveryAttempts, int64(d.Attempts))
	buf = AppendInt(buf, deliveryRequests, int64(d.Requests))
	buf = AppendTime(buf, deliveryDue, d.Due)
	buf = AppendTime(buf, deliveryCreated, d.Created)
	buf = AppendTime(buf, deliverySettled, d.Settled)
	buf = AppendUint(buf, deliveryBytes, uint64(d.Bytes))
	if d.Earlier != nil {
		buf = appendEarlier(buf, d.Earlier)
	}
	if d.Chunk == nil {
		return buf
	}
	return AppendBytes(buf, deliveryChunk, appendChunk(nil, d.Chunk))
}

func appendChunk(buf []byte, c *webhook.Chunk) []byte {
	buf = binary.AppendUvarint(buf, uint64(c.Number))
	for i := range c.Further {
		buf = append(buf, c.Further[i][:]...)
	}
	return buf
}

// decodeChunk reads what [appendChunk] wrote.
func decodeChunk(r *Reader) *webhook.Chunk {
	b := r.Bytes()
	number, n := binary.Uvarint(b)
	if n <= 0 || number > math.MaxInt32 || (len(b)-n)%8 != 0 {
		r.Fail(fmt.Errorf("a chunk of %d bytes, which is none", len(b)))
		return nil
	}
	c := &webhook.Chunk{Number: int(number)}
	for b = b[n:]; len(b) > 0; b = b[8:] {
		c.Further = append(c.Further, [8]byte(b))
	}
	return c
}

// appendEarlier appends how a delivery stood, under the numbers of how it stands.
func appendEarlier(buf []byte, e *webhook.Earlier) []byte {
	buf, mark := OpenMessage(buf, deliveryEarlier)
	buf = AppendString(buf, deliveryState, string(e.State))
	buf = AppendString(buf, deliveryReason, e.Reason)
	buf = AppendInt(buf, deliveryAttempts, int64(e.Attempts))
	buf = AppendUint(buf, deliveryPriority, uint64(e.Priority))
	return CloseMessage(AppendTime(buf, deliverySettled, e.Settled), mark)
}

// decodeEarlier reads what [appendEarlier] wrote.
func decodeEarlier(r *Reader) *webhook.Earlier {
	e := new(webhook.Earlier)
	part := NewReader(r.Bytes())
	for part.Next() {
		switch part.Number() {
		case deliveryState:
			e.State = deliveryStateOf(part.Bytes())
		case deliveryReason:
			e.Reason = part.String()
		case deliveryAttempts:
			e.Attempts = int(part.Int())
		case deliveryPriority:
			e.Priority = webhook.Priority(part.Small(uint8(webhook.Replaying)))
		case deliverySettled:
			e.Settled = part.Time()
		}
	}
	r.Fail(part.Err())
	if !e.State.Final() || !slices.Contains(webhook.DeliveryStates(), e.State) {
		r.Fail(fmt.Errorf("an earlier state %q, which is none", e.State))
	}
	return e
}

// appendIDs appends the ids of d and its event, which are 32 bytes as a rule.
func appendIDs(buf []byte, d *webhook.Delivery) []byte {
	x, tail, ok := d.Event.Exchange()
	of, own, ours := d.ID.Exchange()
	if !ok || !ours || x != of {
		buf = AppendString(buf, deliveryID, string(d.ID))
		return AppendString(buf, deliveryEvent, string(d.Event))
	}
	var ids [32]byte
	copy(ids[copy(ids[:], x[:]):], tail[:])
	copy(ids[24:], own[:])
	return AppendBytes(buf, deliveryIDs, ids[:])
}

// decodeIDs reads the field of [appendIDs].
func decodeIDs(r *Reader, d *webhook.Delivery) {
	ids := r.Bytes()
	if len(ids) != 32 {
		r.Fail(fmt.Errorf("ids of %d bytes instead of 32", len(ids)))
		return
	}
	x := webhook.ExchangeID(ids[:16])
	d.Event = webhook.JoinEventID(x, [8]byte(ids[16:]))
	d.ID = webhook.JoinDeliveryID(x, [8]byte(ids[24:]))
}

// DecodeDelivery reads what [AppendDelivery] wrote. The result shares nothing
// with data. A priority that this version does not know is an error.
func DecodeDelivery(data []byte) (*webhook.Delivery, error) {
	d := new(webhook.Delivery)
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case deliveryID:
			d.ID = webhook.DeliveryID(r.String())
		case deliveryEvent:
			d.Event = webhook.EventID(r.String())
		case deliveryIDs:
			decodeIDs(&r, d)
		case deliveryChunk:
			d.Chunk = decodeChunk(&r)
		case deliveryBytes:
			d.Bytes = r.Count()
		case deliveryEarlier:
			d.Earlier = decodeEarlier(&r)
		case deliverySubscription:
			d.Subscription = webhook.SubscriptionID(r.String())
		case deliveryPosition:
			d.Position = r.Uint()
		case deliveryLane:
			d.Lane = r.String()
		case deliveryPriority:
			d.Priority = webhook.Priority(r.Small(uint8(webhook.Replaying)))
		case deliveryUnjudged:
			d.Unjudged = r.Bool()
		default:
			decodeDeliveryState(&r, d)
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("decode delivery: %w", err)
	}
	return d, nil
}

func decodeDeliveryState(r *Reader, d *webhook.Delivery) {
	switch r.Number() {
	case deliveryState:
		d.State = deliveryStateOf(r.Bytes())
	case deliveryReason:
		d.Reason = r.String()
	case deliveryAttempts:
		d.Attempts = int(r.Int())
	case deliveryRequests:
		d.Requests = int(r.Int())
	case deliveryDue:
		d.Due = r.Time()
	case deliveryCreated:
		d.Created = r.Time()
	case deliverySettled:
		d.Settled = r.Time()
	}
}

// deliveryStateOf spares an allocation for the two usual states.
func deliveryStateOf(b []byte) webhook.DeliveryState {
	switch string(b) {
	case string(webhook.Pending):
		return webhook.Pending
	case string(webhook.Delivered):
		return webhook.Delivered
	}
	return webhook.DeliveryState(b)
}
