package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/sidehook/sidehook/webhook"
)

// A frame is a header and a payload. Header, all numbers little endian:
//
//	 0  mark of the segment: salt (8), number (8)
//	16  exchange id
//	32  length of the payload
//	36  kind, three zero bytes
//	40  crc32c of the payload
//	44  crc32c of the header so far
const (
	headerSize = 48

	// maxPayload is far beyond an exchange with three bodies of max_body. It
	// bounds what a damaged length can make a reader allocate.
	maxPayload = 16 << 20
)

type kind uint8

const (
	kindBegin    kind = iota + 1
	kindEnd           // an exchange that wants Done
	kindRejected      // an exchange that does not
	kindCopy          // a begin that moved here from an older segment
	kindSeal          // nothing follows in this segment
	kindProbe         // nothing: it was written to see whether that works
)

// mark is what tells a segment's frames from anything else.
type mark [16]byte

type header struct {
	id     webhook.ExchangeID
	length int
	kind   kind
	sum    uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// put writes h to the first headerSize bytes of b.
func (h header) put(b []byte, m mark) {
	b = b[:headerSize]
	copy(b, m[:])
	copy(b[16:], h.id[:])
	binary.LittleEndian.PutUint32(b[32:], uint32(h.length))
	binary.LittleEndian.PutUint32(b[36:], uint32(h.kind))
	binary.LittleEndian.PutUint32(b[40:], h.sum)
	binary.LittleEndian.PutUint32(b[44:], checksum(b[:44]))
}

// parse reads the header at the start of b, which is headerSize bytes or more.
func parse(b []byte, m mark) (h header, ok bool) {
	if !bytes.Equal(b[:16], m[:]) || binary.LittleEndian.Uint32(b[44:]) != checksum(b[:44]) {
		return h, false
	}
	copy(h.id[:], b[16:])
	length := binary.LittleEndian.Uint32(b[32:])
	h.kind = kind(b[36])
	h.sum = binary.LittleEndian.Uint32(b[40:])
	if length > maxPayload {
		return h, false
	}
	h.length = int(length)
	return h, true
}
