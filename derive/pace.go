package derive

import (
	"context"
	"time"
)

// The shortest and the longest rest between two rounds of the same work: looks
// into the journal, and commits. Calls that come now and then are read and
// recorded at once, or a millisecond later; while they come one after the other,
// one waking of the reader serves several, and one commit. Each commit syncs the
// store's log, which competes with the journal's syncs for the same disk, and
// those the clients wait for. A longer rest brings hardly more.
const (
	shortRest = time.Millisecond
	longRest  = 5 * time.Millisecond
)

// pace is the time from one round to the next: twice the last, at most longRest,
// if there was something to do within shortRest of the end of that; else
// shortRest. It is for one goroutine.
type pace struct {
	last time.Time // when the last round began
	rest time.Duration
}

// left returns how long the rest still takes.
func (p *pace) left() time.Duration { return p.rest - time.Since(p.last) }

// begin begins a round, now that there is something to do.
func (p *pace) begin() {
	now := time.Now()
	if now.Sub(p.last) < p.rest+shortRest {
		p.rest = min(2*p.rest, longRest)
	} else {
		p.rest = shortRest
	}
	p.last = now
}

// sleep returns after d, or when ctx has ended.
func sleep(ctx context.Context, timer *time.Timer, d time.Duration) {
	if d <= 0 {
		return
	}
	timer.Reset(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
