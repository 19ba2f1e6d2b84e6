package badger

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// changes is the consequences of an exchange, as far as they can be encoded
// before their positions are known.
type changes struct {
	store.Consequences
	chains []chain // of the entities with a new snapshot, in their order
	events []encodedEvent
	stored [][]byte // the snapshots, behind room for the position of the newest event
	find   map[webhook.EntityKey]int
}

// encodedEvent is an event behind room for its head.
type encodedEvent struct {
	head  eventHead
	chain int // -1: its entity has no new snapshot
	data  []byte
}

// chain is the events of an entity, while those of a record are added.
type chain struct {
	prior  *kept
	last   int                // of the record's events on the entity, the last; -1: none yet
	before shownBody          // of that
	after  shownBody          // of that, or what the prior snapshot has from its event
	newest uint64             // while the events are put
	head   snapshotHead       // of the new snapshot, but its newest
	near   webhook.ExchangeID // of the new snapshot
}

// shownBody is a body that the next event may name.
type shownBody struct {
	bytes json.RawMessage
	hops  byte
}

// names reports whether body can be had by naming b.
func (b shownBody) names(body json.RawMessage) bool {
	return b.bytes != nil && body != nil && b.hops < maxHops && string(b.bytes) == string(body)
}

func newChanges(prior map[webhook.EntityKey]*kept, c store.Consequences) changes {
	ch := changes{
		Consequences: c, chains: make([]chain, len(c.Snapshots)),
		events: make([]encodedEvent, len(c.Events)), stored: make([][]byte, len(c.Snapshots)),
	}
	for i := range c.Snapshots {
		p := prior[c.Snapshots[i].Key]
		ch.chains[i] = chain{prior: p, last: -1}
		if p.body == prevAfter {
			ch.chains[i].after = shownBody{p.snapshot.Body, p.hops}
		}
	}
	for i := range c.Events {
		ch.placeEvent(i)
	}
	for i := range c.Events {
		ch.encodeEvent(i)
	}
	for i := range c.Snapshots {
		ch.encodeSnapshot(i)
	}
	return ch
}

// placeEvent finds out where the bodies of event i are.
func (c *changes) placeEvent(i int) {
	e, out := &c.Events[i], &c.events[i]
	out.chain = c.chainOf(e.Key)
	out.head.part = uint32(i / partSize)
	out.head.beforeAt, out.head.afterAt = here(e.Before), here(e.After)
	if out.chain < 0 {
		return
	}
	out.head.chained = true
	last := &c.chains[out.chain]
	before, after := shownBody{bytes: e.Before}, shownBody{bytes: e.After}
	switch {
	case last.before.names(e.Before):
		out.head.beforeAt, before.hops = sibling, last.before.hops+1
		c.events[last.last].head.named = true
	case last.after.names(e.Before):
		out.head.beforeAt, before.hops = prevAfter, last.after.hops+1
	}
	switch {
	case last.after.names(e.After):
		out.head.afterAt, after.hops = prevAfter, last.after.hops+1
	case before.names(e.After):
		out.head.afterAt, after.hops = sibling, before.hops+1
	}
	last.last, last.before, last.after = i, before, after
}

// here is how a body is kept that names none.
func here(body json.RawMessage) naming {
	if body == nil {
		return absent
	}
	return inline
}

// chainOf returns the index of k's new snapshot, or -1.
func (c *changes) chainOf(k webhook.EntityKey) int {
	const few = 8
	if len(c.Snapshots) <= few {
		return slices.IndexFunc(c.Snapshots, func(s webhook.Snapshot) bool { return s.Key == k })
	}
	if c.find == nil {
		c.find = make(map[webhook.EntityKey]int, len(c.Snapshots))
		for i := range c.Snapshots {
			c.find[c.Snapshots[i].Key] = i
		}
	}
	if i, ok := c.find[k]; ok {
		return i
	}
	return -1
}

func (c *changes) encodeEvent(i int) {
	e, out := c.Events[i], &c.events[i] // a copy
	bodies := inlineSize(out.head.beforeAt, e.Before) + inlineSize(out.head.afterAt, e.After)
	buf := make([]byte, maxEventHead, maxEventHead+256+bodies+len(e.Item))
	buf = appendInline(buf, out.head.beforeAt, e.Before)
	buf = appendInline(buf, out.head.afterAt, e.After)
	e.Position, e.Before, e.After = 0, nil, nil
	out.data = wire.AppendEvent(buf, &e)
}

func (c *changes) encodeSnapshot(i int) {
	s, of := c.Snapshots[i], &c.chains[i] // a copy
	head := snapshotHead{rev: of.prior.next(), body: here(s.Body)}
	var near webhook.ExchangeID
	if of.after.names(s.Body) {
		head.body, head.hops, near = prevAfter, of.after.hops, of.prior.near
		if of.last >= 0 {
			near = c.Events[of.last].Exchange
		}
	}
	of.head, of.near = head, near
	buf := make([]byte, binary.MaxVarintLen64, 128+inlineSize(head.body, s.Body))
	buf = appendInline(head.append(buf), head.body, s.Body)
	s.Body, s.Key = nil, webhook.EntityKey{}
	c.stored[i] = wire.AppendSnapshot(buf, &s, near)
}

// putChanges gives the events their positions and puts everything.
func (t *tx) putChanges(c *changes) (store.Consequences, error) {
	out := store.Consequences{Snapshots: c.Snapshots}
	for i := range c.chains {
		c.chains[i].newest = c.chains[i].prior.newest
	}
	var err error
	if out.Events, err = t.putEvents(c); err != nil {
		return out, err
	}
	for i := range c.Snapshots {
		if err := t.putChained(&c.Snapshots[i], &c.chains[i], c.stored[i]); err != nil {
			return out, err
		}
	}
	out.Notes = c.Notes
	t.putNotes(c.Notes)
	out.Deliveries, err = t.putDeliveries(out.Events, c.Deliveries)
	return out, err
}

// putChained puts a new snapshot when the events of its entity have their
// positions.
func (t *tx) putChained(next *webhook.Snapshot, of *chain, data []byte) error {
	var room [binary.MaxVarintLen64]byte
	newest := binary.AppendUvarint(room[:0], of.newest)
	data = data[len(room)-len(newest):]
	copy(data, newest)
	if prior := of.prior.newest; prior > 0 && prior != of.newest {
		t.effect(func(q *queue) { q.s.values.drop(string(keyEvent(prior))) }) // no record reads it again
	}
	return t.putSnapshot(of.prior, next, data)
}

// putEvents returns copies of the events with their positions.
func (t *tx) putEvents(c *changes) ([]webhook.Event, error) {
	events := make([]webhook.Event, len(c.Events))
	copy(events, c.Events)
	list := make([]listed, 0, min(len(events), partSize))
	for i := range events {
		e, of := &events[i], &c.events[i]
		x, rest, ok := e.ID.Exchange()
		if !ok || x != e.Exchange || x != events[0].Exchange {
			return nil, fmt.Errorf("event %s is not of exchange %s", e.ID, events[0].Exchange)
		}
		t.mine.position++
		e.Position, e.Recorded = t.mine.position, t.now
		t.putEvent(c, of, e)
		list = append(list, listed{e.Position, rest})
		if len(list) == partSize || i == len(events)-1 {
			t.put(keyExchange(x, of.head.part), appendListed(nil, list))
			list = list[:0]
		}
	}
	return events, nil
}

func (t *tx) putEvent(c *changes, of *encodedEvent, e *webhook.Event) {
	head := of.head
	head.recorded = nanos(e.Recorded)
	if of.chain >= 0 {
		newest := &c.chains[of.chain].newest
		head.prev, *newest = *newest, e.Position
	} else if e.Key.Resource != "" && e.Key.ID != "" {
		t.putKey(keyEntity(entityDigest(e.Key), e.Position))
	}
	var room [maxEventHead]byte
	start := head.append(room[:0], e.Position)
	data := of.data[len(room)-len(start):]
	copy(data, start)
	t.putLong(keyEvent(e.Position), data)
	t.listRelated(e)
	t.effect(func(q *queue) { q.s.events.put(e.ID, e) })
}

func (t *tx) effect(e effect) { t.mine.effects = append(t.mine.effects, e) }
