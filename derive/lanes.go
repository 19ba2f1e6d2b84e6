package derive

import (
	"context"
	"sync"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// ticket is one exchange in the lanes of its entities.
type ticket struct {
	x        *webhook.Exchange
	at       store.Position
	program  *rules.Program
	plan     *rules.Plan
	finished func()

	keys   []webhook.EntityKey // its lanes, without repeats
	behind int                 // lanes in which it is not first
	start  func(*ticket)
	size   int
}

// lanes queues tickets entity by entity. A ticket starts when it is first in
// all its lanes; since all are joined at once and in journal order, no two can
// wait for each other.
type lanes struct {
	mu     sync.Mutex
	queues map[webhook.EntityKey][]*ticket
	count  int
	bytes  int
	room   chan struct{} // receives when a ticket left
}

func (l *lanes) init() {
	l.queues = make(map[webhook.EntityKey][]*ticket)
	l.room = make(chan struct{}, 1)
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

// join puts t at the end of its lanes and calls start once it is first in all.
func (l *lanes) join(t *ticket, start func(*ticket)) {
	t.start = start
	t.keys = t.plan.Keys()
	l.mu.Lock()
	for _, k := range t.keys {
		q := l.queues[k]
		if len(q) > 0 {
			t.behind++
		}
		l.queues[k] = append(q, t)
	}
	ready := t.behind == 0
	l.mu.Unlock()
	if ready {
		start(t)
	}
}

// leave takes t, which is first in all its lanes, out of them, and starts what
// has become first.
func (l *lanes) leave(t *ticket) {
	var ready []*ticket
	l.mu.Lock()
	for _, k := range t.keys {
		q := l.queues[k][1:]
		if len(q) == 0 {
			delete(l.queues, k)
			continue
		}
		l.queues[k] = q
		if q[0].behind--; q[0].behind == 0 {
			ready = append(ready, q[0])
		}
	}
	l.count--
	l.bytes -= t.size
	l.mu.Unlock()
	select {
	case l.room <- struct{}{}:
	default:
	}
	for _, r := range ready {
		r.start(r)
	}
}
