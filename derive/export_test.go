package derive

import (
	"context"

	"github.com/sidehook/sidehook/webhook"
)

// Close cuts all GETs.
func (t *Traffic) Close() { t.Drain(0) }

// Look returns what was found out about the after of exchange id, if that is settled;
// else then is called when it is.
func (t *Traffic) Look(id webhook.ExchangeID, then func()) (seen *webhook.Observation, concurrent, settled bool) {
	c, settled := t.look(id, nil, then)
	if c == nil {
		return nil, false, settled
	}
	return c.seen, c.concurrent, settled
}

// Wait returns it once it is settled. live is false if no call of this process is
// behind the exchange.
func (t *Traffic) Wait(ctx context.Context, id webhook.ExchangeID) (seen *webhook.Observation, concurrent, live bool) {
	settled := make(chan struct{})
	t.mu.Lock()
	c := t.calls[id]
	if c != nil && !c.settled {
		c.then = func() { close(settled) }
	} else {
		close(settled)
	}
	t.mu.Unlock()
	if c == nil {
		return nil, false, false
	}
	select {
	case <-settled:
		return c.seen, c.concurrent, true
	case <-ctx.Done():
		return nil, true, true
	}
}
