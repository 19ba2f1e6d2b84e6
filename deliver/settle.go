package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// settler holds the attempts that are to be recorded. One goroutine records
// them, together as they come, so that no attempt's slot waits for the disk.
// pending and spare want [Deliverer].mu held.
type settler struct {
	pending []result
	spare   []result      // empty; becomes pending
	some    chan struct{} // pending or unsaved states
	hurry   chan struct{} // something waits for pending
}

// result is an attempt on its way into the store.
type result struct {
	sub        *subscriber
	plan       *plan
	settlement webhook.Settlement
}

// maxSettle is how many attempts are recorded at once.
const maxSettle = 256

// settleEvery is the least time from one recording to the next, unless somebody
// waits for it: a next delivery of the same lane, or workers, once half of what
// may be unrecorded is. Each recording is a commit of the store, with a sync.
// (Measured: without it, 50 µs more of processor time for a delivery.)
const settleEvery = 8 * time.Millisecond

// lastSettle is how long recording is tried after the last attempt, when the
// Deliverer stops.
const lastSettle = time.Second

func (s *settler) init() {
	s.some = make(chan struct{}, 1)
	s.hurry = make(chan struct{}, 1)
}

// add takes r in; awaited is whether something waits for its recording.
func (s *settler) add(r result, awaited bool) {
	s.pending = append(s.pending, r)
	poke(s.some)
	if awaited {
		poke(s.hurry)
	}
}

// settle records attempts and states until stop is closed and all is recorded,
// or ctx ends; then what is left is given back.
func (d *Deliverer) settle(ctx context.Context, stop <-chan struct{}) error {
	var wait backoff
	size := maxSettle
	rest := time.NewTimer(settleEvery)
	defer rest.Stop()
	for {
		rest.Reset(settleEvery)
		select {
		case <-d.settler.hurry: // what was awaited is in this recording
		default:
		}
		tried, err := d.record(ctx, size)
		switch {
		case err != nil:
			d.log.error("recording attempts fails", err)
			// One that can never be recorded must not keep the others from it.
			size = max(tried/2, 1)
			if !d.pauseSettling(wait.next(), stop) {
				return d.giveUp(ctx)
			}
		case tried > 0:
			wait.reset()
			size = min(2*size, maxSettle)
			select {
			case <-rest.C:
			case <-d.settler.hurry:
			case <-stop:
				return d.giveUp(ctx)
			}
		default:
			select {
			case <-d.settler.some:
			case <-stop:
				return d.giveUp(ctx)
			}
		}
	}
}

// pauseSettling waits, and returns false if stop is closed.
func (d *Deliverer) pauseSettling(wait time.Duration, stop <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

// giveUp records what is left until ctx ends, and gives back the rest: it was
// sent, and will be sent again.
func (d *Deliverer) giveUp(ctx context.Context) error {
	for size := maxSettle; ; {
		tried, err := d.record(ctx, size)
		if err == nil && tried == 0 {
			return nil
		}
		if err == nil {
			continue
		}
		size = max(tried/2, 1)
		select {
		case <-time.After(backoffFirst):
			continue
		case <-ctx.Done():
		}
		d.mu.Lock()
		left := d.settler.pending
		d.settler.pending = nil
		d.roster.unsettled -= len(left)
		d.mu.Unlock()
		for i := range left {
			d.opts.Queue.Unclaim(left[i].settlement.Delivery.ID)
		}
		return fmt.Errorf("record the last attempts (%d are sent again after the start): %w", len(left), err)
	}
}

// record records up to size attempts, and the states that changed. It returns
// how many attempts and states it tried to record.
func (d *Deliverer) record(ctx context.Context, size int) (tried int, err error) {
	d.recording.Lock()
	defer d.recording.Unlock()
	if err := d.keepClock(ctx); err != nil {
		return 0, err
	}
	batch, states := d.batch(size)
	tried = len(batch) + len(states)
	if len(batch) > 0 {
		settlements := make([]webhook.Settlement, len(batch))
		for i := range batch {
			settlements[i] = batch[i].settlement
		}
		with := attach(settlements, states)
		if err := d.opts.Queue.Settle(ctx, settlements...); err != nil {
			d.mu.Lock()
			d.settler.pending = append(d.settler.pending, batch...)
			d.mu.Unlock()
			return tried, fmt.Errorf("settle %d deliveries: %w", len(batch), err)
		}
		d.settled(batch, settlements, with)
		d.reuse(batch)
	}
	return tried, d.recordStates(ctx, states)
}

// unsavedState is a state to be made durable, at a version.
type unsavedState struct {
	sub     *subscriber
	version uint64
	state   webhook.SubscriptionState
}

// batch takes what is to be recorded next.
func (d *Deliverer) batch(size int) ([]result, map[webhook.SubscriptionID]unsavedState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	batch := d.settler.pending
	if len(batch) > size {
		batch, d.settler.pending = batch[:size:size], batch[size:]
	} else {
		d.settler.pending, d.settler.spare = d.settler.spare, nil
	}
	if len(d.roster.unsaved) == 0 {
		return batch, nil
	}
	states := make(map[webhook.SubscriptionID]unsavedState, len(d.roster.unsaved))
	for id, s := range d.roster.unsaved {
		states[id] = unsavedState{s, s.version, s.state}
	}
	return batch, states
}

// reuse takes back the array of a batch that is recorded.
func (d *Deliverer) reuse(batch []result) {
	clear(batch)
	d.mu.Lock()
	defer d.mu.Unlock()
	if cap(batch) > cap(d.settler.spare) && cap(batch) <= maxSettle {
		d.settler.spare = batch[:0]
	}
}

// attach moves each state on to the last settlement of its subscription, and
// returns those for which there was one.
func attach(settlements []webhook.Settlement, states map[webhook.SubscriptionID]unsavedState) (with []unsavedState) {
	for i := len(settlements) - 1; i >= 0 && len(states) > 0; i-- {
		id := settlements[i].Delivery.Subscription
		if u, ok := states[id]; ok {
			settlements[i].State = &u.state
			with = append(with, u)
			delete(states, id)
		}
	}
	return with
}

// settled notes that batch is durable: its lanes may have a next delivery.
func (d *Deliverer) settled(batch []result, settlements []webhook.Settlement, with []unsavedState) {
	now := d.clock.now()
	d.mu.Lock()
	blocked := d.roster.unsettled >= d.roster.maxUnsettled
	d.roster.unsettled -= len(batch)
	for _, u := range with {
		d.roster.saved(u.sub, u.version)
	}
	asked := blocked
	for i := range batch {
		asked = d.roster.asked(batch[i].sub, now) || asked
	}
	if blocked {
		d.crew.call(d.roster.runnable())
	}
	d.mu.Unlock()
	if asked {
		poke(d.wake)
	}
	for i := range settlements {
		if settlements[i].Delivery.State != webhook.Pending {
			d.opts.Observer.Settled(batch[i].plan.sub, &settlements[i].Delivery)
		}
	}
}

// recordStates makes states durable that changed without an attempt.
func (d *Deliverer) recordStates(ctx context.Context, states map[webhook.SubscriptionID]unsavedState) error {
	for _, u := range states {
		kept, err := d.opts.States.PutState(ctx, u.state)
		if err != nil {
			return fmt.Errorf("keep the state of subscription %s: %w", u.state.ID, err)
		}
		d.mu.Lock()
		d.roster.saved(u.sub, u.version)
		u.sub.state.Number = kept.Number
		d.mu.Unlock()
	}
	return nil
}
