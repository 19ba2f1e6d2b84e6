package badger

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/sidehook/sidehook/store"
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

// unhappy reports whether a state has an index of its own: those that are few and
// looked for.
func unhappy(s webhook.DeliveryState) bool { return s != webhook.Pending && s != webhook.Delivered }

// standing is the part of a stored delivery that the queue needs.
type standing struct {
	state webhook.DeliveryState
	queuePlace
}

// storedDelivery is a delivery as it is on disk.
type storedDelivery struct {
	standing
	tag     uint32 // of its subscription
	further bool   // it has attempts of their own keys
	queued  bool   // it is not fresh, as was known when this was written
	attempt []byte // one that is kept here, encoded; nil: none
	rest    []byte // what the fields above do not say, encoded
}

// deliveryHead is the length of what precedes the attempt: state, priority,
// due, tag and flags.
const deliveryHead = 15

// Flags of a stored delivery.
const (
	furtherAttempts byte = 1 << iota // storedDelivery.further
	queuedOnDisk                     // storedDelivery.queued
)

// tagOf tells most subscriptions apart without decoding a delivery.
func tagOf(s subscription) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

// encode encodes s; if d is not nil, d is what it says.
func (s *storedDelivery) encode(d *webhook.Delivery) []byte {
	if d != nil {
		s.state, s.priority, s.due, s.tag = d.State, d.Priority, dueOf(d), tagOf(d.Subscription)
	}
	flags := byte(0)
	if s.further {
		flags |= furtherAttempts
	}
	if s.queued {
		flags |= queuedOnDisk
	}
	size := deliveryHead + 3 + len(s.attempt) + len(s.rest)
	if d != nil {
		size += 80 + len(d.Subscription) + len(d.Lane) + len(d.Reason)
	}
	buf := make([]byte, 0, size)
	buf = append(buf, stateNumber(s.state), byte(s.priority))
	buf = binary.BigEndian.AppendUint64(buf, s.due)
	buf = append(binary.BigEndian.AppendUint32(buf, s.tag), flags)
	buf = append(binary.AppendUvarint(buf, uint64(len(s.attempt))), s.attempt...)
	if d == nil {
		return append(buf, s.rest...)
	}
	bare := *d
	bare.Position, bare.Priority, bare.State, bare.Due = 0, 0, "", fromNanos(0)
	return wire.AppendDelivery(buf, &bare)
}

func parseDelivery(p place, b []byte) (s storedDelivery, err error) {
	if len(b) < deliveryHead || int(b[0]) >= len(states) {
		return s, errBroken("delivery")
	}
	s.standing = standing{states[b[0]], queuePlace{p, webhook.Priority(b[1]), binary.BigEndian.Uint64(b[2:])}}
	s.tag = binary.BigEndian.Uint32(b[10:])
	s.further, s.queued = b[14]&furtherAttempts != 0, b[14]&queuedOnDisk != 0
	attempt, rest, ok := cutBytes(b[deliveryHead:])
	if !ok {
		return s, errBroken("delivery")
	}
	if len(attempt) > 0 {
		s.attempt = attempt
	}
	s.rest = rest
	return s, nil
}

// settledDelivery reports whether a write is of a delivery in its final state,
// which is hardly read again.
func settledDelivery(k string, v value) bool {
	return k[0] == tableDelivery && len(v.bytes) > 0 && int(v.bytes[0]) < len(states) && states[v.bytes[0]].Final()
}

func (s *storedDelivery) decode() (*webhook.Delivery, error) {
	d, err := wire.DecodeDelivery(s.rest)
	if err != nil {
		return nil, err
	}
	d.Position, d.Priority, d.State = s.position, s.priority, s.state
	if s.state != webhook.Held {
		d.Due = fromNanos(s.due)
	}
	return d, nil
}

// readDelivery returns the delivery at p; found is false if there is none.
func readDelivery(g getter, p place) (s storedDelivery, found bool, err error) {
	v, err := g.get(keyDelivery(p))
	if err != nil || !v.found() {
		return s, false, err
	}
	s, err = parseDelivery(p, v.bytes)
	return s, err == nil, err
}

func decodeDelivery(p place, b []byte) (*webhook.Delivery, error) {
	s, err := parseDelivery(p, b)
	if err != nil {
		return nil, err
	}
	return s.decode()
}

// maxInline bounds an attempt that is kept with its delivery, in bytes.
const maxInline = 2 << 10

// putAttempt keeps a: with the delivery, if there is room and no other. s is
// to be encoded before the next call.
func (t *tx) putAttempt(s *storedDelivery, a *webhook.Attempt) error {
	bare := *a
	bare.Delivery = "" // the key says it
	data := wire.AppendAttempt(t.scratch[:0], &bare)
	t.scratch = data[:0]
	if s.attempt != nil {
		was, err := wire.DecodeAttempt(s.attempt)
		if err != nil {
			return err
		}
		if was.Number == a.Number {
			s.attempt = nil
		}
	}
	if s.attempt == nil && len(data) <= maxInline {
		s.attempt = data
		return nil
	}
	s.further = true
	t.putLong(keyAttempts(s.place).u32(uint32(a.Number)), slices.Clone(data))
	if old := a.Number - store.LastAttempts; old > store.FirstAttempts {
		return t.deleteLong(keyAttempts(s.place).u32(uint32(old)))
	}
	return nil
}

// putDelivery puts a new delivery and queues it if it is owed. recent says that
// its event is of the same record.
func (t *tx) putDelivery(d *webhook.Delivery, recent bool) error {
	p := placeOf(d)
	stored := storedDelivery{queued: true}
	if !d.State.Final() {
		var err error
		if stored.queued, err = t.enqueueNew(d, recent); err != nil {
			return err
		}
	}
	if stored.queued {
		t.effect(func(q *queue) { q.fresh.count++ })
	}
	t.put(keyDelivery(p.place), stored.encode(d))
	t.listBlock(d.Subscription, p.position)
	if unhappy(d.State) {
		t.putFailed(d.State, tagOf(d.Subscription), p.place)
	}
	return nil
}

// changeDelivery puts d in place of what it was. What is owed after a change is
// not fresh.
func (t *tx) changeDelivery(s storedDelivery, d *webhook.Delivery) {
	was := s.state
	s.queued = true
	t.put(keyDelivery(s.place), s.encode(d))
	if was == d.State {
		return
	}
	if unhappy(was) {
		t.dropFailed(was, s.tag, s.place)
	}
	if unhappy(d.State) {
		t.putFailed(d.State, s.tag, s.place)
	}
}

// putFailed lists a delivery under its state.
func (t *tx) putFailed(s webhook.DeliveryState, tag uint32, p place) {
	t.putKey(keyFailed(stateNumber(s), p))
	t.putKey(keyFailedOf(stateNumber(s), tag, p))
}

func (t *tx) dropFailed(s webhook.DeliveryState, tag uint32, p place) {
	t.delete(keyFailed(stateNumber(s), p))
	t.delete(keyFailedOf(stateNumber(s), tag, p))
}
