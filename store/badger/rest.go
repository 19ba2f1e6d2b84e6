package badger

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// The deliveries of an event beyond maxDeliveries are kept in parts in the rest
// table, committed with the event, and queued from there, one part to a
// transaction, which deletes the part. Until the last is queued, no delivery of
// a lane that is younger than the event is given out.

const restPart = 500

// putRest keeps the deliveries of the event at position for later, behind those
// that are kept already.
func (t *tx) putRest(position uint64, ds []webhook.Delivery) error {
	n, err := t.nextRest(position)
	if err != nil {
		return err
	}
	for ; len(ds) > 0; n++ {
		part := ds[:min(restPart, len(ds))]
		ds = ds[len(part):]
		var buf []byte
		for i := range part {
			b := (&storedDelivery{}).encode(&part[i])
			buf = append(binary.AppendUvarint(buf, uint64(len(b))), b...)
		}
		t.putLong(keyRest(position, n), buf)
	}
	t.effect(func(q *queue) {
		q.rests[position] = true
		q.findFloor()
		select {
		case q.s.spread <- struct{}{}:
		default:
		}
	})
	return nil
}

// nextRest returns the number of the first part behind all that there are.
func (t *tx) nextRest(position uint64) (n uint32, err error) {
	last, err := t.view.first(scan{prefix: newKey(tableRest, 8).u64(position), reverse: true})
	if err != nil {
		return 0, err
	}
	if len(last) >= 13 {
		n = binary.BigEndian.Uint32(last[9:]) + 1
	}
	for {
		if _, ok := t.written(string(keyRest(position, n))); !ok {
			return n, nil
		}
		n++
	}
}

// spreadLoop queues what is in the rest table, from the start on and whenever
// there is more.
func (s *Store) spreadLoop() {
	for {
		more, err := s.spreadOne()
		wait := time.Duration(0)
		switch {
		case errors.Is(err, errClosed):
			return
		case err != nil:
			s.log.Error("queue the rest of an event's deliveries", "position", s.queue.lowestRest(), "error", err)
			wait = time.Second
		case more:
			continue
		}
		select {
		case <-s.closing:
			return
		case <-s.spread:
		case <-after(wait):
		}
	}
}

// after is time.After, or never for 0.
func after(d time.Duration) <-chan time.Time {
	if d == 0 {
		return nil
	}
	return time.After(d)
}

// spreadOne queues the first part of the rest table.
func (s *Store) spreadOne() (more bool, err error) {
	position := s.queue.lowestRest()
	if position == 0 {
		return false, nil
	}
	k, err := s.firstRest(position)
	if err != nil {
		return false, err
	}
	err = s.commit(context.Background(), func(t *tx) error {
		if k == nil {
			t.effect(func(q *queue) {
				delete(q.rests, position)
				q.findFloor()
			})
			return nil
		}
		return t.spread(k)
	})
	if errors.Is(err, store.ErrFull) {
		return false, err
	}
	return err == nil, err
}

// firstRest returns the key of an event's first part, or nil.
func (s *Store) firstRest(position uint64) (key, error) {
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	return v.first(scan{prefix: newKey(tableRest, 8).u64(position)})
}

// spread queues one part.
func (t *tx) spread(k key) error {
	data, err := getLong(t, k)
	if err != nil || data == nil {
		return err
	}
	position := binary.BigEndian.Uint64(k[1:])
	for len(data) > 0 {
		b, rest, ok := cutBytes(data)
		if !ok {
			return errBroken("part of an event's deliveries")
		}
		data = rest
		d, err := decodeDelivery(place{position: position}, b)
		if err != nil {
			return err
		}
		if err := t.putDelivery(d, false); err != nil {
			return err
		}
	}
	return t.deleteLong(k)
}

// lowestRest returns the lowest position of an event with a rest, 0 if there is none.
func (q *queue) lowestRest() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.floor
}

// restless reports whether the event at position has deliveries that are not
// queued yet.
func restless(v *view, position uint64) (bool, error) {
	k, err := v.first(scan{prefix: newKey(tableRest, 8).u64(position)})
	return k != nil, err
}
