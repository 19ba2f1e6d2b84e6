package deliver

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// load is how much the attempts in flight hold, in bytes of their events. What
// holds little does not count: its number is bounded. Its methods want
// [Deliverer].mu held.
type load struct {
	most  int
	bytes int

	// first waits for room, and so do all others that hold much: or what is
	// smaller would overtake it for ever.
	first *subscriber
}

// shareOfOne is the part of the load that one subscription may have: its receiver
// may hang.
const shareOfOne = 4

// shownBytes counts for an entity that the API shows; of a chunk, shownMost are
// counted.
const (
	shownBytes = 1 << 20
	shownMost  = 8
)

// weight returns how much an attempt holds, 0: little.
func weight(p *plan, d *webhook.Delivery) int {
	if p == nil || !p.shows {
		return d.Bytes
	}
	events := 1
	if d.Chunk != nil {
		events = min(1+len(d.Chunk.Further), shownMost)
	}
	return d.Bytes + events*shownBytes
}

// fits reports whether an attempt of s may begin that holds n. What is larger than
// its share, or than all there is, begins when nothing else that holds much is
// under way.
func (l *load) fits(s *subscriber, n int, now time.Time) bool {
	if f := l.first; f != nil && (f.free() == 0 || !f.eligible(now)) {
		l.first = nil // paused, or gone
	}
	switch {
	case n == 0:
		return true
	case s.bytes > 0 && s.bytes+n > l.most/shareOfOne, l.first != nil:
		return false
	case l.bytes == 0 || l.bytes+n <= l.most:
		return true
	}
	l.first = s
	return false
}

// leave notes that s has its turn: it waits no more.
func (l *load) leave(s *subscriber) {
	if l.first == s {
		l.first = nil
	}
}

func (l *load) add(s *subscriber, n int) {
	l.bytes += n
	s.bytes += n
}
