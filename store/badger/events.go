package badger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// Event implements [store.Reader].
func (s *Store) Event(_ context.Context, id webhook.EventID) (*webhook.Event, error) {
	if e, ok := s.events.get(id); ok {
		return e, nil
	}
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	at, err := v.get(keyEventID(id))
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", id, err)
	}
	if len(at.bytes) == 8 {
		e, err := readEvent(v, binary.BigEndian.Uint64(at.bytes))
		if e != nil || err != nil {
			return e, err
		}
	}
	return nil, fmt.Errorf("event %s: %w", id, store.ErrNotFound)
}

// weighEvent counts an event's bodies although a neighbour may share them.
func weighEvent(_ webhook.EventID, e *webhook.Event) int {
	n := 1000 + len(e.Before) + len(e.After) + len(e.Item) + len(e.Attrs)
	for i := range e.Changes {
		n += 80 + len(e.Changes[i].Path) + len(e.Changes[i].Old) + len(e.Changes[i].New)
	}
	return n
}

// storedEvent is an event as it is on disk.
type storedEvent struct {
	flags byte
	bodies
	event *webhook.Event // without the bodies that are elsewhere
}

func parseEvent(position uint64, data []byte) (s storedEvent, err error) {
	if len(data) < eventHead+1 {
		return s, errBroken("event")
	}
	recorded := binary.BigEndian.Uint64(data)
	s.flags = data[eventHead]
	rest := data[eventHead+1:]
	for _, p := range []*uint64{&s.before, &s.after} {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return s, errBroken("event")
		}
		*p, rest = v, rest[n:]
	}
	if s.event, err = wire.DecodeEvent(rest); err != nil {
		return s, err
	}
	s.event.Position, s.event.Recorded = position, fromNanos(recorded)
	return s, nil
}

// whole puts the bodies in.
func (s storedEvent) whole(g getter) (*webhook.Event, error) {
	e := s.event
	if s.flags == 0 {
		return e, nil
	}
	d := entityDigest(e.Key)
	var err error
	if s.flags&beforeIsBody != 0 {
		if e.Before, err = getBody(g, d, s.before); err != nil {
			return nil, fmt.Errorf("before of event %s: %w", e.ID, err)
		}
	}
	if s.flags&afterIsBody != 0 {
		if e.After, err = getBody(g, d, s.after); err != nil {
			return nil, fmt.Errorf("after of event %s: %w", e.ID, err)
		}
	}
	return e, nil
}

func getBody(g getter, d digest, rev uint64) ([]byte, error) {
	body, err := getLong(g, keyBody(d, rev))
	if err == nil && body == nil {
		err = errNoBody
	}
	return body, err
}

// readStored returns the event at position without its bodies; its event is
// nil if there is none.
func readStored(g getter, position uint64) (storedEvent, error) {
	data, err := getLong(g, keyEvent(position))
	if err != nil || data == nil {
		return storedEvent{}, err
	}
	return parseEvent(position, data)
}

func readEvent(g getter, position uint64) (*webhook.Event, error) {
	stored, err := readStored(g, position)
	if err != nil || stored.event == nil {
		return nil, err
	}
	return stored.whole(g)
}

const defaultMax = 100

// Events implements [store.Reader]. It holds no more events in memory than it
// returns.
func (s *Store) Events(ctx context.Context, q store.EventQuery) ([]webhook.Event, error) {
	if q.Max <= 0 {
		q.Max = defaultMax
	}
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	if q.Resource != "" && q.ID != "" && q.Exchange.IsZero() {
		return ofEntity(ctx, v, q)
	}
	c := collecting{ctx: ctx, v: v, q: q, top: s.position.Load()}
	prefix := key{tableEvent}
	if !q.Exchange.IsZero() {
		prefix = newKey(tableExchange, 24).bytes(q.Exchange[:])
	}
	err = v.each(positionScan(prefix, q.After, q.Newest), func(k []byte, _ *badgerdb.Item) (bool, error) {
		return c.add(binary.BigEndian.Uint64(k[len(prefix):]))
	})
	return c.events, err
}

// eventQuery is shorter.
type eventQuery = store.EventQuery

func positionScan(prefix key, after uint64, newest bool) scan {
	sc := scan{prefix: prefix, reverse: newest}
	switch {
	case newest && after > 0:
		sc.from = slices.Clone(prefix).u64(after - 1)
	case !newest:
		sc.from = slices.Clone(prefix).u64(after + 1)
	}
	return sc
}

// collecting gathers the events of an answer.
type collecting struct {
	ctx    context.Context
	v      *view
	q      eventQuery
	top    uint64 // events beyond it are being written
	events []webhook.Event
}

// add adds the event at position if it is selected, and reports whether more
// are wanted.
func (c *collecting) add(position uint64) (bool, error) {
	if err := c.ctx.Err(); err != nil {
		return false, err
	}
	if position > c.top {
		return c.q.Newest, nil
	}
	stored, err := readStored(c.v, position)
	if err != nil {
		return false, err
	}
	if stored.event == nil || !selects(c.q, stored.event) {
		return true, nil
	}
	e, err := stored.whole(c.v)
	if err != nil {
		return false, err
	}
	c.events = append(c.events, *e)
	return len(c.events) < c.q.Max, nil
}

func selects(q eventQuery, e *webhook.Event) bool {
	return (q.Resource == "" || q.Resource == e.Key.Resource) &&
		(q.ID == "" || q.ID == e.Key.ID) &&
		(q.Exchange.IsZero() || q.Exchange == e.Exchange) &&
		(len(q.Scopes) == 0 || slices.ContainsFunc(q.Scopes, func(p webhook.Pattern) bool { return p.Match(e.Scope) }))
}

// ofEntity answers for one resource and id. Several apis and tenants may have
// it: their lists are read one after the other, and the best of all are kept.
func ofEntity(ctx context.Context, v *view, q eventQuery) ([]webhook.Event, error) {
	group := digestOf(q.Resource, q.ID)
	prefix := newKey(tableEntity, 32).bytes(group[:])
	var all []webhook.Event
	for from := prefix; from != nil; {
		k, err := v.first(scan{prefix: prefix, from: from})
		if err != nil || k == nil {
			return all, err
		}
		owner := key(k[:len(k)-8])
		c := collecting{ctx: ctx, v: v, q: q, top: ^uint64(0)}
		err = v.each(positionScan(owner, q.After, q.Newest), func(k []byte, _ *badgerdb.Item) (bool, error) {
			return c.add(binary.BigEndian.Uint64(k[len(owner):]))
		})
		if err != nil {
			return nil, err
		}
		all = merged(all, c.events, q)
		from = append(bytes.Clone(owner), beyond[:9]...)
	}
	return all, nil
}

func merged(all, more []webhook.Event, q eventQuery) []webhook.Event {
	all = append(all, more...)
	slices.SortFunc(all, func(a, b webhook.Event) int {
		if q.Newest {
			a, b = b, a
		}
		return cmp.Compare(a.Position, b.Position)
	})
	return all[:min(len(all), q.Max)]
}
