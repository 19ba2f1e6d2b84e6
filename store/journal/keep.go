package journal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// maxSpares is how many dropped segments are kept to be used again.
const maxSpares = 2

// keepLoop prepares segments, drops those that are done with, and tries a
// degraded journal.
func (j *Journal) keepLoop() {
	var again <-chan time.Time
	for {
		select {
		case <-j.keepKick:
		case <-again:
		case <-j.stop:
			return
		}
		j.keepScrubbed()
		j.keepPrepared()
		for j.dropFront() {
			j.keepPrepared()
		}
		again = j.probe()
		j.closeLater()
	}
}

// askPrepare has the keeper prepare the next segment, unless it failed to do
// so a moment ago. The caller holds mu.
func (j *Journal) askPrepare() {
	if j.prepareErr != nil && time.Since(j.lastTry) < retryEvery {
		return
	}
	if j.beginToPrepare() {
		kick(j.keepKick)
	}
}

// beginToPrepare makes the next segment wanted, unless it is there or on its
// way. The caller holds mu.
func (j *Journal) beginToPrepare() bool {
	if j.next != nil || j.preparing {
		return false
	}
	j.preparing, j.asked = true, time.Now()
	return true
}

func (j *Journal) keepPrepared() {
	j.mu.Lock()
	// A spare gives hope at once to a journal that has no next segment.
	if len(j.spares) > 0 {
		j.beginToPrepare()
	}
	wanted, number := j.preparing, j.newest+1
	j.mu.Unlock()
	if !wanted {
		return
	}
	s, err := j.prepare(number)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.next, j.newest = s, number
	} else if j.prepareErr == nil {
		j.log.Warn("journal has no next segment", "error", err)
	}
	j.prepareErr, j.lastTry, j.preparing = err, time.Now(), false
	j.preparationEnds()
}

// preparationEnds wakes who waits for it. The caller holds mu.
func (j *Journal) preparationEnds() {
	close(j.prepared)
	j.prepared = make(chan struct{})
}

// prepare returns segment number, with its header and its name durable.
func (j *Journal) prepare(number uint64) (*segment, error) {
	s := &segment{number: number, mark: newMark(number), size: j.limit, end: dataStart}
	for {
		name, f, err := j.spare()
		if err != nil {
			return nil, fmt.Errorf("prepare a segment: %w", err)
		}
		if err = j.dress(name, f, s); err == nil {
			s.file = f
			return s, nil
		}
		f.Close()
		j.fs.Remove(name)
		if strings.HasSuffix(name, freshSuffix) {
			return nil, fmt.Errorf("prepare a segment: %w", err)
		}
	}
}

func (j *Journal) dress(name string, f File, s *segment) error {
	if err := writePageHeaders(f, s.mark); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := j.fs.Rename(name, segmentName(s.number)); err != nil {
		return err
	}
	return j.fs.SyncDir()
}

// spare returns a file of the segments' size: a dropped one, else a new one.
func (j *Journal) spare() (name string, f File, err error) {
	for len(j.spares) > 0 {
		name = j.spares[len(j.spares)-1]
		j.spares = j.spares[:len(j.spares)-1]
		if f, err = j.fs.Open(name); err == nil {
			return name, f, nil
		}
		j.fs.Remove(name)
	}
	name = "next" + freshSuffix
	if f, err = j.fs.Create(name); err != nil {
		return "", nil, err
	}
	if err = zeroFill(f, j.limit); err != nil {
		f.Close()
		j.fs.Remove(name)
	}
	return name, f, err
}

// zeroPiece is how much is filled at once: a page. Of larger pieces Linux makes
// pages of many blocks (ext4 since 6.16), and goes through all blocks of one at
// each append: measured, 6 µs of processor time for a call.
const zeroPiece = 4 << 10

// zeroFill writes n zeros, so that the space is there and later syncs change
// no metadata.
func zeroFill(f File, n int64) error {
	zeros := make([]byte, min(n, zeroPiece))
	for off := int64(0); off < n; off += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(n-off, int64(len(zeros)))], off); err != nil {
			return err
		}
	}
	return f.Sync()
}

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
