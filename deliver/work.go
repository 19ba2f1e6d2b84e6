package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// crew is the workers: goroutines that make attempts, started when there is
// work and none is idle. Its methods want [Deliverer].mu held.
type crew struct {
	most    int // workers
	workers int
	idle    int // waiting on more, and not signalled
	more    *sync.Cond
	done    sync.WaitGroup
	work    func() // what one does; nil before Run
	closing bool
}

// keepIdle is how many idle workers stay; the others end.
const keepIdle = 32

func (c *crew) init(mu *sync.Mutex, most int) {
	c.most = most
	c.more = sync.NewCond(mu)
}

// call gets up to n workers to look for work.
func (c *crew) call(n int) {
	if c.work == nil || c.closing {
		return
	}
	for ; n > 0 && c.idle > 0; n-- {
		c.idle-- // by the caller, or a second call would count this worker again
		c.more.Signal()
	}
	for ; n > 0 && c.workers < c.most; n-- {
		c.workers++
		c.done.Go(c.work)
	}
}

// rest waits until called. It returns false if the worker is to end.
func (c *crew) rest() bool {
	if c.closing || c.idle >= keepIdle {
		c.workers--
		return false
	}
	c.idle++
	c.more.Wait()
	return true
}

// close ends the workers when they have done what they are doing.
func (c *crew) close() {
	c.closing = true
	c.idle = 0
	c.more.Broadcast()
}

// work makes attempts until there is nothing to do. ctx ends when the shutdown
// budget is spent.
func (d *Deliverer) work(ctx context.Context) {
	var dl webhook.Delivery // one for all: nobody keeps it beyond its attempt
	for {
		t, ok := d.take(&dl)
		if !ok {
			return
		}
		d.finish(t, &dl, d.attempt(ctx, t.plan, &dl))
	}
}

// taken is whose a delivery is that was taken, when, and how much it holds.
type taken struct {
	sub    *subscriber
	plan   *plan
	at     time.Time // by the clock
	weight int
}

// take puts the next delivery to attempt into dl, and waits for one if need be.
func (d *Deliverer) take(dl *webhook.Delivery) (t taken, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.crew.closing {
		now, soonest := d.clock.now(), d.roster.alarms.first()
		s := d.roster.take(now, dl)
		if d.roster.alarms.first() != soonest || s != nil && d.roster.consider(s, now) {
			poke(d.wake)
		}
		if s != nil {
			return taken{s, s.plan, now, weight(s.plan, dl)}, true
		}
		if !d.crew.rest() {
			return t, false
		}
	}
	d.crew.workers--
	return t, false
}

// past reports whether a, made by p, says nothing of s as it is now: it has another
// receiver, or another credential where that was refused.
func (s *subscriber) past(p *plan, a *webhook.Attempt) bool {
	switch {
	case s.plan == nil:
		return false
	case a.Outcome == webhook.Denied:
		return s.plan.sub.Credential != p.sub.Credential
	}
	return s.plan.sub.URL != p.sub.URL
}

// leave notes that an attempt of s has ended, which held n: others may begin.
func (d *Deliverer) leave(s *subscriber, n int) {
	s.inFlight--
	d.roster.inFlight--
	switch {
	case n > 0:
		d.roster.load.add(s, -n)
		d.crew.call(d.roster.runnable())
	case d.roster.tight:
		d.roster.tight = false
		d.crew.call(1) // beside the one that is free now: s may have more too
	}
}

// after returns dl as it stands after m, which is timed by the clock. When it was settled
// is said by the machine's, for by that goes how long it is kept.
func after(dl *webhook.Delivery, m made, timed webhook.Attempt) webhook.Delivery {
	sub := m.as.sub
	after := dl.After(timed, sub.Retry)
	if after.State == webhook.Exhausted && sub.Order == webhook.OrderEntityHold && dl.Lane != "" && dl.Priority != webhook.Replaying {
		after = after.Hold()
	}
	if !after.Settled.IsZero() {
		after.Settled = m.Started.Add(m.Latency)
	}
	return after
}

// finish frees the slot of dl and hands on what came of it, to be recorded.
func (d *Deliverer) finish(t taken, dl *webhook.Delivery, m made) {
	s, n, p, a := t.sub, t.weight, m.as, m.Attempt
	if a == nil {
		d.mu.Lock()
		d.leave(s, n)
		d.mu.Unlock()
		d.opts.Queue.Unclaim(dl.ID)
		return
	}
	now, timed := d.clock.now(), d.clock.timed(*a, t.at)
	settlement := webhook.Settlement{Delivery: after(dl, m, timed), Sights: m.sights, Withheld: a.Outcome.Withheld()}
	if !settlement.Withheld {
		d.opts.Observer.Attempted(p.sub, dl, a)
		settlement.Attempt = a
	}
	awaited := dl.Lane != "" && d.opts.Queue.Awaited(dl.ID)

	d.mu.Lock()
	d.leave(s, n)
	d.roster.unsettled++
	awaited = awaited || 2*d.roster.unsettled >= d.roster.maxUnsettled
	was, state := s.state.Opened > 0, s.state
	if !s.past(p, a) {
		if state = state.After(&timed, p.sub); !state.Since.Equal(s.state.Since) {
			state.Since = m.Started.Add(m.Latency) // by the machine's, as what is settled: it is held for a time
		}
		if s.tip(&timed) {
			state = state.OpenCircuit(timed.Started.Add(timed.Latency))
		}
	}
	changed := d.roster.set(s, state)
	var dropped []webhook.DeliveryID
	if settlement.Withheld {
		s.withheld(&timed, now)
	}
	if !s.eligible(now) {
		dropped = d.roster.drop(s)
		d.roster.arm(s, now)
		poke(d.wake)
	}
	d.roster.queueUp(s)
	d.settler.add(result{sub: s, plan: p, settlement: settlement}, awaited)
	d.mu.Unlock()

	if len(dropped) > 0 {
		d.giveBack(dropped, s)
	}
	if changed {
		d.opts.Observer.StateChanged(p.sub, state)
	}
	if was != (state.Opened > 0) {
		d.opts.Observer.CircuitChanged(p.sub, state)
	}
}
