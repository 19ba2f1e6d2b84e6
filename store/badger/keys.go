package badger

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Tables. Positions, times and numbers are big-endian, so keys sort by them;
// texts that are not last carry their length.
const (
	tablePosition = 'm' // -> newest position

	tableMarks = 'R' // segment exchange -> further exchanges

	tableSnapshot  = 's' // entity -> snapshot
	tableTombstone = 'z' // time entity
	tablePassing   = 'y' // time entity: snapshots that may be forgotten then
	tablePiece     = 'p' // key number -> piece of a long value

	tableEvent    = 'e' // position -> event
	tableExchange = 'x' // exchange number -> a part of its events
	tableEntity   = 'n' // entity position: events that neither a snapshot nor an event leads to
	tableRelated  = 'A' // resource and id position: events that an entity is related to
	tableBody     = 'b' // position -> bodies of a forgotten event that the next one names

	// A tail is the last 8 bytes of a delivery's id.
	tableDelivery     = 'd' // position tail -> delivery, with an attempt
	tableSubscription = 'u' // subscription block: of positions, some have deliveries of it
	tableFailed       = 'F' // state position tail, for final states but delivered
	tableFailedOf     = 'D' // state, tag of the subscription, position tail: the same
	tableAttempt      = 'a' // position tail number -> further attempt
	tableMember       = 'M' // position place: the chunk there has the event as a further one

	tableFresh    = 'f' // -> no delivery of a lower position is fresh
	tableQueue    = 'q' // subscription section priority due position tail -> lane; heads only
	tableLane     = 'L' // subscription section lane -> its head
	tableFollower = 'l' // subscription lane position tail -> priority, due
	tableHold     = 'h' // subscription -> boundary between its sections
	tableCount    = 'k' // subscription -> pending deliveries
	tableRest     = 'w' // position number -> deliveries not yet queued

	tableConfig     = 'c' // config -> JSON
	tableQuarantine = 'Q' // exchange -> quarantined exchange
	tableState      = 'S' // subscription -> state
	tableNumber     = 'N' // -> last subscription number
	tableKept       = 'U' // subscription -> one that the configuration does not have
	tableReplay     = 'r' // replay -> replay
	tableSight      = 'v' // entity subscription -> whether it could see that, and when

	tableNote = 'o' // key -> note

	tableRevisit = 'g' // time position: events to look at again
	tableCursor  = 'G' // -> position up to which retention has looked

	tableRedo  = 't' // number -> writes of a large member
	tableReady = 'T' // -> how many of those; they are as good as done

	tableErased = 'X' // -> nothing: something was erased, and may be in files still
	tableTouch  = 'W' // -> nothing: written so that something is; see compact.go
	tableGround = 'Z' // -> nothing: stays in Badger's last level; see ground
)

// key is a key under construction.
type key []byte

func newKey(table byte, size int) key { return append(make(key, 0, 1+size), table) }

func (k key) u64(v uint64) key     { return binary.BigEndian.AppendUint64(k, v) }
func (k key) u32(v uint32) key     { return binary.BigEndian.AppendUint32(k, v) }
func (k key) bytes(v []byte) key   { return append(k, v...) }
func (k key) byte(v byte) key      { return append(k, v) }
func (k key) last(s string) key    { return append(k, s...) }
func (k key) time(t time.Time) key { return k.u64(nanos(t)) }
func (k key) text(s string) key {
	return append(binary.BigEndian.AppendUint16(k, uint16(len(s))), s...)
}
func (k key) sub(s subscription) key  { return k.text(string(s)) }
func (k key) delivery(p place) key    { return k.u64(p.position).u64(p.tail) }
func (k key) queued(p queuePlace) key { return k.byte(byte(p.priority)).u64(p.due).delivery(p.place) }

type subscription = webhook.SubscriptionID

// nanos returns t as a sortable number; the zero time, and all before 1970, as 0.
func nanos(t time.Time) uint64 {
	if n := t.UnixNano(); !t.IsZero() && n > 0 {
		return uint64(n)
	}
	return 0
}

func fromNanos(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(n)).UTC()
}

// digest names an entity in keys: hash(resource, id), by which all apis' and
// tenants' are found, and hash(api, tenant).
type digest [groupSize + 8]byte

const groupSize = 16

// hashOf hashes texts, each with its length.
func hashOf(parts ...string) [sha256.Size]byte {
	buf := make([]byte, 0, 128)
	for _, p := range parts {
		buf = append(binary.AppendUvarint(buf, uint64(len(p))), p...)
	}
	return sha256.Sum256(buf)
}

func entityDigest(k webhook.EntityKey) (d digest) {
	group, owner := hashOf(k.Resource, k.ID), hashOf(k.API, k.Tenant)
	copy(d[copy(d[:groupSize], group[:]):], owner[:])
	return d
}

func keyPosition() key { return key{tablePosition} }

func keyMarks(first mark) key {
	return newKey(tableMarks, 24).u64(first.segment).bytes(first.exchange[:])
}

func keySnapshot(d digest) key { return newKey(tableSnapshot, len(d)).bytes(d[:]) }
func keyTombstone(t time.Time, d digest) key {
	return newKey(tableTombstone, 8+len(d)).time(t).bytes(d[:])
}
func keyPassing(t time.Time, d digest) key {
	return newKey(tablePassing, 8+len(d)).time(t).bytes(d[:])
}

func keyEvent(position uint64) key { return newKey(tableEvent, 8).u64(position) }
func keyBody(position uint64) key  { return newKey(tableBody, 8).u64(position) }

// keyExchange has the parts in order; most exchanges have only the first.
func keyExchange(x webhook.ExchangeID, part uint32) key {
	k := newKey(tableExchange, 20).bytes(x[:])
	if part == 0 {
		return k
	}
	return k.u32(part)
}

func keyEntity(d digest, position uint64) key {
	return newKey(tableEntity, len(d)+8).bytes(d[:]).u64(position)
}

// keyRelated lists the events that an entity of any api and tenant is related to.
func keyRelated(resource, id string, position uint64) key {
	group := hashOf(resource, id)
	return newKey(tableRelated, groupSize+8).bytes(group[:groupSize]).u64(position)
}

func keyDelivery(p place) key { return newKey(tableDelivery, 16).delivery(p) }

// keySubscription lists the blocks of positions that have deliveries of s.
func keySubscription(s subscription, block uint64) key {
	return newKey(tableSubscription, 10+len(s)).sub(s).u64(block)
}
func keyFailed(state byte, p place) key {
	return newKey(tableFailed, 17).byte(state).delivery(p)
}
func keyFailedOf(state byte, tag uint32, p place) key {
	return newKey(tableFailedOf, 21).byte(state).u32(tag).delivery(p)
}
func keyMember(position uint64, chunk place) key {
	return newKey(tableMember, 24).u64(position).delivery(chunk)
}
func keyAttempts(p place) key { return newKey(tableAttempt, 20).delivery(p) }
func keyFresh() key           { return key{tableFresh} }

func keySection(s subscription, section byte) key {
	return newKey(tableQueue, 64+len(s)).sub(s).byte(section)
}
func keyLane(s subscription, section byte, lane string) key {
	return newKey(tableLane, 3+len(s)+len(lane)).sub(s).byte(section).last(lane)
}
func keyFollowers(s subscription, lane string) key {
	return newKey(tableFollower, 48+len(s)+len(lane)).sub(s).text(lane)
}
func keyHold(s subscription) key  { return newKey(tableHold, len(s)).last(string(s)) }
func keyCount(s subscription) key { return newKey(tableCount, len(s)).last(string(s)) }
func keyRest(position uint64, n uint32) key {
	return newKey(tableRest, 12).u64(position).u32(n)
}

func keyConfig(id webhook.ConfigID) key { return newKey(tableConfig, 16).bytes(id[:]) }
func keyQuarantine(x webhook.ExchangeID) key {
	return newKey(tableQuarantine, 16).bytes(x[:])
}
func keyState(s subscription) key { return newKey(tableState, len(s)).last(string(s)) }

func keyNote(name string) key { return newKey(tableNote, len(name)).last(name) }

func keySight(d digest, s subscription) key {
	return newKey(tableSight, len(d)+len(s)).bytes(d[:]).last(string(s))
}
func keyKept(s subscription) key { return newKey(tableKept, len(s)).last(string(s)) }

func keyReplay(id webhook.ReplayID) key { return newKey(tableReplay, len(id)).last(string(id)) }

func keyRevisit(t time.Time, position uint64) key {
	return newKey(tableRevisit, 16).time(t).u64(position)
}

// parseMarks reads a key of the table of marks.
func parseMarks(k []byte) (first mark, ok bool) {
	if len(k) != 25 {
		return mark{}, false
	}
	return mark{binary.BigEndian.Uint64(k[1:]), webhook.ExchangeID(k[9:])}, true
}

// place says where a delivery is kept.
type place struct {
	position uint64
	tail     uint64 // of its id
}

// tailOf returns the tail of an id; of one that is none of ours, a hash.
func tailOf(id webhook.DeliveryID) uint64 {
	_, tail, ok := id.Exchange()
	if !ok {
		sum := sha256.Sum256([]byte(id))
		copy(tail[:], sum[:])
	}
	return binary.BigEndian.Uint64(tail[:])
}

func (p place) before(q place) bool {
	return p.position < q.position || p.position == q.position && p.tail < q.tail
}

// queuePlace says where a delivery stands in its subscription's queue.
type queuePlace struct {
	place
	priority webhook.Priority
	due      uint64 // nanoseconds
}

// before orders within one priority.
func (p queuePlace) before(q queuePlace) bool {
	return p.due < q.due || p.due == q.due && p.place.before(q.place)
}

func placeOf(d *webhook.Delivery) queuePlace {
	return queuePlace{place{d.Position, tailOf(d.ID)}, d.Priority, dueOf(d)}
}

// parsePlace reads what [key.delivery] appended.
func parsePlace(b []byte) (place, bool) {
	if len(b) != 16 {
		return place{}, false
	}
	return place{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, true
}

// parseQueued reads what [key.queued] appended.
func parseQueued(b []byte) (queuePlace, bool) {
	if len(b) != 25 {
		return queuePlace{}, false
	}
	p, _ := parsePlace(b[9:])
	return queuePlace{p, webhook.Priority(b[0]), binary.BigEndian.Uint64(b[1:])}, true
}
