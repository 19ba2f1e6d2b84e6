package deliver

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// lookAgain is how long an alarm is slept for at most. A machine that slept, or whose clock
// is set forward, may be past it while the timer, which goes by what the machine was awake
// for, is not.
const lookAgain = time.Minute

// dispatch claims deliveries for the subscriptions that ask, until ctx ends. It
// is the only goroutine that claims.
func (d *Deliverer) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var armed time.Time
	for {
		d.claimAll(ctx)
		d.mu.Lock()
		at := d.roster.alarms.first()
		d.mu.Unlock()
		if at != armed {
			armed = at
			timer.Stop()
			if !at.IsZero() {
				timer.Reset(min(at.Sub(d.clock.now()), lookAgain))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case stirred := <-d.opts.Queue.Waiting():
			d.ask(stirred)
		case <-timer.C:
			d.mu.Lock()
			d.roster.ring(d.clock.now())
			d.crew.call(d.roster.runnable())
			d.mu.Unlock()
			armed = time.Time{}
		}
	}
}

// ask lets those ask for whom the queue has something.
func (d *Deliverer) ask(stirred map[webhook.SubscriptionID]bool) {
	now, unkept := d.clock.unkept()
	if unkept {
		poke(d.settler.some)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range stirred {
		if s := d.roster.subs[id]; s != nil {
			d.roster.asked(s, now)
		}
	}
}

// claimAll claims for everybody who asks, in turn.
func (d *Deliverer) claimAll(ctx context.Context) {
	for ctx.Err() == nil {
		now := d.clock.now()
		d.mu.Lock()
		s, room := d.roster.nextAsk(now)
		if s == nil {
			d.mu.Unlock()
			return
		}
		epoch, through := s.epoch, s.state.HeldThrough
		d.mu.Unlock()

		ds, next, err := d.opts.Queue.Claim(ctx, s.id, through, now, room)
		if err != nil && ctx.Err() == nil {
			d.log.error("claiming deliveries fails", err, "subscription", s.id)
		}

		d.mu.Lock()
		void := s.epoch != epoch
		if !void {
			s.claimed(ds, next, err, len(ds) == room, now)
			d.roster.ready += len(ds)
			d.crew.call(s.free())
			d.roster.queueUp(s)
			d.roster.consider(s, now)
		}
		d.mu.Unlock()
		if void {
			d.giveBack(ids(ds), s)
		}
	}
}

// giveBack returns deliveries to the queue, and then lets those whom they are
// for ask again.
func (d *Deliverer) giveBack(ids []webhook.DeliveryID, subs ...*subscriber) {
	if len(ids) > 0 {
		d.opts.Queue.Unclaim(ids...)
	}
	now := d.clock.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range subs {
		if d.roster.asked(s, now) {
			poke(d.wake)
		}
	}
}

// claimed notes the answer of a Claim; more says that it gave as much as it
// was asked for.
func (s *subscriber) claimed(ds []webhook.Delivery, next time.Time, err error, more bool, now time.Time) {
	s.next = next
	if err != nil {
		s.next = now.Add(s.claims.next())
		return
	}
	s.claims.reset()
	s.ask = s.ask || more
	if len(s.ready) == 0 {
		s.ready = ds
		return
	}
	s.ready = append(s.ready, ds...)
}

func ids(ds []webhook.Delivery) []webhook.DeliveryID {
	all := make([]webhook.DeliveryID, len(ds))
	for i := range ds {
		all[i] = ds[i].ID
	}
	return all
}
