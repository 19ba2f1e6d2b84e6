package badger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// ofEntity answers for one resource and id. Several apis and tenants may have
// it. Their events are found by going back from the newest of each; what is
// asked for from the oldest on needs to go through all of them first.
func ofEntity(ctx context.Context, v *view, q eventQuery) ([]webhook.Event, error) {
	var all []webhook.Event
	look := q.Looking
	if look == nil {
		look = &store.Looking{Left: math.MaxInt}
	}
	var cut uint64 // the nearest position behind which some row was not looked at
	err := eachChain(v, q, func(newest uint64) error {
		here := &store.Looking{Left: look.Left}
		c := collecting{ctx: ctx, v: v, q: q, top: ^uint64(0), least: leastOfRow}
		c.q.Looking = here
		found, err := c.ofChain(newest)
		look.Left = here.Left
		if here.Stopped && (cut == 0 || q.Newest == (here.At > cut)) {
			cut = here.At
		}
		all = merged(all, found, q)
		return err
	})
	if cut > 0 {
		look.Stopped, look.At = true, cut
		all = slices.DeleteFunc(all, func(e webhook.Event) bool {
			return e.Position != cut && q.Newest == (e.Position < cut)
		})
	}
	return all, err
}

// leastOfRow is how many of each row of events are looked at, however many there
// are of others.
const leastOfRow = 16

// eachChain calls f with the newest position of each row of events on an
// entity of q's resource and id: what a snapshot leads to, and what nothing
// else leads to.
func eachChain(v *view, q eventQuery, f func(newest uint64) error) error {
	d := entityDigest(webhook.EntityKey{Resource: q.Resource, ID: q.ID})
	group := d[:groupSize]
	err := v.each(scan{prefix: newKey(tableSnapshot, groupSize).bytes(group)}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		data, err := getStart(v, bytes.Clone(k))
		if err != nil {
			return false, err
		}
		head, _, err := parseHead(data)
		if err == nil && head.newest > 0 {
			err = f(head.newest)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	return v.each(scan{prefix: newKey(tableEntity, groupSize).bytes(group)}, func(k []byte, _ *badgerdb.Item) (bool, error) {
		if len(k) != 1+len(d)+8 {
			return false, errBroken("index of events")
		}
		return true, f(binary.BigEndian.Uint64(k[1+len(d):]))
	})
}

// ofChain answers from the events from newest backwards.
func (c *collecting) ofChain(newest uint64) ([]webhook.Event, error) {
	var oldest []uint64 // at least the last Max of those that are selected
	for position := newest; position > 0 && (c.q.Newest || position > c.q.After); {
		head, found, err := readHead(c.v, position)
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		switch {
		case !c.q.Newest:
			var selected bool
			if selected, err = c.selected(position); selected {
				oldest = keepLast(append(oldest, position), c.q.Max)
			}
		case within(c.q, position):
			var more bool
			if more, err = c.add(position); err == nil && !more {
				return c.events, nil
			}
		}
		if err != nil {
			return nil, err
		}
		position = head.prev
	}
	for _, position := range slices.Backward(oldest) {
		if more, err := c.add(position); err != nil || !more {
			return c.events, err
		}
	}
	return c.events, nil
}

// selected reports whether the event at position is, as far as its key is known
// to be.
func (c *collecting) selected(position uint64) (bool, error) {
	if err := c.ctx.Err(); err != nil || len(c.q.Scopes) == 0 {
		return true, err
	}
	stored, found, err := readStored(c.v, position)
	if err != nil || !found {
		return false, err
	}
	e, err := stored.bare()
	return err == nil && selects(c.q, e), err
}

// keepLast cuts list to its last n when it has twice as many.
func keepLast(list []uint64, n int) []uint64 {
	if len(list) < 2*n {
		return list
	}
	return append(list[:0], list[len(list)-n:]...)
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
