package journal

import (
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of the ends that are kept in memory for a reader that is close behind.
const (
	maxRecent      = 1 << 10
	maxRecentBytes = 16 << 20
)

// recent has the newest ends that were written and not handed out, as they were
// given to End: a reader that keeps up needs no file. It is guarded by
// Journal.mu.
type recent struct {
	from   store.Position // all ends that want Done, from here on, are in the ring
	ring   []written      // of which count are in use, the oldest at first
	first  int
	count  int
	memory int64 // bytes that they take, roughly
	frames int64 // bytes that they take in the journal
}

// written is an end and its frame.
type written struct {
	x    *webhook.Exchange
	at   place
	next int64 // behind the frame
}

func (w *written) frame() int64 { return w.next - w.at.offset }

// memory is what w takes: what is in its frame, and what its bodies have room
// for beyond that.
func (w *written) memory() int64 {
	n := w.frame() + spare(w.x.Request.Body) + spare(w.x.Response.Body)
	if w.x.Before != nil {
		n += spare(w.x.Before.Body)
	}
	return n
}

func spare(b webhook.Body) int64 { return int64(cap(b.Bytes) - len(b.Bytes)) }

// init makes r know all that is written from a segment on, which is to come.
func (r *recent) init(segment uint64) {
	r.from = store.Position{Segment: segment}
	r.ring = make([]written, maxRecent)
}

// add takes in what was written last, and lets go of the oldest for it.
func (r *recent) add(w written) {
	if r.count == len(r.ring) {
		r.drop()
	}
	r.ring[(r.first+r.count)%len(r.ring)] = w
	r.count++
	r.memory += w.memory()
	r.frames += w.frame()
	for r.memory > maxRecentBytes {
		r.drop()
	}
}

// misses reports whether r has not all that a reader at off of s is to get.
func (r *recent) misses(s *segment, off int64) bool {
	return store.Position{Segment: s.number, Offset: off}.Before(r.from)
}

// oldest returns the oldest end that is kept, or nil.
func (r *recent) oldest() *written {
	if r.count == 0 {
		return nil
	}
	return &r.ring[r.first]
}

// drop lets go of the oldest.
func (r *recent) drop() {
	w := &r.ring[r.first]
	r.from = store.Position{Segment: w.at.segment.number, Offset: w.next}
	r.memory -= w.memory()
	r.frames -= w.frame()
	*w = written{}
	r.first = (r.first + 1) % len(r.ring)
	r.count--
}

// clear lets go of all.
func (r *recent) clear() {
	for r.count > 0 {
		r.drop()
	}
}

// recall hands out up to max ends from memory, or if there are none, the channel
// to wait for. ok is false if the cursor is where only the file knows more.
func (j *Journal) recall(max int) (entries []store.Entry, wake <-chan struct{}, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, r := &j.cursor, &j.recent
	if c.segment == nil || r.misses(c.segment, c.off) {
		return nil, nil, false
	}
	for w := r.oldest(); w != nil && c.isBehind(w.at); w = r.oldest() {
		r.drop() // the consumer has skipped it
	}
	j.leaveSegments()
	for w := r.oldest(); w != nil && len(entries) < max; w = r.oldest() {
		if entries == nil {
			entries = make([]store.Entry, 0, min(max, r.count))
		}
		c.goTo(w.at.segment, w.next)
		c.after = store.Position{Segment: w.at.segment.number, Offset: w.at.offset}
		entries = append(entries, store.Entry{At: c.after, End: w.x})
		w.at.segment.owe(w.at.offset)
		r.drop()
	}
	if len(entries) == 0 {
		c.off = c.segment.end // what is left there is for later starts
		wake = j.waitForMore()
	}
	return entries, wake, true
}

// leaveSegments passes the segments that have nothing more for the consumer,
// which has come back. The caller holds mu.
func (j *Journal) leaveSegments() {
	c := &j.cursor
	for c.segment.sealed {
		if w := j.recent.oldest(); w != nil && w.at.segment == c.segment {
			break
		}
		c.segment.passed = true
		next := j.segment(c.segment.number + 1)
		if next == nil {
			break
		}
		c.goTo(next, dataStart)
	}
	j.kickIfDroppable()
}

// isBehind reports whether c is behind the frame at the place.
func (c *cursor) isBehind(at place) bool {
	return c.segment.number > at.segment.number || c.segment == at.segment && c.off > at.offset
}
