package missed

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// patience is how long a call waits until it is noted.
const patience = 100 * time.Millisecond

// Expect notes that a call that is not journaled is about to be forwarded: if the process
// dies before over is called, the next one owes a gap. It returns once that is on disk; a
// disk that hangs is waited for by the first call only, and for a moment.
func (l *List) Expect(key webhook.EntityKey, at time.Time, why error) (over func()) {
	l.mu.Lock()
	c := callsOf(l.expected, key, at, why)
	wait := c.count == 1 && !l.covers(c)
	if wait {
		l.isFresh()
	}
	noted := l.noted
	wait = wait && noted != l.slow
	l.mu.Unlock()
	if wait {
		l.await(noted)
	}
	return func() { l.over(c) }
}

// covers reports whether the gap of c's resource that is to come is in the file for c as
// well. The caller holds mu.
func (l *List) covers(c *calls) bool { return l.calls[c.key] != nil || len(l.calls) >= most }

// over says that one call of c has ended: it is journaled, missed, or changed nothing.
func (l *List) over(c *calls) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.count--; c.count > 0 {
		return
	}
	delete(l.expected, c.key)
	if !l.covers(c) {
		l.isFresh()
	}
}

// await waits until noted is closed, and has others not wait for it if that takes long.
func (l *List) await(noted chan struct{}) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-noted:
	case <-timer.C:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.slow = noted
	}
}
