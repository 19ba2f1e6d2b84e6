package badger

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Event implements [store.Reader].
func (s *Store) Event(_ context.Context, id webhook.EventID) (*webhook.Event, error) {
	if e, ok := s.events.get(id); ok {
		return e, nil
	}
	return s.readEvent(id, func(e *storedEvent, v *view) (*webhook.Event, error) { return e.whole(v) })
}

// EventHead implements [store.Reader].
func (s *Store) EventHead(_ context.Context, id webhook.EventID) (*webhook.Event, error) {
	if e, ok := s.events.get(id); ok {
		bare := *e
		bare.Before, bare.After = nil, nil
		return &bare, nil
	}
	return s.readEvent(id, func(e *storedEvent, _ *view) (*webhook.Event, error) { return e.bare() })
}

// readEvent reads as much of an event as how does.
func (s *Store) readEvent(id webhook.EventID, how func(*storedEvent, *view) (*webhook.Event, error)) (*webhook.Event, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	stored, err := findStored(v, id)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", id, err)
	}
	return how(&stored, v)
}

func findStored(v *view, id webhook.EventID) (storedEvent, error) {
	at, found, err := eventPosition(v, v, id)
	if err != nil || !found {
		return storedEvent{}, cmp.Or(err, store.ErrNotFound)
	}
	stored, found, err := readStored(v, at)
	if err != nil || !found {
		return storedEvent{}, cmp.Or(err, store.ErrNotFound)
	}
	return stored, nil
}

// weighEvent counts an event's bodies although a neighbour may share them.
func weighEvent(_ webhook.EventID, e *webhook.Event) int {
	return 1000 + e.Bytes() + 80*len(e.Changes)
}

// eventPosition returns where the event of an id is; found is false if there
// is none.
func (t *tx) eventPosition(id webhook.EventID) (position uint64, found bool, err error) {
	return eventPosition(t, t.view, id)
}

// eventPosition looks with g in the first part of the list, where most are, and
// in v for the others.
func eventPosition(g getter, v *view, id webhook.EventID) (position uint64, found bool, err error) {
	x, rest, ok := id.Exchange()
	if !ok {
		return 0, false, nil
	}
	first, err := g.get(keyExchange(x, 0))
	if err != nil {
		return 0, false, err
	}
	if position, found, err = findListed(first.bytes, rest); found || err != nil {
		return position, found, err
	}
	err = v.each(scan{prefix: keyExchange(x, 0), from: keyExchange(x, 1)}, func(_ []byte, item *badgerdb.Item) (bool, error) {
		err := item.Value(func(b []byte) (err error) {
			position, found, err = findListed(b, rest)
			return err
		})
		return !found, err
	})
	return position, found, err
}

func findListed(b []byte, rest [8]byte) (position uint64, found bool, err error) {
	list, err := parseListed(b)
	for _, l := range list {
		if l.rest == rest {
			return l.position, true, err
		}
	}
	return 0, false, err
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
	if !q.Exchange.IsZero() {
		return c.ofExchange()
	}
	c.least = 1
	prefix := key{tableEvent}
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
	bytes  int // of them
	least  int // may be looked at whatever Looking says
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
	if l := c.q.Looking; l != nil && c.q.Exchange.IsZero() {
		if l.Left <= 0 && c.least <= 0 {
			l.Stopped = true
			return false, nil
		}
		l.Left, l.At = l.Left-1, position
		c.least--
	}
	stored, found, err := readStored(c.v, position)
	if err != nil || !found {
		return true, err
	}
	e, err := stored.bare()
	if err != nil || !selects(c.q, e) {
		return true, err
	}
	if err := stored.fill(c.v, e); err != nil {
		return false, fmt.Errorf("event %s: %w", e.ID, err)
	}
	c.events, c.bytes = append(c.events, *e), c.bytes+weighEvent(e.ID, e)
	if l := c.q.Looking; l != nil && c.q.Bytes > 0 && c.bytes >= c.q.Bytes {
		l.Stopped = true
		return false, nil
	}
	return len(c.events) < c.q.Max, nil
}

// ofExchange answers for one exchange.
func (c *collecting) ofExchange() ([]webhook.Event, error) {
	var all []uint64
	err := c.v.eachPosition(c.q.Exchange, func(position uint64) (bool, error) {
		if within(c.q, position) {
			all = append(all, position)
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	if c.q.Newest {
		slices.Reverse(all)
	}
	for _, position := range all {
		if more, err := c.add(position); err != nil || !more {
			return c.events, err
		}
	}
	return c.events, nil
}

// within reports whether q's After lets position through.
func within(q eventQuery, position uint64) bool {
	if q.Newest {
		return q.After == 0 || position < q.After
	}
	return position > q.After
}

func selects(q eventQuery, e *webhook.Event) bool {
	return (q.Resource == "" || q.Resource == e.Key.Resource) &&
		(q.ID == "" || q.ID == e.Key.ID) &&
		(q.Exchange.IsZero() || q.Exchange == e.Exchange) &&
		(len(q.Scopes) == 0 || slices.ContainsFunc(q.Scopes, func(p webhook.Pattern) bool { return p.Match(e.Scope) }))
}
