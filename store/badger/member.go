package badger

import (
	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/webhook"
)

// A chunk is kept as a delivery of its first event. To it leads a key at the
// position of each further event, so that these are kept as long, and their
// deliveries found.

// putMembers puts the keys that lead to d, if it is a chunk, from its further
// events, all of which are of the same record, or were recorded before.
func (t *tx) putMembers(d *webhook.Delivery, own *positions) error {
	if d.Chunk == nil {
		return nil
	}
	at := placeOf(d).place
	for _, id := range d.Events()[1:] {
		position, recent := own.find(id)
		if !recent {
			var found bool
			var err error
			if position, found, err = t.eventPosition(id); err != nil {
				return err
			}
			if !found {
				continue // it is forgotten
			}
		}
		t.putKey(keyMember(position, at))
	}
	return nil
}

// find is of for events in any order.
func (p *positions) find(id webhook.EventID) (position uint64, ok bool) {
	if p.byID == nil {
		p.byID = make(map[webhook.EventID]uint64, len(p.events))
		for i := range p.events {
			p.byID[p.events[i].ID] = p.events[i].Position
		}
	}
	position, ok = p.byID[id]
	return position, ok
}

// eachChunk calls f with the places of the chunks in which the event at position
// is a further one, until it returns false.
func (v *view) eachChunk(position uint64, f func(place) (bool, error)) error {
	prefix := newKey(tableMember, 8).u64(position)
	return v.each(scan{prefix: prefix}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		p, ok := parsePlace(k[len(prefix):])
		if !ok {
			return false, errBroken("member of a chunk")
		}
		return f(p)
	})
}

// eachChunkDelivery calls f with the chunks themselves.
func (v *view) eachChunkDelivery(position uint64, f func(storedDelivery) (bool, error)) error {
	return v.eachChunk(position, func(p place) (bool, error) {
		s, found, err := readDelivery(v, p)
		if err != nil || !found {
			return err == nil, err
		}
		return f(s)
	})
}

// forgetMembers deletes the keys that lead from the event at position, and such
// chunks as nothing else leads to: those whose first event was erased.
func (t *tx) forgetMembers(position uint64) error {
	return t.view.eachChunk(position, func(p place) (bool, error) {
		t.delete(keyMember(position, p))
		if _, found, err := readHead(t, p.position); err != nil || found {
			return err == nil, err
		}
		v, err := t.get(keyDelivery(p))
		if err != nil || !v.found() {
			return err == nil, err
		}
		d, err := decodeDelivery(p, v.bytes)
		if err != nil {
			return false, err
		}
		left, err := t.carries(d, position)
		if err == nil && (d.State.Final() || !left) {
			err = t.forgetDelivery(p, v.bytes)
		}
		return err == nil, err
	})
}

// carries reports whether d is a chunk of which an event is there beside that at
// position.
func (t *tx) carries(d *webhook.Delivery, position uint64) (bool, error) {
	if d.Chunk == nil {
		return false, nil
	}
	for _, id := range d.Events() {
		at, found, err := t.eventPosition(id)
		if err != nil {
			return false, err
		}
		if !found || at == position {
			continue
		}
		if _, found, err := readHead(t, at); err != nil || found {
			return found, err
		}
	}
	return false, nil
}
