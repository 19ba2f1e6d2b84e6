package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// An event may carry copies of entities that a rule relates to its own. To it leads
// a key of each of these, so that their erasure finds it.

// listRelated puts the keys that lead to e from what is related to it.
func (t *tx) listRelated(e *webhook.Event) {
	for i := range e.Related {
		if r := &e.Related[i]; r.Resource != "" && r.ID != "" {
			t.putKey(keyRelated(r.Resource, r.ID, e.Position))
		}
	}
}

// unlistRelated deletes them.
func (t *tx) unlistRelated(e *webhook.Event) {
	for i := range e.Related {
		if r := &e.Related[i]; r.Resource != "" && r.ID != "" {
			t.delete(keyRelated(r.Resource, r.ID, e.Position))
		}
	}
}

// eraseCopies takes the copies of the entity of e out of the events of others.
func (s *Store) eraseCopies(ctx context.Context, e store.Erasure, out *store.Erased) error {
	for after := uint64(0); ; {
		positions, err := s.relatedTo(e, after, eraseAtOnce)
		if err != nil || len(positions) == 0 {
			return err
		}
		taken := 0
		err = s.hand(ctx, &member{alone: true, work: func(t *tx) error {
			taken = 0
			for _, position := range positions {
				had, err := t.eraseCopy(e, position)
				if err != nil {
					return err
				}
				if had {
					taken++
				}
			}
			return nil
		}})
		if err != nil {
			return err
		}
		out.Copies, after = out.Copies+taken, positions[len(positions)-1]
	}
}

// relatedTo returns the positions, beyond one, of the first events that the entity of e is
// related to, whosever they are.
func (s *Store) relatedTo(e store.Erasure, after uint64, most int) (positions []uint64, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	from := keyRelated(e.Resource, e.ID, after+1)
	err = v.each(scan{prefix: from[:1+groupSize], from: from}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		if len(k) != len(from) {
			return false, errBroken("index of related entities")
		}
		positions = append(positions, binary.BigEndian.Uint64(k[1+groupSize:]))
		return len(positions) < most, nil
	})
	return positions, err
}

// eraseCopy takes the copies of the entity of e out of the event at position, and
// reports whether there were any that e is about.
func (t *tx) eraseCopy(e store.Erasure, position uint64) (bool, error) {
	stored, found, err := readStored(t, position)
	if err != nil || !found {
		return false, err
	}
	ev, err := stored.bare()
	if err != nil {
		return false, err
	}
	// What is related is of the same api, and of the tenant that may see the event.
	related := webhook.EntityKey{API: ev.Key.API, Tenant: ev.Key.Tenant, Resource: e.Resource, ID: e.ID}
	if !concerns(e, entityDigest(related), ev.Tenant) {
		return false, nil
	}
	t.unlistRelated(ev)
	takeOut(ev, e.Resource, e.ID)
	t.listRelated(ev)
	buf := stored.append(nil, position)
	buf = appendInline(buf, stored.beforeAt, stored.before)
	buf = appendInline(buf, stored.afterAt, stored.after)
	id := ev.ID
	ev.Position, ev.Recorded = 0, fromNanos(0)
	t.effect(func(q *queue) { q.s.events.drop(id) })
	return true, t.replaceLong(keyEvent(position), wire.AppendEvent(buf, ev))
}

// takeOut makes null of each value of e that is, or has in it, what is related to it as
// the entity of resource and id.
func takeOut(e *webhook.Event, resource, id string) {
	var copies []json.RawMessage
	for i := range e.Related {
		if r := &e.Related[i]; r.Resource == resource && r.ID == id {
			copies = append(copies, r.Value)
			r.Value, r.ID = json.RawMessage("null"), ""
		}
	}
	for _, c := range copies {
		e.Item, e.Attrs = without(e.Item, c), without(e.Attrs, c)
		for i := range e.Related {
			e.Related[i].Value = without(e.Related[i].Value, c)
		}
	}
}

// without returns value with null wherever it has c, if that is an object with fields:
// the text of one, which begins with a brace and a quotation mark, is part of no string.
// Other values may be the same by chance.
func without(value, c json.RawMessage) json.RawMessage {
	inside, object := bytes.CutPrefix(c, []byte("{"))
	if !object || !bytes.HasPrefix(bytes.TrimLeft(inside, " \t\r\n"), []byte(`"`)) {
		return value
	}
	return bytes.ReplaceAll(value, c, []byte("null"))
}
