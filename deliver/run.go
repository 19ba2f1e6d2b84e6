package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// errRunning is returned by a second Run.
var errRunning = errors.New("the deliverer runs already, or has run")

// Run delivers until ctx ends, and returns when the attempts in flight have
// finished. Those still in flight after [Options].Drain are cut off and given
// back to the queue; they do not count. Its error says what could not be
// recorded at the end; that is sent again after the next start.
func (d *Deliverer) Run(ctx context.Context) error {
	rest, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	d.mu.Lock()
	if d.crew.work != nil {
		d.mu.Unlock()
		return errRunning
	}
	d.crew.work = func() { d.work(rest) }
	d.mu.Unlock()

	stop := make(chan struct{})
	settled := make(chan error, 1)
	recording, give := context.WithCancel(context.WithoutCancel(ctx))
	defer give()
	go func() { settled <- d.settle(recording, stop) }()

	d.dispatch(ctx)
	d.drain(cut)
	close(stop)
	last := time.AfterFunc(lastSettle, give)
	defer last.Stop()
	err := <-settled
	d.transports.closeIdle()
	return err
}

// drain ends the workers, within the budget by themselves and then by cutting
// off what they do, and gives back what was claimed ahead.
func (d *Deliverer) drain(cut context.CancelCauseFunc) {
	budget := time.AfterFunc(d.opts.Drain, func() { cut(errCut) })
	defer budget.Stop()
	d.mu.Lock()
	d.crew.close()
	var ahead []webhook.DeliveryID
	for _, s := range d.roster.subs {
		ahead = append(ahead, d.roster.drop(s)...)
	}
	d.mu.Unlock()
	if len(ahead) > 0 {
		d.opts.Queue.Unclaim(ahead...)
	}
	d.crew.done.Wait()
}
