package derive

import (
	"context"
	"time"
)

// readEvery is the least time between two looks into the journal. While calls
// come one after the other, most are then settled when they are read, and one
// waking of the reader serves several.
const readEvery = batchEvery

// pace lets something be done every so often at most, the first time at once.
// It is for one goroutine.
type pace struct {
	every time.Duration
	last  time.Time
	timer *time.Timer
}

func newPace(every time.Duration) *pace {
	p := &pace{every: every, timer: time.NewTimer(every)}
	p.timer.Stop()
	return p
}

// wait returns when it is time again, or ctx has ended.
func (p *pace) wait(ctx context.Context) {
	if rest := p.every - time.Since(p.last); rest > 0 {
		p.timer.Reset(rest)
		defer p.timer.Stop()
		select {
		case <-p.timer.C:
		case <-ctx.Done():
		}
	}
	p.last = time.Now()
}
