package derive

import (
	"context"
	"slices"
	"sync"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// line is where tickets wait for their recording, in journal order. A ticket is
// taken from it once its after is known and no other of its entities stands
// before it: those of one entity are taken in their order, and may be together.
type line struct {
	traffic *Traffic

	mu      sync.Mutex
	tickets []*ticket
	held    int // of them, those that are known to wait for an after
	count   int // of tickets, with those that are being recorded
	bytes   int // of their bodies
	closed  bool

	read store.Position // how far the journal is read
	gaps []*ticket      // of gaps, to join when it is read up to their at

	blocked map[webhook.EntityKey]struct{} // see take
	lane    []webhook.EntityKey            // reused; see lanes
	settled func()                         // l.settle, once

	room chan struct{} // receives when tickets are done with
	wake chan struct{} // receives when there may be something, or enough, to take, or never will be
}

// enough tickets are a batch worth recording at once.
const enough = 128

func newLine(t *Traffic) *line {
	l := &line{
		traffic: t, blocked: make(map[webhook.EntityKey]struct{}),
		room: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}
	l.settled = l.settle
	return l
}

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// keptPlan is the most that the bodies of a ticket may take for its plan to be
// kept while it waits: what the plan knows of them can be 16 times as large.
// Others are planned again.
const keptPlan = 64 << 10

// join puts t at the end as soon as there is room for it. It is called by one
// goroutine, and does nothing once ctx has ended: what is left out must not be
// overtaken.
func (l *line) join(ctx context.Context, t *ticket) {
	t.size = bodies(t.x)
	if t.size > keptPlan {
		t.plan = nil
	}
	for ctx.Err() == nil && !l.tryJoin(t) {
		select {
		case <-l.room:
		case <-ctx.Done():
		}
	}
}

func (l *line) tryJoin(t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count >= maxOutstanding || l.bytes+t.size > maxOutstandingB && l.count > 0 {
		return false
	}
	l.bytes += t.size
	l.put(t)
	return true
}

// put puts t at the end.
func (l *line) put(t *ticket) {
	l.count++
	l.tickets = append(l.tickets, t)
	if l.knows(t) {
		l.tell()
	} else {
		l.held++
	}
}

// knows reports whether the after of t is known. If it is not, settle is called
// when it is.
func (l *line) knows(t *ticket) bool {
	if t.gap != nil || t.after != nil {
		return true
	}
	c, settled := l.traffic.look(t.x.ID, t.keys, l.settled)
	if settled {
		t.setAfter(c)
	}
	return settled
}

// fresh is how many tickets there may be to take.
func (l *line) fresh() int { return len(l.tickets) - l.held }

// tell wakes who takes, now that there is one more.
func (l *line) tell() {
	if n := l.fresh(); n == 1 || n == enough {
		kick(l.wake)
	}
}

// settle is called when an after is known.
func (l *line) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held > 0 {
		l.held--
		l.tell()
	}
}

// take appends to batch what can be recorded, as much as it may hold.
func (l *line) take(batch []*ticket) []*ticket {
	all, rest, size := l.tickets, l.tickets[:0], 0
	clear(l.blocked)
	for len(all) > 0 && len(batch) < maxBatch {
		t := all[0]
		if len(batch) > 0 && size+t.size > maxBatchB {
			break
		}
		all = all[1:]
		switch {
		case l.mustWait(t, len(rest) > 0):
			rest = append(rest, t)
			for _, k := range l.lanes(t) {
				l.blocked[k] = struct{}{}
			}
		case t.gap != nil && !t.gap.take():
			l.count--
		default:
			batch = append(batch, t)
			size += t.size
		}
	}
	l.held = len(rest)
	rest = append(rest, all...)
	clear(l.tickets[len(rest):])
	l.tickets = rest
	return batch
}

// lanes returns the entities of t, valid until the next call.
func (l *line) lanes(t *ticket) []webhook.EntityKey {
	l.lane = l.traffic.lanes(l.lane[:0], t.keys)
	return l.lane
}

// mustWait reports whether t must wait: for its after, or behind others. A gap
// waits if any do.
func (l *line) mustWait(t *ticket, any bool) bool {
	if t.gap != nil {
		return any
	}
	if any && slices.ContainsFunc(l.lanes(t), func(k webhook.EntityKey) bool { _, yes := l.blocked[k]; return yes }) {
		return true
	}
	return !l.knows(t)
}

// await has t, a gap's, join when the journal is read up to its at. It reports
// false if that will not be.
func (l *line) await(t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.read.Before(t.at) {
		l.gaps = append(slices.DeleteFunc(l.gaps, func(t *ticket) bool { return t.gap.givenUp() }), t)
	} else {
		l.put(t)
	}
	return true
}

// reached says that the journal is read up to at.
func (l *line) reached(at store.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read = at
	l.gaps = slices.DeleteFunc(l.gaps, func(t *ticket) bool {
		if at.Before(t.at) {
			return false
		}
		l.put(t)
		return true
	})
}

// close says that the journal is read as far as it will be.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	kick(l.wake)
}

// done says that the tickets of a batch are dealt with.
func (l *line) done(batch []*ticket) {
	l.mu.Lock()
	l.count -= len(batch)
	for _, t := range batch {
		l.bytes -= t.size
	}
	l.mu.Unlock()
	kick(l.room)
}
