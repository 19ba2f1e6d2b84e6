package badger

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// snapshotHead is what the store adds to a snapshot.
type snapshotHead struct {
	rev    uint64 // of this snapshot, grows; 0: there is none
	newest uint64 // position of its entity's newest event; 0: none, or forgotten
	body   naming // absent, inline, or prevAfter: the after of newest
	hops   byte   // how many steps lead from that to the body
}

// A stored snapshot is its head (the position of the newest event, the revision,
// the body's naming and hops), the body if it is inline, and the rest, without
// the key. Numbers are varints. The position comes first since it is known last.

func (h snapshotHead) append(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, h.rev)
	return append(buf, byte(h.body)|h.hops<<2)
}

// next returns the revision after h's. One that follows a forgotten tombstone
// begins elsewhere than the life before did.
func (h snapshotHead) next() uint64 {
	if h.rev == 0 {
		return uint64(time.Now().Unix())
	}
	return h.rev + 1
}

func parseHead(b []byte) (h snapshotHead, rest []byte, err error) {
	for _, p := range []*uint64{&h.newest, &h.rev} {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return h, nil, errBroken("snapshot")
		}
		*p, b = v, b[n:]
	}
	if len(b) == 0 {
		return h, nil, errBroken("snapshot")
	}
	h.body, h.hops = naming(b[0]&3), b[0]>>2
	return h, b[1:], nil
}

// kept is a snapshot as the store has it.
type kept struct {
	snapshotHead
	digest   digest
	near     webhook.ExchangeID // of newest, if that is where the body is
	snapshot webhook.Snapshot
}

// readKept reads the snapshot of k with its body.
func readKept(g getter, k webhook.EntityKey) (kept, error) {
	found := kept{digest: entityDigest(k), snapshot: webhook.Snapshot{Key: k}}
	data, err := getLong(g, keySnapshot(found.digest))
	if err != nil || data == nil {
		return found, err
	}
	head, rest, err := parseHead(data)
	if err != nil {
		return found, err
	}
	var body json.RawMessage
	switch head.body {
	case inline:
		var ok bool
		if body, rest, ok = cutBytes(rest); !ok {
			return found, errBroken("snapshot")
		}
	case prevAfter:
		if body, found.near, err = readNewest(g, head.newest); err != nil {
			return found, err
		}
	}
	s, err := wire.DecodeSnapshot(rest, found.near)
	if err != nil {
		return found, err
	}
	s.Key, s.Body = k, body
	found.snapshotHead, found.snapshot = head, s
	return found, nil
}

// readNewest returns the after of an event, and its exchange.
func readNewest(g getter, position uint64) (body json.RawMessage, x webhook.ExchangeID, err error) {
	newest, found, err := readStored(g, position)
	if err == nil && !found {
		err = errBroken("snapshot")
	}
	if err == nil {
		x, err = wire.EventExchange(newest.rest)
	}
	if err == nil {
		body, err = newest.body(g, true)
	}
	return body, x, err
}

// latest reads what is committed, from the cache first. What it finds may be
// replaced at the next look.
type latest struct{ s *Store }

func (l latest) get(k key) (value, error) {
	if v, ok := l.s.values.get(string(k)); ok {
		return v, nil
	}
	stamp := l.s.values.stamp()
	v, err := l.s.views.get()
	if err != nil {
		return value{}, err
	}
	defer v.release()
	found, err := v.get(k)
	if err == nil && cached(k) { // the committer will want it again
		l.s.values.putSince(stamp, string(k), found)
	}
	return found, err
}

// readLatest reads the snapshot of k outside the committer. A body may go
// between the look at what names it and the look at itself; then a view decides.
func (s *Store) readLatest(k webhook.EntityKey) (kept, error) {
	found, err := readKept(latest{s}, k)
	if err == nil {
		return found, nil
	}
	v, verr := s.views.get()
	if verr != nil {
		return found, verr
	}
	defer v.release()
	return readKept(v, k)
}

// inMemory reads what is committed, as far as the cache has it.
type inMemory struct{ s *Store }

func (m inMemory) get(k key) (value, error) {
	if v, ok := m.s.values.get(string(k)); ok {
		return v, nil
	}
	return value{}, errOnDisk
}

var errOnDisk = errors.New("it is not in the cache")

// Snapshot implements [store.Recorder].
func (s *Store) Snapshot(ctx context.Context, k webhook.EntityKey) (webhook.Snapshot, error) {
	found, err := follow(k, func(k webhook.EntityKey) (kept, error) { return readKept(inMemory{s}, k) })
	if err != nil {
		found, err = s.reads.wait(ctx, func() (kept, error) { return follow(k, s.readLatest) })
	}
	if err != nil {
		return webhook.Snapshot{}, fmt.Errorf("snapshot of %s: %w", k, err)
	}
	return found.snapshot, nil
}

// follow reads the snapshot of the entity that k leads to.
func follow(k webhook.EntityKey, read func(webhook.EntityKey) (kept, error)) (kept, error) {
	found, err := read(k)
	if err == nil && found.snapshot.Alias != "" {
		k.ID = found.snapshot.Alias
		found, err = read(k)
	}
	return found, err
}

// putSnapshot puts next, encoded but for the position of the newest event, in
// place of prior.
func (t *tx) putSnapshot(prior *kept, next *webhook.Snapshot, data []byte) error {
	if prior.snapshot.Deleted {
		t.delete(keyTombstone(prior.snapshot.Seen, prior.digest))
	}
	if next.Deleted {
		t.putKey(keyTombstone(next.Seen, prior.digest))
	}
	if until := prior.snapshot.Until; !until.IsZero() {
		t.delete(keyPassing(until, prior.digest))
	}
	if !next.Until.IsZero() {
		t.putKey(keyPassing(next.Until, prior.digest))
	}
	return t.replaceLong(keySnapshot(prior.digest), data)
}
