package badger

import "encoding/binary"

// pieceSize is the size of a stored value from which on it is cut, and of the
// pieces. It leaves a transaction room for other things.
const pieceSize = 512 << 10

func keyPiece(k key, n uint32) key {
	return newKey(tablePiece, len(k)+4).bytes(k).u32(n)
}

// putLong puts a value of any size under a key that holds none.
func (t *tx) putLong(k key, v []byte) {
	if len(v) <= pieceSize {
		t.put(k, v)
		return
	}
	pieces := uint32(0)
	for rest := v; len(rest) > 0; pieces++ {
		n := min(pieceSize, len(rest))
		t.put(keyPiece(k, pieces), rest[:n])
		rest = rest[n:]
	}
	head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(pieces)), uint64(len(v)))
	t.write(k, value{head, true})
}

// replaceLong puts a value of any size in place of whatever the key holds.
func (t *tx) replaceLong(k key, v []byte) error {
	if err := t.deleteLong(k); err != nil {
		return err
	}
	t.putLong(k, v)
	return nil
}

// deleteLong deletes a key and its pieces.
func (t *tx) deleteLong(k key) error {
	old, err := t.get(k)
	if err != nil || !old.found() {
		return err
	}
	t.mine.freed += int64(len(k) + len(old.bytes))
	if old.long {
		pieces, used := binary.Uvarint(old.bytes)
		size, _ := binary.Uvarint(old.bytes[max(used, 0):])
		t.mine.freed += int64(size)
		for n := range uint32(pieces) {
			t.delete(keyPiece(k, n))
		}
	}
	t.delete(k)
	return nil
}

type getter interface {
	get(k key) (value, error)
}

// getLong returns the bytes of k, pieces put together, or nil.
func getLong(g getter, k key) ([]byte, error) {
	v, err := g.get(k)
	if err != nil || !v.long {
		return v.bytes, err
	}
	return joinPieces(g, k, v.bytes)
}

// getStart returns the beginning of k's bytes, at least a piece if there are as
// many, or nil.
func getStart(g getter, k key) ([]byte, error) {
	v, err := g.get(k)
	if err == nil && v.long {
		v, err = g.get(keyPiece(k, 0))
	}
	return v.bytes, err
}

func joinPieces(g getter, k key, head []byte) ([]byte, error) {
	pieces, used := binary.Uvarint(head)
	if used <= 0 {
		return nil, errBroken("long value")
	}
	size, _ := binary.Uvarint(head[used:])
	if size > pieces*pieceSize {
		return nil, errBroken("long value")
	}
	var out []byte
	for n := range uint32(pieces) {
		piece, err := g.get(keyPiece(k, n))
		if err != nil {
			return nil, err
		}
		if !piece.found() {
			return nil, errBroken("long value")
		}
		if out == nil {
			out = make([]byte, 0, size)
		}
		out = append(out, piece.bytes...)
	}
	return out, nil
}
