package api

import (
	"sync"

	"github.com/sidehook/sidehook/caddymodule/engine"
)

// mostLooks is how many calls may go through events or deliveries at once: the
// calls of the API in front of which this stands have the processors too.
const mostLooks = 2

// shared is what the calls on one engine share, over reloads.
type shared struct {
	byHand   handPace      // tests and retries of callers
	creating sync.Map      // of an Idempotency-Key whose call is under way -> true
	looks    chan struct{} // of calls that go through events or deliveries
}

// shared returns what c shares with the other calls.
func (c *Call) shared() *shared {
	return engine.Beside(c.e, func() *shared { return &shared{looks: make(chan struct{}, mostLooks)} })
}
