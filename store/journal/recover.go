package journal

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/store"
)

// recover reads the directory: which segments there are, how far each goes,
// and which begins are open.
func (j *Journal) recover() error {
	names, err := j.fs.List()
	if err != nil {
		return err
	}
	var numbers []uint64
	for _, name := range names {
		if number, ok := parseName(name); ok {
			numbers = append(numbers, number)
		} else if err := j.recoverSpare(name); err != nil {
			return err
		}
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		if err := j.recoverSegment(number); err != nil {
			return fmt.Errorf("segment %d: %w", number, err)
		}
	}
	if err := j.dropEmptyTail(); err != nil {
		return err
	}
	j.endSegments()
	return nil
}

// recoverSpare keeps or removes a file that is no segment.
func (j *Journal) recoverSpare(name string) error {
	switch {
	case strings.HasSuffix(name, freshSuffix):
		return j.fs.Remove(name)
	case strings.HasSuffix(name, spareSuffix):
		f, err := j.fs.Open(name)
		if err != nil {
			return err
		}
		size, err := f.Size()
		f.Close()
		if err != nil {
			return err
		}
		if size != j.limit || len(j.spares) >= maxSpares {
			return j.fs.Remove(name)
		}
		j.spares = append(j.spares, name)
	}
	return nil
}

// recoverSegment adds segment number to those kept.
func (j *Journal) recoverSegment(number uint64) error {
	f, err := j.fs.Open(segmentName(number))
	if err != nil {
		return err
	}
	defer f.Close()
	s := &segment{number: number, sealed: true, end: dataStart}
	if s.size, err = f.Size(); err != nil {
		return err
	}
	if len(j.segments) > 0 && j.newest+1 < number {
		j.segments = append(j.segments, missing(j.newest+1, number-1))
	}
	var ok bool
	if s.mark, ok, err = readMark(f, number); err != nil {
		return err
	} else if !ok {
		s.setLost(&store.Lost{Bytes: s.size, Detail: fmt.Sprintf("both headers of segment %d are damaged", number)})
	} else {
		j.scan(s, newWindow(f, s.mark))
	}
	j.segments = append(j.segments, s)
	j.newest = number
	return nil
}

// missing stands for segments that are not there.
func missing(from, to uint64) *segment {
	detail := fmt.Sprintf("segment %d is missing", from)
	if from < to {
		detail = fmt.Sprintf("segments %d to %d are missing", from, to)
	}
	s := &segment{number: from, absent: to - from + 1, sealed: true, end: dataStart}
	s.setLost(&store.Lost{Detail: detail})
	return s
}

// setLost makes l what a reader gets at the end of s.
func (s *segment) setLost(l *store.Lost) {
	s.lost = l
	s.end++
}

// scan goes through the frames of s and sets its end behind the last
// undamaged one. Damage before that is left for the reader to find.
func (j *Journal) scan(s *segment, w *window) {
	damaged := int64(0)
	for off := int64(dataStart); off < s.size && !s.whole; {
		f, ok := w.frame(off, s.size)
		if !ok {
			damaged = off
			off = w.resync(off, s.size)
			continue
		}
		if damaged > 0 {
			s.lastEntry, damaged = damaged, 0
		}
		_, known := j.open[f.id]
		switch {
		case f.kind == kindSeal:
			s.whole = true
		case f.kind == kindProbe, f.kind == kindCopy && known:
		case f.kind == kindCopy:
			s.handOut(off)
			s.lastEntry = off
		default:
			s.lastEntry = off
		}
		j.note(f.kind, f.id, place{s, off})
		s.end, off = f.next, f.next
	}
}

// dropEmptyTail makes spares of prepared segments that were not written to, so
// that their numbers are given again.
func (j *Journal) dropEmptyTail() error {
	for n := len(j.segments) - 1; n >= 0; n-- {
		s := j.segments[n]
		if s.lost != nil || s.whole || s.end > dataStart || j.isCut(s) {
			break
		}
		if err := errors.Join(j.discard(s), j.fs.SyncDir()); err != nil {
			return err
		}
		j.segments, j.newest = j.segments[:n], s.number-1
	}
	return nil
}

// isCut reports whether the file of s is not as large as it was made.
func (j *Journal) isCut(s *segment) bool { return s.size < j.limit }

// endSegments seals the newest segment, whose tail may be torn. An older one
// has its seal, or something was lost of it; so it was of a file that is cut.
func (j *Journal) endSegments() {
	for i, s := range j.segments {
		if !s.whole && s.lost == nil {
			switch {
			case j.isCut(s):
				s.setLost(&store.Lost{Bytes: j.limit - s.size, Detail: fmt.Sprintf("segment %d is cut off", s.number)})
			case i == len(j.segments)-1:
				j.seal(s)
			default:
				s.setLost(&store.Lost{Detail: fmt.Sprintf("segment %d breaks off without its seal", s.number)})
			}
		}
		if s.lost != nil {
			s.lastEntry = s.end - 1
		}
		if s.lastEntry > 0 {
			j.recovered = store.Position{Segment: s.number, Offset: s.lastEntry}
		}
	}
}

// seal ends a recovered segment in place of its torn tail.
func (j *Journal) seal(s *segment) {
	f, err := j.fs.Open(segmentName(s.number))
	if err == nil {
		var buf [headerSize]byte
		header{kind: kindSeal}.put(buf[:], s.mark)
		_, err = f.WriteAt(buf[:], s.end)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		j.log.Warn("journal segment stays unsealed", "segment", s.number, "error", err)
	}
}
