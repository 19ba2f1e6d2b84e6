package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// snapshotHead is what the store adds to a snapshot. Bodies are kept under the
// entity and the revision that brought them; events name them by it.
type snapshotHead struct {
	rev   uint64 // of this snapshot; 0: there is none. Never used twice for an entity
	body  uint64 // revision of its body; 0: it has none
	named uint64 // bodies of revisions up to it may be named by events
}

func (h snapshotHead) append(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, h.rev)
	buf = binary.AppendUvarint(buf, h.body)
	return binary.AppendUvarint(buf, h.named)
}

// next returns the revision after h's. One that follows a forgotten tombstone
// begins above all that an old event may name.
func (h snapshotHead) next() uint64 {
	if h.rev == 0 {
		return uint64(time.Now().UnixNano())
	}
	return h.rev + 1
}

func parseHead(b []byte) (h snapshotHead, rest []byte, err error) {
	for _, p := range []*uint64{&h.rev, &h.body, &h.named} {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return h, nil, errBroken("snapshot")
		}
		*p, b = v, b[n:]
	}
	return h, b, nil
}

// kept is a snapshot as the store has it.
type kept struct {
	snapshotHead
	digest   digest
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
	found.snapshotHead = head
	if found.snapshot, err = wire.DecodeSnapshot(rest); err != nil || head.body == 0 {
		return found, err
	}
	body, err := getLong(g, keyBody(found.digest, head.body))
	if err == nil && body == nil {
		err = errNoBody
	}
	found.snapshot.Body = body
	return found, err
}

var errNoBody = fmt.Errorf("%w: a body is missing", errBroken("snapshot"))

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
// between the look at its name and the look at itself; then a view decides.
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

// Snapshot implements [store.Recorder].
func (s *Store) Snapshot(_ context.Context, k webhook.EntityKey) (webhook.Snapshot, error) {
	found, err := s.readLatest(k)
	if err != nil {
		return webhook.Snapshot{}, fmt.Errorf("snapshot of %s: %w", k, err)
	}
	return found.snapshot, nil
}

// putSnapshot puts next in place of prior. named is the highest revision that
// an event of the same exchange names; 0 for none.
func (t *tx) putSnapshot(prior kept, next *webhook.Snapshot, head snapshotHead) error {
	if head.body == head.rev {
		t.putLong(keyBody(prior.digest, head.body), next.Body)
	}
	if prior.body != 0 && prior.body != head.body {
		k := keyBody(prior.digest, prior.body)
		if prior.body > head.named {
			if err := t.deleteLong(k); err != nil {
				return err
			}
		}
		t.effect(func(q *queue) { q.s.values.drop(string(k)) }) // no record reads it again
	}
	if prior.snapshot.Deleted {
		t.delete(keyTombstone(prior.snapshot.Seen, prior.digest))
	}
	if next.Deleted {
		t.putKey(keyTombstone(next.Seen, prior.digest))
	}
	bare := *next
	bare.Body = nil
	return t.replaceLong(keySnapshot(prior.digest), wire.AppendSnapshot(head.append(nil), &bare))
}

// headAfter returns the head of the snapshot that replaces prior.
func headAfter(prior *kept, next *webhook.Snapshot) snapshotHead {
	head := snapshotHead{rev: prior.next(), named: prior.named}
	switch {
	case next.Body == nil:
	case prior.body != 0 && bytes.Equal(prior.snapshot.Body, next.Body):
		head.body = prior.body
	default:
		head.body = head.rev
	}
	return head
}
