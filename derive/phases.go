package derive

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// phases count the calls that are on their way, in two phases: once all of a
// phase that has ended are over, what was under way at its end is journaled.
type phases struct {
	turn   sync.Mutex // held by who waits for a phase
	phase  atomic.Uint32
	active [2]atomic.Int64
}

// enter counts a call that is about to be forwarded, and returns its phase.
func (p *phases) enter() uint32 {
	now := p.phase.Load() & 1
	p.active[now].Add(1)
	return now
}

// leave says that a call of that phase is journaled, or never will be.
func (p *phases) leave(phase uint32) { p.active[phase].Add(-1) }

// phaseEvery is how often the calls of a phase are counted while they are waited
// for.
const phaseEvery = 5 * time.Millisecond

// Quiesce returns when every call that was on its way when it was called has
// ended and is journaled, or never will be; or ctx has ended, with its error.
// Calls that come meanwhile it does not wait for, unless who waited before gave
// up.
func (p *phases) Quiesce(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	if err := p.over(ctx, 1-p.phase.Load()&1); err != nil { // who waited before may have given up
		return err
	}
	return p.over(ctx, (p.phase.Add(1)-1)&1)
}

// over waits until no call of a phase is on its way.
func (p *phases) over(ctx context.Context, phase uint32) error {
	if p.active[phase].Load() == 0 {
		return nil
	}
	tick := time.NewTicker(phaseEvery)
	defer tick.Stop()
	for p.active[phase].Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
