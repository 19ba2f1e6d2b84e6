package deliver

import "time"

// SetClock makes the machine's clock, as d sees it, so much ahead of what tests and
// their queues see: no bubble can set its own back.
func (d *Deliverer) SetClock(ahead time.Duration) {
	d.clock.mu.Lock()
	defer d.clock.mu.Unlock()
	d.clock.ahead = ahead
}
