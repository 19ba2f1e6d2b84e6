package derive

import (
	"context"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Patience is how long, from the end of its call, an after-GET may wait for
// other calls on its entity and be repeated.
const Patience = 5 * time.Second

// Bounds of what is remembered of calls that have ended and are not recorded.
// Beyond them nothing breaks: a GET is not made or not kept, and the after of
// its call is computed or unknown.
const (
	maxCalls     = 1 << 14
	maxSeenBytes = 32 << 20
)

// Fetch makes one GET of an entity. It never returns nil; it must return soon
// after ctx ends.
type Fetch func(ctx context.Context) *webhook.Observation

// Traffic knows which captured calls are open, entity by entity. It decides
// whether a GET proves the after of a call, and holds the gate at which the
// next call on an entity waits for a GET that is on its way. It lives as long
// as the journal does, across reloads.
type Traffic struct {
	mu       sync.Mutex
	entities map[webhook.EntityKey]*entity
	calls    map[webhook.ExchangeID]*Call            // left, and not yet forgotten
	bytes    int                                     // of what GETs for them saw
	names    map[webhook.EntityKey]webhook.EntityKey // to the entities that they lead to; see learn
	fetches  flights

	came came

	lists lists

	unread unread

	refreshing int  // of fetches, those that refresh
	draining   bool // no more of those

	ctx  context.Context
	stop context.CancelFunc

	phases
}

// entity is the traffic of one entity. It is kept while a call on it is open,
// or has left and is not yet forgotten.
type entity struct {
	key   webhook.EntityKey
	open  int
	seen  uint64 // calls that ever entered, since the entity is kept
	known int    // calls that left and are not forgotten
	last  *Call  // the call that ended last, of those that may have changed the entity

	into *entity // what it turned out to be another name of; see join

	unresolved int    // left, and their after still on its way
	idle       signal // given when open falls to 0
	gate       signal // given when unresolved falls to 0
}

// NewTraffic returns a Traffic without calls.
func NewTraffic() *Traffic {
	ctx, stop := context.WithCancel(context.Background())
	return &Traffic{
		entities: make(map[webhook.EntityKey]*entity),
		calls:    make(map[webhook.ExchangeID]*Call),
		ctx:      ctx, stop: stop,
	}
}

// Drain waits for the GETs on their way, at most so long; then it cuts them and
// closes t. One that does not heed its context is left behind.
func (t *Traffic) Drain(most time.Duration) {
	t.mu.Lock()
	t.draining = true
	t.mu.Unlock()
	ended := t.fetches.landed()
	for _, wait := range []time.Duration{most, cutTime} {
		timer := time.NewTimer(wait)
		select {
		case <-ended:
		case <-timer.C:
		}
		timer.Stop()
		t.stop()
	}
}

// cutTime is how long a GET may take to notice that it is cut.
const cutTime = 100 * time.Millisecond

// Enter registers a call whose path names key. While the after of an earlier
// call on that entity is still on its way it waits, at most max and until ctx
// ends: so one client that writes one call after the other gets an exact chain.
func (t *Traffic) Enter(ctx context.Context, key webhook.EntityKey, max time.Duration) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entity(key)
	t.waitAtGate(ctx, e, max)
	e = e.now()
	c := &Call{traffic: t, entity: e, alone: e.open == 0, phase: t.enter()}
	e.open++
	e.seen++
	c.entered = e.seen
	return c
}

// entity returns the entity that a name leads to, which is kept from now on. It is
// called with t.mu held.
func (t *Traffic) entity(name webhook.EntityKey) *entity {
	key := t.entityOf(name)
	e := t.entities[key]
	if e == nil {
		e = &entity{key: key}
		t.entities[key] = e
	}
	return e
}

// waitAtGate is called and returns with t.mu held; e stays kept meanwhile.
func (t *Traffic) waitAtGate(ctx context.Context, e *entity, max time.Duration) {
	if e.unresolved == 0 || max <= 0 {
		return
	}
	gate := e.gate.next()
	e.known++
	t.mu.Unlock()
	timer := time.NewTimer(max)
	select {
	case <-gate:
	case <-timer.C:
	case <-ctx.Done():
	}
	timer.Stop()
	t.mu.Lock()
	e.now().known--
}

// EnterUnnamed registers a call whose path names no entity, and that changes none
// that is there: a create. See EnterList for others. of is its resource (no ID and no
// Tenant), or zero if it changes no entities at all.
// It never waits.
func (t *Traffic) EnterUnnamed(of webhook.EntityKey) *Call {
	return &Call{traffic: t, alone: true, phase: t.enter(), of: resourceOf(of)}
}

// Wait returns what was found out about the after of exchange id, once it is settled.
// live is false if no call of this process is behind the exchange. It is for who has no
// line to take it from: tests.
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

// look returns the call behind exchange id, which is about keys, if it is settled; nil
// if there is none in this process. If it is not, then is called when it is, by the
// goroutine that settles it; of several, the last. keys stay as they are.
func (t *Traffic) look(id webhook.ExchangeID, keys []webhook.EntityKey, then func()) (c *Call, settled bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c = t.calls[id]
	c.tell(keys)
	if c == nil || c.settled {
		return c, true
	}
	c.then = then
	return nil, false
}

// Forget says that exchange id is recorded, or will never be.
func (t *Traffic) Forget(id webhook.ExchangeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.calls[id]
	if c == nil {
		return
	}
	delete(t.calls, id)
	t.unread.beyond = t.unread.beyond && len(t.calls) > 0
	for _, p := range c.parts {
		t.forget(p)
	}
	t.forget(c)
}

// forget is called with t.mu held.
func (t *Traffic) forget(c *Call) {
	if c.settled {
		t.bytes -= seenBytes(c.seen)
	} else { // given up while its GET is under way
		c.kept = false
	}
	c.untell()
	if e := c.on(); e != nil {
		e.known--
		t.sweep(e)
	}
}

// Busy reports whether a call on key is open or not yet recorded: its snapshot
// is about to change.
func (t *Traffic) Busy(key webhook.EntityKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entities[t.entityOf(key)] != nil
}

// sweep forgets e if nothing goes on there.
func (t *Traffic) sweep(e *entity) {
	if e.open == 0 && e.known == 0 && e.unresolved == 0 && t.entities[e.key] == e {
		delete(t.entities, e.key)
	}
}
