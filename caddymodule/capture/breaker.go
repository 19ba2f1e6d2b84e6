package capture

import (
	"sync"
	"time"
)

// Five GETs in front of calls that fail one after the other switch those off
// for half a minute: a slow API is not made slower.
const (
	breakAfter = 5
	breakFor   = 30 * time.Second
)

// breaker switches before-fetches off and on. Its zero value is on.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time
}

// closed reports whether a before-fetch may be made.
func (b *breaker) closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().After(b.until)
}

// note counts a before-fetch. When the time is over, one failure is enough to
// switch them off again.
func (b *breaker) note(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		b.failures, b.until = 0, time.Time{}
		return
	}
	if b.failures++; b.failures >= breakAfter {
		b.until = time.Now().Add(breakFor)
	}
}
