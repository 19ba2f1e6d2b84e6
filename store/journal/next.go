package journal

import (
	"context"
	"fmt"
	"io"
	"sort"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
)

// maxHandedOut bounds, roughly, the bytes that one call of Next returns.
const maxHandedOut = 8 << 20

// cursor is where the last call of Next left off, so that the next one goes on
// there. It is guarded by Journal.readMu.
type cursor struct {
	after   store.Position // of the last entry returned
	segment *segment       // nil: to be found from after
	file    File
	window  *window
	off     int64

	confirmed uint64 // segments below it are passed
}

func (c *cursor) reset() {
	if c.file != nil {
		c.file.Close()
	}
	c.segment, c.file, c.window = nil, nil, nil
}

// goTo puts the cursor at an offset of s.
func (c *cursor) goTo(s *segment, off int64) {
	if c.segment != s {
		c.reset()
		c.segment = s
	}
	c.off = off
}

// open makes the file of the cursor's segment readable.
func (c *cursor) open(fs FS) error {
	if c.file != nil || c.segment.absent > 0 {
		return nil
	}
	f, err := fs.Open(segmentName(c.segment.number))
	if err != nil {
		return err
	}
	c.file, c.window = f, newWindow(f, c.segment.mark)
	return nil
}

// Next implements [store.Journal]. It is for one consumer, which calls Done for
// each end that is not of a rejected call, and comes back for more when it has
// dealt with begins and what was lost: that is what a segment is dropped on. A
// consumer that starts again at the zero position gets everything still kept,
// from the file if need be. One that keeps up costs no reading.
func (j *Journal) Next(ctx context.Context, after store.Position, max int) ([]store.Entry, error) {
	if max < 1 {
		max = 1
	}
	for {
		select {
		case <-j.stop:
			return nil, io.EOF
		default:
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		entries, wake, err := j.read(after, max)
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		if len(entries) > 0 {
			return entries, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
		case <-j.stop:
		}
	}
}

// read returns what is there now, or a channel that is closed when there may
// be more.
func (j *Journal) read(after store.Position, max int) ([]store.Entry, <-chan struct{}, error) {
	j.readMu.Lock()
	defer j.readMu.Unlock()
	c := &j.cursor
	if c.segment == nil || c.after != after {
		if err := j.seek(after); err != nil {
			return nil, nil, err
		}
	} else {
		j.confirm()
	}
	var entries []store.Entry
	for size := int64(0); len(entries) < max && size < maxHandedOut; {
		if len(entries) == 0 {
			if recalled, wake, ok := j.recall(max); ok {
				return recalled, wake, nil
			}
		}
		end, wake, err := j.reach(len(entries) == 0)
		if err != nil && len(entries) == 0 || wake != nil {
			return nil, wake, err
		}
		if end == 0 {
			break
		}
		from := c.off
		if e, ok := j.step(end); ok {
			c.after = e.At
			entries = append(entries, e)
			size += c.off - from
		}
	}
	return entries, nil, nil
}

// confirm notes that the consumer has come back: it is done with all segments
// before the cursor's.
func (j *Journal) confirm() {
	c := &j.cursor
	if c.confirmed >= c.segment.number {
		return
	}
	c.confirmed = c.segment.number
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		if s.number >= c.confirmed {
			break
		}
		s.passed = true
	}
	j.kickIfDroppable()
}

// seek puts the cursor behind the entry at after.
func (j *Journal) seek(after store.Position) error {
	c := &j.cursor
	c.reset()
	c.after = after
	j.mu.Lock()
	s := j.segment(after.Segment)
	var end int64
	if s != nil {
		end = s.end
	}
	j.mu.Unlock()
	if s == nil {
		return nil
	}
	c.goTo(s, dataStart)
	if s.number == after.Segment && after.Offset >= dataStart {
		if c.off = after.Offset; c.off < end {
			if err := c.open(j.fs); err != nil {
				c.reset()
				return err
			}
			c.skip(end)
		}
	}
	return nil
}

// skip moves the cursor over one frame or stretch of damage.
func (c *cursor) skip(end int64) {
	if c.segment.lost != nil {
		if end--; c.off == end {
			c.off++
			return
		}
	}
	if f, ok := c.window.frame(c.off, end); ok {
		c.off = f.next
		return
	}
	c.off = c.window.resync(c.off, end)
}

// segment returns the first segment from number on, or nil. The caller holds
// mu.
func (j *Journal) segment(number uint64) *segment {
	i := sort.Search(len(j.segments), func(i int) bool { return j.segments[i].number >= number })
	if i == len(j.segments) {
		return nil
	}
	return j.segments[i]
}

// reach makes sure that there is something to read at the cursor, going on to
// the next segment if need be, and returns how far it may be read. If there is
// nothing, or nothing but what is in memory, it returns 0; if the caller would
// wait for it, also a channel to wait for.
func (j *Journal) reach(wait bool) (end int64, wake <-chan struct{}, err error) {
	c := &j.cursor
	for {
		j.mu.Lock()
		next := j.segment(c.after.Segment)
		if s := c.segment; s != nil {
			if !wait && !j.recent.misses(s, c.off) {
				j.mu.Unlock()
				return 0, nil, nil
			}
			if c.off < s.end {
				end = s.end
				j.mu.Unlock()
				if err := c.open(j.fs); err != nil {
					return 0, nil, err
				}
				return end, nil, nil
			}
			if next = nil; s.sealed {
				next = j.segment(s.number + 1)
				if wait { // so the consumer has come back
					s.passed = true
					j.kickIfDroppable()
				}
			}
		}
		if next == nil {
			if wait {
				wake = j.waitForMore()
			}
			j.mu.Unlock()
			return 0, wake, nil
		}
		j.mu.Unlock()
		c.goTo(next, dataStart)
	}
}

// waitForMore returns a channel that is closed when there may be more to read.
// The caller holds mu.
func (j *Journal) waitForMore() <-chan struct{} {
	if j.wake == nil {
		j.wake = make(chan struct{})
	}
	return j.wake
}

// wakeReader is called when there may be more to read. The caller holds mu.
func (j *Journal) wakeReader() {
	if j.wake != nil {
		close(j.wake)
		j.wake = nil
	}
}

// step moves the cursor over one frame, or one stretch of damage, that begins
// before end. ok is false if a reader need not know of it.
func (j *Journal) step(end int64) (e store.Entry, ok bool) {
	c := &j.cursor
	s := c.segment
	e.At = store.Position{Segment: s.number, Offset: c.off}
	if s.lost != nil && c.off == end-1 {
		c.off = end
		e.Lost = s.lost
		return e, true
	}
	if s.lost != nil {
		end-- // behind the last frame
	}
	f, ok := c.window.frame(c.off, end)
	if !ok {
		e.Lost = &store.Lost{Detail: fmt.Sprintf("segment %d is damaged at offset %d", s.number, c.off)}
		if h, ok := c.window.header(c.off, end); ok {
			e.Lost.Detail += ", in the " + h.kind.String() + " of " + h.id.String()
		}
		c.off = c.window.resync(c.off, end)
		e.Lost.Bytes = c.off - e.At.Offset
		return e, true
	}
	c.off = f.next
	return j.entry(e, f, s)
}

// entry fills in e from the frame f of s.
func (j *Journal) entry(e store.Entry, f frame, s *segment) (_ store.Entry, ok bool) {
	_, handOut := s.copies[e.At.Offset]
	later := s.number >= j.own && (f.kind == kindBegin || f.kind == kindRejected)
	var err error
	switch {
	case f.kind == kindSeal, f.kind == kindProbe, f.kind == kindCopy && !handOut, later:
		return e, false
	case f.kind == kindBegin, f.kind == kindCopy:
		e.Begin, err = wire.DecodeBegin(f.payload)
	case f.kind == kindEnd, f.kind == kindRejected:
		e.End, err = wire.DecodeExchange(append([]byte(nil), f.payload...))
	default:
		err = fmt.Errorf("kind %d is none of this version", f.kind)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		e.Begin, e.End = nil, nil
		e.Lost = &store.Lost{Bytes: f.next - e.At.Offset, Detail: fmt.Sprintf("%s: %v", f.id, err)}
		j.closeUnreadable(f)
	} else if f.kind == kindEnd {
		s.owe(e.At.Offset)
	}
	return e, true
}

// closeUnreadable lets go of a begin that nobody will be able to reconcile.
func (j *Journal) closeUnreadable(f frame) {
	if f.kind == kindBegin || f.kind == kindCopy {
		j.closeBegin(f.id)
	}
}

// String returns the kind as a Lost's detail shows it.
func (k kind) String() string {
	switch k {
	case kindBegin, kindCopy:
		return "begin"
	case kindEnd, kindRejected:
		return "end"
	case kindSeal:
		return "seal"
	case kindProbe:
		return "probe"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
