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
	calls    map[webhook.ExchangeID]*Call // left, and not yet forgotten
	bytes    int                          // of what GETs for them saw
	fetches  sync.WaitGroup
	ctx      context.Context
	stop     context.CancelFunc
}

// entity is the traffic of one entity. It is kept while a call on it is open,
// or has left and is not yet forgotten.
type entity struct {
	key   webhook.EntityKey
	open  int
	seen  uint64 // calls that ever entered, since the entity is kept
	known int    // calls that left and are not forgotten
	last  *Call  // the call that ended last, of those that may have changed the entity

	unresolved int           // left, and their after still on its way
	idle       chan struct{} // closed when open falls to 0; nil if nobody waits
	gate       chan struct{} // closed when unresolved falls to 0; nil if nobody waits
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
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.fetches.Wait()
	}()
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

// Close cuts all GETs.
func (t *Traffic) Close() { t.Drain(0) }

// Call is one captured call on its way through the proxy. Its methods are
// called in order: Leave (or Drop), then Observe or Settle, all by one
// goroutine.
type Call struct {
	traffic *Traffic
	entity  *entity // nil: its path names none
	id      webhook.ExchangeID
	ended   time.Time
	kept    bool // in traffic.calls, until it is forgotten

	entered    uint64 // value of entity.seen behind this call
	alone      bool   // no other call was open at the same time
	resolved   chan struct{}
	seen       *webhook.Observation // set before resolved is closed
	concurrent bool                 // set before resolved is closed
}

// Enter registers a call whose path names key. While the after of an earlier
// call on that entity is still on its way it waits, at most max and until ctx
// ends: so one client that writes one call after the other gets an exact chain.
func (t *Traffic) Enter(ctx context.Context, key webhook.EntityKey, max time.Duration) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entities[key]
	if e == nil {
		e = &entity{key: key}
		t.entities[key] = e
	}
	t.waitAtGate(ctx, e, max)
	c := &Call{traffic: t, entity: e, alone: e.open == 0, resolved: make(chan struct{})}
	e.open++
	e.seen++
	c.entered = e.seen
	return c
}

// waitAtGate is called and returns with t.mu held; e stays kept meanwhile.
func (t *Traffic) waitAtGate(ctx context.Context, e *entity, max time.Duration) {
	if e.unresolved == 0 || max <= 0 {
		return
	}
	if e.gate == nil {
		e.gate = make(chan struct{})
	}
	gate := e.gate
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
	e.known--
}

// EnterUnnamed registers a call whose path names no entity: a create or a bulk.
// It never waits.
func (t *Traffic) EnterUnnamed() *Call {
	return &Call{traffic: t, alone: true, resolved: make(chan struct{})}
}

// Drop ends a call that changed nothing and is not journaled with a body.
func (c *Call) Drop() {
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	if c.entity != nil {
		c.closeOne()
		c.traffic.sweep(c.entity)
	}
}

// Leave says that the call ended as exchange id and may have changed the
// entity. It reports whether another call on the entity was open meanwhile.
// From here to Settle, or to the end of what Observe starts, the entity's gate
// is shut.
func (c *Call) Leave(id webhook.ExchangeID, now time.Time) (overlapped bool) {
	t := c.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	c.id, c.ended = id, now
	if c.kept = len(t.calls) < maxCalls; c.kept {
		t.calls[id] = c
	}
	if c.entity == nil {
		return false
	}
	c.alone = c.alone && c.entity.seen == c.entered
	c.closeOne()
	if c.kept {
		c.entity.known++
	}
	c.entity.unresolved++
	c.entity.last = c
	return !c.alone
}

// closeOne takes c out of its entity's open calls.
func (c *Call) closeOne() {
	e := c.entity
	e.open--
	if e.open == 0 && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

// Settle says that no GET is needed to know the after of the call.
func (c *Call) Settle() { c.resolve(nil, false) }

// Observe finds the after of the call by fetch, in a goroutine of t's. A GET
// counts only if no other captured call on key was open between the end of
// this call and the end of the GET. Otherwise one GET, after the last of them
// has ended, counts for the call that ended last; the earlier ones go without.
// key is the entity that the call turned out to be about.
func (c *Call) Observe(key webhook.EntityKey, fetch Fetch) {
	t := c.traffic
	t.mu.Lock()
	if c.kept && c.entity == nil {
		c.adopt(key)
	}
	t.mu.Unlock()
	if !c.kept {
		c.resolve(nil, false)
		return
	}
	t.fetches.Go(func() {
		ctx, cancel := context.WithDeadline(t.ctx, c.ended.Add(Patience))
		defer cancel()
		c.resolve(c.observe(ctx, fetch))
	})
}

// adopt gives a call that its path did not name the entity that its answer did.
func (c *Call) adopt(key webhook.EntityKey) {
	t := c.traffic
	e := t.entities[key]
	if e == nil {
		e = &entity{key: key}
		t.entities[key] = e
	}
	c.entity = e
	c.alone = e.open == 0
	e.known++
	e.unresolved++
	if e.last == nil {
		e.last = c
	}
}

// observe fetches until a GET counts, the call is superseded or ctx ends.
func (c *Call) observe(ctx context.Context, fetch Fetch) (seen *webhook.Observation, concurrent bool) {
	for concurrent = false; ; concurrent = true {
		fence, ok := c.waitIdle(ctx)
		if !ok {
			return nil, true
		}
		seen := fetch(ctx)
		if c.undisturbed(fence) {
			return seen, concurrent || !c.alone
		}
	}
}

// waitIdle waits until no call on the entity is open. ok is false if c was
// superseded by a call that ended later, or ctx ended.
func (c *Call) waitIdle(ctx context.Context) (fence uint64, ok bool) {
	t, e := c.traffic, c.entity
	t.mu.Lock()
	defer t.mu.Unlock()
	for e.last == c && e.open > 0 && ctx.Err() == nil {
		if e.idle == nil {
			e.idle = make(chan struct{})
		}
		idle := e.idle
		t.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
		}
		t.mu.Lock()
	}
	return e.seen, e.last == c && ctx.Err() == nil
}

// undisturbed reports whether no call entered since fence.
func (c *Call) undisturbed(fence uint64) bool {
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	return c.entity.seen == fence
}

// resolve publishes the after of c and opens the gate if it was the last.
func (c *Call) resolve(seen *webhook.Observation, concurrent bool) {
	t := c.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := seenBytes(seen); c.kept && t.bytes+n <= maxSeenBytes {
		c.seen = seen
		t.bytes += n
	}
	c.concurrent = concurrent || !c.alone
	close(c.resolved)
	e := c.entity
	if e == nil {
		return
	}
	e.unresolved--
	if e.unresolved == 0 && e.gate != nil {
		close(e.gate)
		e.gate = nil
	}
	t.sweep(e)
}

func seenBytes(o *webhook.Observation) int {
	if o == nil {
		return 0
	}
	return len(o.Body.Bytes)
}

// Wait returns what was found out about the after of exchange id, once it is
// settled. live is false if no call of this process is behind the exchange.
func (t *Traffic) Wait(ctx context.Context, id webhook.ExchangeID) (seen *webhook.Observation, concurrent, live bool) {
	t.mu.Lock()
	c := t.calls[id]
	t.mu.Unlock()
	if c == nil {
		return nil, false, false
	}
	select {
	case <-c.resolved:
		return c.seen, c.concurrent, true
	case <-ctx.Done():
		return nil, true, true
	}
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
	select {
	case <-c.resolved:
		t.bytes -= seenBytes(c.seen)
	default: // given up while its GET is under way
		c.kept = false
	}
	if c.entity != nil {
		c.entity.known--
		t.sweep(c.entity)
	}
}

// Busy reports whether a call on key is open or not yet recorded: its snapshot
// is about to change.
func (t *Traffic) Busy(key webhook.EntityKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entities[key] != nil
}

// sweep forgets e if nothing goes on there.
func (t *Traffic) sweep(e *entity) {
	if e.open == 0 && e.known == 0 && e.unresolved == 0 && t.entities[e.key] == e {
		delete(t.entities, e.key)
	}
}
