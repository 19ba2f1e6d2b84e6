package journal

import (
	"errors"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Done implements [store.Journal].
func (j *Journal) Done(at store.Position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := j.segment(at.Segment); s != nil && s.number == at.Segment {
		delete(s.undone, at.Offset)
		j.kickIfDroppable()
	}
}

// droppable reports whether nothing but open begins holds up the oldest
// segment. The caller holds mu.
func (j *Journal) droppable() bool {
	if len(j.segments) == 0 {
		return false
	}
	s := j.segments[0]
	return s.sealed && s.passed && s.file == nil && len(s.undone) == 0
}

func (j *Journal) kickIfDroppable() {
	if j.droppable() {
		kick(j.keepKick)
	}
}

// dropFront drops the oldest segment, if it is done with, and reports whether
// it did.
func (j *Journal) dropFront() bool {
	j.mu.Lock()
	ok := j.droppable() && !j.closed
	var s *segment
	var begins []webhook.ExchangeID
	if ok {
		s = j.segments[0]
		for id, at := range j.open {
			if at.segment == s {
				begins = append(begins, id)
			}
		}
	}
	j.mu.Unlock()
	if !ok {
		return false
	}
	if err := j.copyForward(s, begins); err != nil {
		j.log.Warn("journal cannot drop a segment", "segment", s.number, "error", err)
		return false
	}
	j.remove(s)
	return true
}

// copyForward writes the open begins of s again, and makes everything durable:
// their copies, and the ends of begins in s that are not open any more.
func (j *Journal) copyForward(s *segment, begins []webhook.ExchangeID) error {
	if len(begins) > 0 {
		f, err := j.fs.Open(segmentName(s.number))
		if err != nil {
			return err
		}
		defer f.Close()
		w := newWindow(f, s.mark)
		for _, id := range begins {
			err := j.copyBegin(s, id, w)
			if err == errNoSegment {
				j.keepPrepared()
				err = j.copyBegin(s, id, w)
			}
			if err != nil {
				return err
			}
		}
	}
	return j.flush()
}

// flush makes everything written durable.
func (j *Journal) flush() error {
	j.mu.Lock()
	if j.active == nil {
		defer j.mu.Unlock()
		if slices.ContainsFunc(j.segments, func(s *segment) bool { return s.file != nil }) {
			return errNoSegment // its sync is under way
		}
		return nil
	}
	b := j.join()
	j.mu.Unlock()
	select {
	case <-b.done:
		return b.err
	case <-j.stop:
		return errClosed
	}
}

func (j *Journal) copyBegin(s *segment, id webhook.ExchangeID, w *window) error {
	j.mu.Lock()
	at, ok := j.open[id]
	j.mu.Unlock()
	if !ok || at.segment != s {
		return nil // it has ended
	}
	f, ok := w.frame(at.offset, s.end) // s is sealed: its end stays
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.open[id] != at {
		return nil
	}
	if !ok {
		j.log.Error("journal lost an open begin", "exchange", id, "segment", s.number)
		j.closeBegin(id)
		return nil
	}
	buf := append(make([]byte, headerSize, headerSize+len(f.payload)), f.payload...)
	h := header{id: id, kind: kindCopy, length: len(f.payload), sum: f.sum}
	to, err := j.write(h, buf, patience{})
	if err == nil {
		j.note(kindCopy, id, to)
	}
	return err
}

// remove takes the oldest segment out, and makes its file a spare if it is of
// the right size and there are not enough.
func (j *Journal) remove(s *segment) {
	j.readMu.Lock()
	if j.cursor.segment == s {
		j.cursor.reset()
	}
	j.mu.Lock()
	j.segments = j.segments[1:]
	j.mu.Unlock()
	j.readMu.Unlock()

	if s.absent == 0 {
		if err := errors.Join(j.discard(s), j.fs.SyncDir()); err != nil {
			j.log.Warn("journal cannot remove a segment", "segment", s.number, "error", err)
			return
		}
	}
	j.isDropped(s)
}

// discard removes a segment's file, or makes it a spare.
func (j *Journal) discard(s *segment) error {
	name := segmentName(s.number)
	spare := strings.TrimSuffix(name, segmentSuffix) + spareSuffix
	j.mu.Lock()
	scrub := s.number <= j.scrub
	j.mu.Unlock()
	if scrub || s.size != j.limit || len(j.spares) >= maxSpares || j.fs.Rename(name, spare) != nil {
		return j.fs.Remove(name)
	}
	j.spares = append(j.spares, spare)
	return nil
}
