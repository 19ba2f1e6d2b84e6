package journal

import (
	"fmt"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
)

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
