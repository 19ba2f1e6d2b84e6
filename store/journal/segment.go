package journal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/store"
)

// segment is what is known of one segment file. All but number and mark is
// guarded by Journal.mu.
type segment struct {
	number uint64
	mark   mark

	file File  // for writing and syncing; nil once that is over
	size int64 // of the file
	end  int64 // behind the last byte that a reader may read

	sealed bool // nothing more is appended
	failed bool // an fdatasync failed: it is not tried again
	passed bool // the reader is behind its end

	undone map[int64]struct{} // offsets of ends handed out and not Done
	copies map[int64]struct{} // offsets of copied begins to hand out
	begins int                // open begins that are here

	// lost is handed out at offset end-1, where no frame is: the segment is
	// missing, or unreadable, or breaks off there.
	lost *store.Lost

	// Found at Open: it has its seal, and its last entry (0: none).
	whole     bool
	lastEntry int64

	absent uint64 // how many missing segments, from number on, it stands for; 0: it has a file
}

// handOut makes the copied begin at off an entry.
func (s *segment) handOut(off int64) {
	if s.copies == nil {
		s.copies = make(map[int64]struct{})
	}
	s.copies[off] = struct{}{}
}

// owe notes that the end at off was handed out and is not Done.
func (s *segment) owe(off int64) {
	if s.undone == nil {
		s.undone = make(map[int64]struct{})
	}
	s.undone[off] = struct{}{}
}

// The header of a segment, in the first bytes of its first two pages: format,
// version (4), mark, crc32c of it all.
const (
	pageSize   = 4096
	dataStart  = 2 * pageSize
	version    = 1
	format     = "sidehook journal"
	pageHeader = len(format) + 4 + len(mark{}) + 4
)

var errNewer = fmt.Errorf("%w: the journal was written by a newer version of sidehook; run that one", store.ErrUnfit)

// newMark returns the mark for a new use of a file as segment number.
func newMark(number uint64) (m mark) {
	rand.Read(m[:8])
	binary.LittleEndian.PutUint64(m[8:], number)
	return m
}

func writePageHeaders(f File, m mark) error {
	b := append(make([]byte, 0, pageHeader), format...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = append(b, m[:]...)
	b = binary.LittleEndian.AppendUint32(b, checksum(b))
	for page := range int64(2) {
		if _, err := f.WriteAt(b, page*pageSize); err != nil {
			return err
		}
	}
	return nil
}

// readMark returns the mark of the segment file f. ok is false if neither copy
// of the header is that of segment number.
func readMark(f File, number uint64) (m mark, ok bool, err error) {
	for page := range int64(2) {
		b := make([]byte, pageHeader)
		if _, err := f.ReadAt(b, page*pageSize); err != nil && err != io.EOF {
			continue
		}
		body := b[:pageHeader-4]
		if string(b[:len(format)]) != format || binary.LittleEndian.Uint32(b[len(body):]) != checksum(body) {
			continue
		}
		if v := binary.LittleEndian.Uint32(b[len(format):]); v != version {
			return m, false, fmt.Errorf("format %d instead of %d: %w", v, version, errNewer)
		}
		m = mark(body[len(format)+4:])
		if binary.LittleEndian.Uint64(m[8:]) == number {
			return m, true, nil
		}
	}
	return m, false, nil
}

// Names in the directory. Only a file whose header is durable has a segment's
// name.
const (
	segmentSuffix = ".segment"
	spareSuffix   = ".spare" // to be taken over by a new segment
	freshSuffix   = ".fresh" // being filled with zeros
)

func segmentName(number uint64) string { return fmt.Sprintf("%016x", number) + segmentSuffix }

// parseName returns the number in the name of a segment. One of more than 56
// bits is none of ours; counting on from it could overflow.
func parseName(name string) (number uint64, ok bool) {
	text, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(text) != 16 {
		return 0, false
	}
	number, err := strconv.ParseUint(text, 16, 56)
	return number, err == nil && number > 0
}
