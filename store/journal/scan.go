package journal

import (
	"bytes"
	"io"
)

// window reads a segment in large pieces. It returns parts of its buffer,
// which the next call may overwrite.
type window struct {
	file  io.ReaderAt
	mark  mark
	base  int64 // where buf begins in the file
	buf   []byte
	chunk int
}

const readSize = 256 << 10

func newWindow(f io.ReaderAt, m mark) *window {
	return &window{file: f, mark: m, chunk: readSize}
}

// frame is one frame as read. next is the offset behind it.
type frame struct {
	header
	payload []byte
	next    int64
}

// frame returns the frame at off if it is whole, undamaged and ends by end.
func (w *window) frame(off, end int64) (f frame, ok bool) {
	h, ok := w.header(off, end)
	if !ok {
		return f, false
	}
	size := headerSize + h.length
	payload := w.at(off, size, end)[headerSize:]
	f = frame{header: h, payload: payload, next: off + int64(size)}
	return f, checksum(payload) == h.sum
}

// header returns the header at off if it is undamaged and its frame ends by
// end.
func (w *window) header(off, end int64) (h header, ok bool) {
	if end-off < headerSize {
		return h, false
	}
	h, ok = parse(w.at(off, headerSize, end), w.mark)
	return h, ok && int64(h.length) <= end-off-headerSize
}

// resync returns where reading goes on after the damage at off: the next
// offset of an undamaged header, or end. A header that is undamaged itself is
// believed as to where its frame ends, so no byte is looked at twice however
// hostile the file is.
func (w *window) resync(off, end int64) int64 {
	if h, ok := w.header(off, end); ok {
		off += headerSize + int64(h.length)
	} else {
		off++
	}
	for end-off >= headerSize {
		n := w.ahead(off, end)
		i := bytes.Index(w.at(off, n, end), w.mark[:])
		switch {
		case i < 0:
			off += int64(max(n-len(w.mark)+1, 1))
			continue
		case i > 0:
			off += int64(i)
		}
		if _, ok := w.header(off, end); ok {
			return off
		}
		off++
	}
	return end
}

// ahead returns how many bytes from off to search at once: what is in the
// buffer already, unless that is less than a header.
func (w *window) ahead(off, end int64) int {
	n := w.base + int64(len(w.buf)) - off
	if off < w.base || n < headerSize {
		n = int64(w.chunk)
	}
	return int(min(n, end-off))
}

// at returns n bytes from off, which end by end. Those that cannot be read are
// zero, so that checksums fail where they belong.
func (w *window) at(off int64, n int, end int64) []byte {
	if off >= w.base && off+int64(n) <= w.base+int64(len(w.buf)) {
		i := int(off - w.base)
		return w.buf[i : i+n]
	}
	w.fill(off, int(min(max(int64(n), int64(w.chunk)), end-off)))
	return w.buf[:n]
}

func (w *window) fill(off int64, n int) {
	// One large frame must not keep its memory for good.
	if cap(w.buf) < n || cap(w.buf) > 4*w.chunk && n <= w.chunk {
		w.buf = make([]byte, max(n, w.chunk))
	}
	w.base, w.buf = off, w.buf[:n]
	read, err := w.file.ReadAt(w.buf, off)
	if read == n {
		return
	}
	clear(w.buf[read:])
	if err == io.EOF {
		return
	}
	// A bad sector: what surrounds it is read page by page.
	for read < n {
		page := min(n, read+pageSize-int(off+int64(read))%pageSize)
		if got, err := w.file.ReadAt(w.buf[read:page], off+int64(read)); err != nil {
			clear(w.buf[read+got : page])
		}
		read = page
	}
}
