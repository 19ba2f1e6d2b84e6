package badger

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// A body is kept once. What shows it elsewhere names it, one step at a time:
// a snapshot the after of its entity's newest event, an event that of the
// entity's event before. Each event has the position of that one, prev.
//
// What names prev is itself or a snapshot, so who forgets an event needs to
// look no further than that (forget.go).

// naming says where a before or an after is.
type naming byte

const (
	absent    naming = iota // nil
	inline                  // here
	prevAfter               // the after of prev
	sibling                 // a before: the before of prev, which is of the same record; an after: the before of its event
)

// maxHops bounds how many steps lead to a body.
const maxHops = 16

// storedEvent is an event as it is on disk: flags, when it was recorded
// (8 bytes), how far before it prev is (0: there is none), its part of the
// exchange's list unless that is 0, its before and after if they are inline, and
// the rest. Numbers are varints.
type storedEvent struct {
	eventHead
	position      uint64
	before, after json.RawMessage // if inline
	rest          []byte          // wire.AppendEvent; empty if only bodies are kept
}

type eventHead struct {
	beforeAt, afterAt naming

	// chained: the snapshot of its entity led to it when it was recorded, so
	// what leads to it now is that, an event, or a key of tableEntity.
	chained bool
	named   bool // the next event's before may be its before

	recorded uint64
	prev     uint64 // 0: none
	part     uint32
}

// Flags of a stored event, above two of each naming.
const (
	flagChained byte = 1 << (4 + iota)
	flagNamed
	flagPart
)

// maxEventHead is more than an encoded head takes.
const maxEventHead = 1 + 8 + 2*binary.MaxVarintLen64

func (h *eventHead) append(buf []byte, position uint64) []byte {
	flags := byte(h.beforeAt) | byte(h.afterAt)<<2
	if h.chained {
		flags |= flagChained
	}
	if h.named {
		flags |= flagNamed
	}
	if h.part > 0 {
		flags |= flagPart
	}
	buf = binary.BigEndian.AppendUint64(append(buf, flags), h.recorded)
	distance := uint64(0)
	if h.prev > 0 {
		distance = position - h.prev
	}
	buf = binary.AppendUvarint(buf, distance)
	if h.part > 0 {
		buf = binary.AppendUvarint(buf, uint64(h.part))
	}
	return buf
}

// inlineSize is how many bytes of body [appendInline] appends, its length aside.
func inlineSize(n naming, body []byte) int {
	if n != inline {
		return 0
	}
	return len(body)
}

func appendInline(buf []byte, n naming, body []byte) []byte {
	if n != inline {
		return buf
	}
	return append(binary.AppendUvarint(buf, uint64(len(body))), body...)
}

// parseEventHead reads the beginning of a stored event.
func parseEventHead(position uint64, data []byte) (h eventHead, rest []byte, err error) {
	if len(data) < 10 {
		return h, nil, errBroken("event")
	}
	flags := data[0]
	h.beforeAt, h.afterAt = naming(flags&3), naming(flags>>2&3)
	h.chained, h.named = flags&flagChained != 0, flags&flagNamed != 0
	h.recorded = binary.BigEndian.Uint64(data[1:])
	distance, n := binary.Uvarint(data[9:])
	if n <= 0 || distance > position {
		return h, nil, errBroken("event")
	}
	rest = data[9+n:]
	if distance > 0 {
		h.prev = position - distance
	}
	if flags&flagPart != 0 {
		part, n := binary.Uvarint(rest)
		if n <= 0 {
			return h, nil, errBroken("event")
		}
		h.part, rest = uint32(part), rest[n:]
	}
	return h, rest, nil
}

func parseEvent(position uint64, data []byte) (s storedEvent, err error) {
	s.position = position
	if s.eventHead, s.rest, err = parseEventHead(position, data); err != nil {
		return s, err
	}
	ok := true
	if s.beforeAt == inline {
		s.before, s.rest, ok = cutBytes(s.rest)
	}
	if ok && s.afterAt == inline {
		s.after, s.rest, ok = cutBytes(s.rest)
	}
	if !ok {
		return s, errBroken("event")
	}
	return s, nil
}

// readStored returns the event at position; found is false if there is none.
func readStored(g getter, position uint64) (s storedEvent, found bool, err error) {
	data, err := getLong(g, keyEvent(position))
	if err != nil || data == nil {
		return s, false, err
	}
	s, err = parseEvent(position, data)
	return s, err == nil, err
}

// readHead is readStored for who needs no more than the head.
func readHead(g getter, position uint64) (h eventHead, found bool, err error) {
	data, err := getStart(g, keyEvent(position))
	if err != nil || data == nil {
		return h, false, err
	}
	h, _, err = parseEventHead(position, data)
	return h, err == nil, err
}

// bare returns the event without its before and after.
func (s *storedEvent) bare() (*webhook.Event, error) {
	e, err := wire.DecodeEvent(s.rest)
	if err != nil {
		return nil, err
	}
	e.Position, e.Recorded = s.position, fromNanos(s.recorded)
	return e, nil
}

// whole returns the event.
func (s *storedEvent) whole(g getter) (*webhook.Event, error) {
	e, err := s.bare()
	if err != nil {
		return nil, err
	}
	return e, s.fill(g, e)
}

// fill gives e its before and after.
func (s *storedEvent) fill(g getter, e *webhook.Event) (err error) {
	if e.Before, err = s.body(g, false); err != nil {
		return err
	}
	if s.afterAt == sibling {
		e.After = e.Before
		return nil
	}
	e.After, err = s.body(g, true)
	return err
}

// body returns the event's before or after.
func (s storedEvent) body(g getter, after bool) (json.RawMessage, error) {
	for range 2 * (maxHops + 2) {
		named, here := s.beforeAt, s.before
		if after {
			named, here = s.afterAt, s.after
		}
		switch {
		case named == absent:
			return nil, nil
		case named == inline:
			return here, nil
		case named == sibling && after:
			after = false
			continue
		}
		after = named == prevAfter
		var err error
		if s, err = readBodies(g, s.prev); err != nil {
			return nil, err
		}
	}
	return nil, errBroken("body")
}

// readBodies returns the event at position, or what is left of it.
func readBodies(g getter, position uint64) (storedEvent, error) {
	s, found, err := readStored(g, position)
	if found || err != nil {
		return s, err
	}
	data, err := getLong(g, keyBody(position))
	if err == nil && data == nil {
		err = errBroken("body")
	}
	if err != nil {
		return s, err
	}
	return parseEvent(position, data)
}

// An exchange's events are listed in parts, each under a key of its own: a list
// of positions (varints, each but the first as the distance from that before),
// each followed by what the event's id has beside the exchange.
type listed struct {
	position uint64
	rest     [8]byte
}

// partSize is how many events a part lists.
const partSize = 256

func appendListed(buf []byte, events []listed) []byte {
	last := uint64(0)
	for _, l := range events {
		buf = binary.AppendUvarint(buf, l.position-last)
		buf = append(buf, l.rest[:]...)
		last = l.position
	}
	return buf
}

func parseListed(b []byte) (events []listed, err error) {
	events = slices.Grow(events, len(b)/9)
	for last := uint64(0); len(b) > 0; {
		distance, n := binary.Uvarint(b)
		if n <= 0 || len(b) < n+8 {
			return nil, errBroken("list of events")
		}
		last += distance
		events = append(events, listed{last, [8]byte(b[n:])})
		b = b[n+8:]
	}
	return events, nil
}
