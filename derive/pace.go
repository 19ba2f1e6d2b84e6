package derive

import (
	"context"
	"time"
)

// The time between two looks into the journal, of which the first found n
// entries: n times readEach, at most readEvery. While calls come one after the
// other, most are then settled when they are read, and one waking of the reader
// serves several; one that comes alone is read at once.
const (
	readEach  = batchEach / 2 // a begin and an end
	readEvery = batchEvery
)

// pace lets something be done every so often at most, the first time at once:
// the more it did the last time, the later. It is for one goroutine.
type pace struct {
	each, most time.Duration
	last       time.Time
	timer      *time.Timer
}

func newPace(each, most time.Duration) *pace {
	p := &pace{each: each, most: most, timer: time.NewTimer(most)}
	p.timer.Stop()
	return p
}

// wait returns when it is time again, after n things were done, or ctx has ended.
func (p *pace) wait(ctx context.Context, n int) {
	if rest := min(time.Duration(n)*p.each, p.most) - time.Since(p.last); rest > 0 {
		p.timer.Reset(rest)
		defer p.timer.Stop()
		select {
		case <-p.timer.C:
		case <-ctx.Done():
		}
	}
	p.last = time.Now()
}
