package journal

import (
	"sort"

	"github.com/sidehook/sidehook/store"
)

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
