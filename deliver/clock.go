package deliver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// clock is what is due goes by. It is the machine's, but never goes back: where that is
// set back, what is due would wait for as long. It goes on then, a little slower, until
// the machine's has caught up; so no wait is cut short, and each takes a tenth longer at
// most. What is signed and recorded of attempts has the machine's time.
type clock struct {
	mu    sync.Mutex
	at    time.Time     // what it said last
	read  time.Time     // when that was
	ahead time.Duration // of the machine's, as a test sets that
	kept  time.Time     // up to keepStep after it, what it says is durable
}

// keepStep is how much of what it says is not durable: so much longer waits what a start
// finds, if the machine's clock was set back.
const keepStep = time.Minute

// slower is the part by which it goes slower.
const slower = 11

// both returns what it says, and the machine's time, which tells how much passes.
func (c *clock) both() (now, machine time.Time) {
	machine = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := machine.Sub(c.read)
	c.at, c.read = c.at.Add(passed-passed/slower), machine
	if wall := machine.Round(0).Add(c.ahead); wall.After(c.at) {
		c.at = wall
	}
	return c.at, machine
}

func (c *clock) now() time.Time {
	now, _ := c.both()
	return now
}

// unkept returns what it says if that is to be made durable.
func (c *clock) unkept() (now time.Time, yes bool) {
	now = c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return now, now.Sub(c.kept) > keepStep
}

// keepClock makes durable how far the clock has come, if it was not.
func (d *Deliverer) keepClock(ctx context.Context) error {
	now, yes := d.clock.unkept()
	if !yes {
		return nil
	}
	if err := d.opts.KeepClock(ctx, now); err != nil {
		return fmt.Errorf("keep the clock: %w", err)
	}
	d.clock.mu.Lock()
	d.clock.kept = now
	d.clock.mu.Unlock()
	return nil
}

// Now is the time by which what is due goes: the machine's, or ahead of it while that is
// set back.
func (d *Deliverer) Now() time.Time { return d.clock.now() }

// timed returns a, which was taken at a time of c, with its times as c has them. It
// began no sooner than it was taken: if c goes slower, less has passed than it took.
func (c *clock) timed(a webhook.Attempt, taken time.Time) webhook.Attempt {
	now, machine := c.both()
	if a.Started = now.Add(a.Started.Sub(machine)); a.Started.Before(taken) {
		a.Started = taken
	}
	if !a.RetryAt.IsZero() {
		a.RetryAt = now.Add(a.RetryAt.Sub(machine))
	}
	return a
}
