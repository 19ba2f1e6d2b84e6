package badger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// changes is the consequences of an exchange, as far as they can be encoded
// before their positions are known.
type changes struct {
	store.Consequences
	prior   map[webhook.EntityKey]*kept
	heads   map[webhook.EntityKey]snapshotHead // of the new snapshots
	encoded [][]byte                           // the events
	named   []bodies                           // by the events
}

// bodies are the revisions of the bodies before and after an event; 0: none.
// Every event on an entity has them, also if it does not name the bodies: so
// the events that name a body stand in a row, and the first and the last of
// them can be told by their neighbours.
type bodies struct{ before, after uint64 }

func (b bodies) has(rev uint64) bool { return rev != 0 && (b.before == rev || b.after == rev) }

func newChanges(prior map[webhook.EntityKey]*kept, c store.Consequences) changes {
	ch := changes{Consequences: c, prior: prior, heads: make(map[webhook.EntityKey]snapshotHead, len(c.Snapshots))}
	after := make(map[webhook.EntityKey]json.RawMessage, len(c.Snapshots))
	for i := range c.Snapshots {
		next := &c.Snapshots[i]
		ch.heads[next.Key] = headAfter(prior[next.Key], next)
		after[next.Key] = next.Body
	}
	ch.encoded = make([][]byte, len(c.Events))
	ch.named = make([]bodies, len(c.Events))
	for i := range c.Events {
		ch.encodeEvent(i, after)
	}
	return ch
}

// Flags of a stored event.
const (
	beforeIsBody byte = 1 << iota // its before is the body of revision before
	afterIsBody
)

// eventHead is the length of what precedes a stored event's flags: the time
// when it was recorded.
const eventHead = 8

// encodeEvent encodes event i: recorded (8 bytes, set when it is placed), flags,
// revisions, and the event without the bodies that are kept elsewhere.
func (c *changes) encodeEvent(i int, after map[webhook.EntityKey]json.RawMessage) {
	e := c.Events[i] // a copy
	var flags byte
	var prior *kept
	if found, ok := c.prior[e.Key]; ok {
		prior = found
		c.named[i] = bodies{prior.body, prior.body}
		if head, ok := c.heads[e.Key]; ok {
			c.named[i].after = head.body
		}
	}
	if prior != nil && e.Before != nil && prior.body != 0 && bytes.Equal(e.Before, prior.snapshot.Body) {
		e.Before = nil
		flags |= beforeIsBody
	}
	body, ok := after[e.Key]
	if prior != nil && !ok {
		body = prior.snapshot.Body
	}
	if e.After != nil && c.named[i].after != 0 && bytes.Equal(e.After, body) {
		e.After = nil
		flags |= afterIsBody
	}
	e.Position = 0
	buf := make([]byte, eventHead, 512+len(e.Before)+len(e.After)+len(e.Item))
	buf = append(buf, flags)
	buf = binary.AppendUvarint(buf, c.named[i].before)
	buf = binary.AppendUvarint(buf, c.named[i].after)
	c.encoded[i] = wire.AppendEvent(buf, &e)
}

// putChanges gives the events their positions and puts everything.
func (t *tx) putChanges(c *changes) (store.Consequences, error) {
	out := store.Consequences{Snapshots: c.Snapshots}
	out.Events = t.putEvents(c)
	if err := t.putSnapshots(c); err != nil {
		return out, err
	}
	var err error
	out.Deliveries, err = t.putDeliveries(out.Events, c.Deliveries)
	return out, err
}

// putSnapshots puts the new snapshots, and notes in those that stay that
// events name their body.
func (t *tx) putSnapshots(c *changes) error {
	named := make(map[webhook.EntityKey]uint64, len(c.named))
	for i, b := range c.named {
		k := c.Events[i].Key
		named[k] = max(named[k], b.before, b.after)
	}
	for i := range c.Snapshots {
		next := &c.Snapshots[i]
		prior, head := c.prior[next.Key], c.heads[next.Key]
		head.named = max(prior.named, named[next.Key])
		if err := t.putSnapshot(*prior, next, head); err != nil {
			return err
		}
		delete(named, next.Key)
	}
	for k, rev := range named {
		if prior := c.prior[k]; prior != nil && rev > prior.named {
			if err := t.putNamed(prior.digest, rev); err != nil {
				return err
			}
		}
	}
	return nil
}

// putNamed changes the named of a snapshot that stays as it is otherwise.
func (t *tx) putNamed(d digest, rev uint64) error {
	data, err := getLong(t, keySnapshot(d))
	if err != nil || data == nil {
		return err
	}
	head, rest, err := parseHead(data)
	if err != nil {
		return err
	}
	head.named = rev
	return t.replaceLong(keySnapshot(d), append(head.append(nil), rest...))
}

// putEvents returns copies of the events with their positions.
func (t *tx) putEvents(c *changes) []webhook.Event {
	events := make([]webhook.Event, len(c.Events))
	copy(events, c.Events)
	for i := range events {
		e := &events[i]
		t.mine.position++
		e.Position, e.Recorded = t.mine.position, t.now
		binary.BigEndian.PutUint64(c.encoded[i], nanos(t.now))
		t.putLong(keyEvent(e.Position), c.encoded[i])
		t.put(keyEventID(e.ID), binary.BigEndian.AppendUint64(nil, e.Position))
		t.putKey(keyExchange(e.Exchange, e.Position))
		named := binary.AppendUvarint(binary.AppendUvarint(nil, c.named[i].before), c.named[i].after)
		t.put(keyEntity(e.Key).u64(e.Position), named)
		t.effect(func(q *queue) { q.s.events.put(e.ID, e) })
	}
	return events
}

func (t *tx) effect(e effect) { t.mine.effects = append(t.mine.effects, e) }
