package deliver

import (
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
}

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

// timed returns a with its times as c has them.
func (c *clock) timed(a webhook.Attempt) webhook.Attempt {
	now, machine := c.both()
	a.Started = now.Add(a.Started.Sub(machine))
	if !a.RetryAt.IsZero() {
		a.RetryAt = now.Add(a.RetryAt.Sub(machine))
	}
	return a
}
