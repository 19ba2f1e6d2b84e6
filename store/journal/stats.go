package journal

// Stats is what health and metrics show of a journal.
type Stats struct {
	Segments    int    // kept, the one written to included
	First, Last uint64 // their numbers; marks of a segment before First are of no use
	Bytes       int64  // on disk, with the prepared segment
	Reserve     int64  // bytes that can be written although the disk is full
	OpenBegins  int    // begins without an end, not reconciled
	Undone      int    // ends handed out and not Done
	Unread      int64  // bytes that the reader has not come to
	SyncBegins  bool   // begins are durable
}

// Stats returns the present state, or the last that was asked for if a write
// hangs.
func (j *Journal) Stats() Stats {
	if !j.lock(&j.readMu) {
		return j.before()
	}
	reading, off := j.cursor.segment, j.cursor.off
	j.readMu.Unlock()
	if !j.lock(&j.mu) {
		return j.before()
	}
	defer j.mu.Unlock()
	s := j.stats(reading, off)
	j.lastStats.Store(&s)
	return s
}

// before returns what Stats returned last.
func (j *Journal) before() Stats {
	if s := j.lastStats.Load(); s != nil {
		return *s
	}
	return Stats{}
}

// stats returns the present state; the reader is at off of a segment, or nowhere
// yet. The caller holds mu.
func (j *Journal) stats(reading *segment, off int64) Stats {
	s := Stats{Segments: len(j.segments), OpenBegins: len(j.open), SyncBegins: j.sync.Load()}
	for i, seg := range j.segments {
		if i == 0 {
			s.First = seg.number
		}
		s.Last = seg.number
		s.Bytes += seg.size
		s.Undone += len(seg.undone)
	}
	s.Unread = j.unread(reading, off)
	if j.active != nil {
		s.Reserve += max(j.active.size-j.active.end, 0)
	}
	if j.next != nil {
		s.Bytes += j.next.size
		s.Reserve += j.next.size - dataStart
	}
	return s
}

// unread returns how much there is for a reader that is at off of a segment, or
// nowhere yet. What it skips in memory does not count. The caller holds mu.
func (j *Journal) unread(reading *segment, off int64) (n int64) {
	if reading != nil && !j.recent.misses(reading, off) {
		return j.recent.frames
	}
	for _, s := range j.segments {
		switch {
		case reading != nil && s.number == reading.number:
			n += max(s.end-off, 0)
		case reading == nil || s.number > reading.number:
			n += max(s.end-dataStart, 0)
		}
	}
	return n
}
