package badger

import (
	"encoding/binary"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// A member too large for one transaction is written to the redo table first,
// in parts; the transaction that puts tableReady decides. From then on the
// writes are as good as done: they are applied part by part, after a crash
// too, before anything else is written or read. Without tableReady the parts
// are dropped.

// redoPart is the most that a part holds, in bytes: a piece and some more.
const redoPart = pieceSize + 16<<10

func keyReady() key        { return key{tableReady} }
func keyRedo(n uint32) key { return newKey(tableRedo, 4).u32(n) }

// large commits the running member alone.
func (c *committer) large() error {
	s, t := c.s, c.tx
	t.keep()
	t.finish()
	t.keep()
	if err := s.room(3 * t.group.size); err != nil {
		return err
	}
	parts := splitWrites(t.group.writes)
	if err := s.applyParts(parts); err != nil {
		c.broken = true // opening again finishes or drops it
		return err
	}
	s.committed(t)
	return nil
}

func (s *Store) applyParts(parts []map[string]value) error {
	for i, part := range parts {
		if err := s.apply(map[string]value{string(keyRedo(uint32(i))): {bytes: appendWrites(nil, part)}}); err != nil {
			return err
		}
	}
	ready := binary.BigEndian.AppendUint32(nil, uint32(len(parts)))
	if err := s.apply(map[string]value{string(keyReady()): {bytes: ready}}); err != nil {
		return err
	}
	for _, part := range parts {
		if err := s.apply(part); err != nil {
			return err
		}
	}
	return s.dropRedo(len(parts))
}

// dropRedo forgets the redo table: the decision first.
func (s *Store) dropRedo(parts int) error {
	writes := map[string]value{string(keyReady()): {}}
	for i := range parts {
		writes[string(keyRedo(uint32(i)))] = value{}
	}
	return s.apply(writes)
}

// redo finishes, or drops, a large member that a crash interrupted.
func (s *Store) redo() error {
	v, err := s.views.cur.get(keyReady())
	if err != nil {
		return err
	}
	parts := 0
	err = s.views.cur.each(scan{prefix: []byte{tableRedo}}, func(_ []byte, item *badgerdb.Item) (bool, error) {
		parts++
		if !v.found() {
			return true, nil
		}
		data, err := copyItem(item)
		if err != nil {
			return false, err
		}
		writes, err := parseWrites(data.bytes)
		if err != nil {
			return false, err
		}
		return true, s.apply(writes)
	})
	if err != nil || parts == 0 && !v.found() {
		return err
	}
	if err := s.dropRedo(parts); err != nil {
		return err
	}
	s.views.renew(s.db.Load())
	s.values.clear()
	return nil
}

func splitWrites(writes map[string]value) []map[string]value {
	var parts []map[string]value
	size := redoPart
	for k, v := range writes {
		n := len(k) + len(v.bytes) + entryOverhead
		if size+n > redoPart {
			parts = append(parts, map[string]value{})
			size = 0
		}
		parts[len(parts)-1][k] = v
		size += n
	}
	return parts
}

// Kinds of writes in a redo part.
const (
	redoDelete byte = iota
	redoPut
	redoPutLong
)

func appendWrites(buf []byte, writes map[string]value) []byte {
	for k, v := range writes {
		kind := redoPut
		switch {
		case !v.found():
			kind = redoDelete
		case v.long:
			kind = redoPutLong
		}
		buf = append(buf, kind)
		buf = append(binary.AppendUvarint(buf, uint64(len(k))), k...)
		buf = append(binary.AppendUvarint(buf, uint64(len(v.bytes))), v.bytes...)
	}
	return buf
}

func parseWrites(b []byte) (map[string]value, error) {
	writes := map[string]value{}
	for len(b) > 0 {
		kind := b[0]
		k, rest, ok := cutBytes(b[1:])
		if !ok || kind > redoPutLong {
			return nil, errBroken("redo part")
		}
		v, rest, ok := cutBytes(rest)
		if !ok {
			return nil, errBroken("redo part")
		}
		if b = rest; kind == redoDelete {
			writes[string(k)] = value{}
		} else {
			writes[string(k)] = value{v, kind == redoPutLong}
		}
	}
	return writes, nil
}

// cutBytes reads bytes after their length; they are never nil.
func cutBytes(b []byte) (v, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, false
	}
	b = b[used:]
	return b[:n:n], b[n:], true
}

func errBroken(what string) error { return fmt.Errorf("a %s on disk makes no sense", what) }
