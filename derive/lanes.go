package derive

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// lanes has the tickets that must wait stand in line entity by entity, and what
// need not in the one line of what is recorded next. A ticket waits until its
// after is known and until it is first in all its lanes; since all are joined at
// once and in journal order, no two can wait for each other. The order of an
// entity's tickets is kept in the line, so the next one need not wait for the
// recording.
type lanes struct {
	mu     sync.Mutex
	queues map[webhook.EntityKey][]*ticket // of those that wait
	ready  []*ticket                       // the line
	count  int                             // of all tickets that are not done with
	bytes  int
	closed bool // no exchange will come any more

	read store.Position // how far the journal is read
	gaps []*ticket      // wait for the journal to be read up to their at

	room chan struct{} // receives when tickets are done with
	wake chan struct{} // receives when the line begins, is long enough, or will never be
}

// enough tickets in the line are a batch worth recording at once.
const enough = 128

func (l *lanes) init() {
	l.queues = make(map[webhook.EntityKey][]*ticket)
	l.room = make(chan struct{}, 1)
	l.wake = make(chan struct{}, 1)
}

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// reserve waits until there is room for t; it is called by one goroutine. It
// reports false if ctx ended first.
func (l *lanes) reserve(ctx context.Context, t *ticket) bool {
	t.size = len(t.x.Request.Body.Bytes) + len(t.x.Response.Body.Bytes) + seenBytes(t.x.Before)
	for {
		l.mu.Lock()
		fits := l.count < maxOutstanding && (l.bytes+t.size <= maxOutstandingB || l.count == 0)
		if fits {
			l.count++
			l.bytes += t.size
		}
		l.mu.Unlock()
		if fits {
			return true
		}
		select {
		case <-l.room:
		case <-ctx.Done():
			return false
		}
	}
}

// join puts t behind what is before it on its entities. If its after is not
// known yet, settle says when it is.
func (l *lanes) join(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.lanes = t.keys
	if t.after == nil {
		t.behind = 1
		if len(t.lanes) == 0 {
			t.lanes = noEntity // where gaps find it
		}
	}
	l.stand(t)
}

var noEntity = []webhook.EntityKey{{}}

// await has t, a gap's, join when the journal is read up to its at. It reports
// false if that will not be.
func (l *lanes) await(t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.gaps = slices.DeleteFunc(l.gaps, func(t *ticket) bool { return t.gap.state.Load() == gapGivenUp })
	if l.read.Before(t.at) {
		l.gaps = append(l.gaps, t)
	} else {
		l.joinGap(t)
	}
	return true
}

// reached says that the journal is read up to at.
func (l *lanes) reached(at store.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read = at
	l.gaps = slices.DeleteFunc(l.gaps, func(t *ticket) bool {
		if at.Before(t.at) {
			return false
		}
		l.joinGap(t)
		return true
	})
}

// close says that the journal is read as far as it will be.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	kick(l.wake)
}

// joinGap puts t behind all tickets there are.
func (l *lanes) joinGap(t *ticket) {
	l.count++
	t.lanes = slices.Collect(maps.Keys(l.queues))
	l.stand(t)
}

func (l *lanes) stand(t *ticket) {
	if len(l.queues) > 0 {
		for _, k := range t.lanes {
			if len(l.queues[k]) > 0 {
				t.behind++
			}
		}
	}
	if t.behind == 0 {
		l.put(t)
		return
	}
	for _, k := range t.lanes {
		l.queues[k] = append(l.queues[k], t)
	}
}

// settle says that the after of t is known.
func (l *lanes) settle(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.behind--; t.behind == 0 {
		l.leave(t)
	}
}

// leave takes t, which waits for nothing, out of its lanes into the line, and
// what waits for nothing then.
func (l *lanes) leave(t *ticket) {
	for free := []*ticket{t}; len(free) > 0; free = free[1:] {
		l.put(free[0])
		for _, k := range free[0].lanes {
			q := l.queues[k][1:]
			if len(q) == 0 {
				delete(l.queues, k)
				continue
			}
			l.queues[k] = q
			if q[0].behind--; q[0].behind == 0 {
				free = append(free, q[0])
			}
		}
	}
}

// put puts t at the end of the line.
func (l *lanes) put(t *ticket) {
	l.ready = append(l.ready, t)
	if n := len(l.ready); n == 1 || n == enough {
		kick(l.wake)
	}
}

// done says that the tickets of a batch are dealt with.
func (l *lanes) done(batch []*ticket) {
	l.mu.Lock()
	l.count -= len(batch)
	for _, t := range batch {
		l.bytes -= t.size
	}
	l.mu.Unlock()
	kick(l.room)
}
