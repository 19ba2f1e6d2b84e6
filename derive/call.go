package derive

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Call is one captured call on its way through the proxy. Its methods are
// called in order: Leave (or Drop), then Observe or Settle, all by one
// goroutine.
type Call struct {
	traffic *Traffic
	entity  *entity // nil: its path names none
	id      webhook.ExchangeID
	ended   time.Time
	kept    bool // in traffic.calls, until it is forgotten

	entered    uint64               // value of entity.seen behind this call
	alone      bool                 // no other call was open at the same time
	settled    bool                 // resolve was called
	seen       *webhook.Observation // set by resolve
	concurrent bool                 // set by resolve
	then       func()               // called by resolve; see Traffic.look

	get     Get    // see Lend; nil: nothing is lent
	unclear bool   // it counts in traffic.came as such
	phase   uint32 // see phases

	list *webhook.EntityKey // see EnterList; nil once that is over

	of    webhook.EntityKey   // the resource of a call whose path names no entity
	vague bool                // it counts in traffic.unread as such
	told  []webhook.EntityKey // that count there, because of it

	parts map[webhook.EntityKey]*Call // see ObserveEach; nil: seen is of the call's one entity
	part  bool                        // it is one of those

	earlier bool // it is an earlier process's
}

// Drop ends a call that changed nothing and is not journaled with a body.
func (c *Call) Drop() {
	c.traffic.leave(c.phase)
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	c.endList(false)
	if e := c.on(); e != nil {
		e.closeOne()
		c.traffic.sweep(e)
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
	} else {
		t.unread.beyond = true
	}
	e := c.on()
	if e == nil {
		if c.unclear = t.came.noting; c.unclear {
			t.came.unclear++
		}
		c.obscure()
		return false
	}
	t.came.note(e.key)
	c.alone = c.alone && e.seen == c.entered
	e.closeOne()
	if c.kept {
		e.known++
	}
	e.unresolved++
	e.last = c
	return !c.alone
}

// closeOne takes one out of e's open calls.
func (e *entity) closeOne() {
	e.open--
	if e.open == 0 {
		e.idle.give()
	}
}

// Settle says that no GET is needed to know the after of the call.
func (c *Call) Settle() { c.resolve(nil, false) }

// Observe finds the after of the call by fetch, in a goroutine of t's. A GET
// counts only if no other captured call on key was open between the end of
// this call and the end of the GET. Otherwise one GET, after the last of them
// has ended, counts for the call that ended last; the earlier ones go without.
// key is the entity that the call turned out to be about, names are others that
// it may have from now on: calls on those are calls on it.
func (c *Call) Observe(key webhook.EntityKey, fetch Fetch, names ...webhook.EntityKey) {
	t := c.traffic
	t.mu.Lock()
	if c.kept && c.entity == nil {
		c.adopt(key)
	}
	c.endList(true)
	kept := c.kept
	for _, name := range names {
		if e := c.on(); e != nil {
			t.lead(name, e.key)
		}
	}
	t.mu.Unlock()
	if !kept {
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
	e := c.traffic.entity(key)
	c.entity = e
	c.untell()
	c.alone = e.open == 0
	e.known++
	e.unresolved++
	if c.earlier && e.last != nil && !e.last.earlier {
		return
	}
	e.pass(c)
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
			return seen, concurrent
		}
	}
}

// waitIdle waits until no call on the entity is open, nor any that may be on it. ok
// is false if c was superseded by a call that ended later, or ctx ended.
func (c *Call) waitIdle(ctx context.Context) (fence uint64, ok bool) {
	t := c.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	e := c.on()
	for e.last == c && (e.open > 0 || t.listed(e.key)) && ctx.Err() == nil {
		idle := &e.idle
		if e.open == 0 {
			idle, c.alone = &t.lists.idle, false // what it changed need not be known even then
		}
		ended := idle.next()
		t.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
		}
		t.mu.Lock()
		e = c.on()
	}
	return e.seen, e.last == c && ctx.Err() == nil
}

// undisturbed reports whether no call entered since fence, nor one that may be on
// the entity.
func (c *Call) undisturbed(fence uint64) bool {
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	e := c.on()
	return e.seen == fence && !c.traffic.listed(e.key)
}

// resolve publishes the after of c and opens the gate if it was the last.
func (c *Call) resolve(seen *webhook.Observation, concurrent bool) {
	t := c.traffic
	if !c.part {
		t.leave(c.phase)
	}
	t.mu.Lock()
	defer c.after()
	defer t.mu.Unlock()
	if n := seenBytes(seen); c.kept && t.bytes+n <= maxSeenBytes {
		c.seen = seen
		t.bytes += n
	}
	c.concurrent = concurrent || !c.alone
	c.settled = true
	c.endList(true)
	e := c.on()
	if e == nil {
		return
	}
	e.unresolved--
	if e.unresolved == 0 {
		e.gate.give()
	}
	t.sweep(e)
}

// after calls then, now that c is resolved.
func (c *Call) after() {
	if c.then != nil {
		c.then()
	}
}

func seenBytes(o *webhook.Observation) int {
	if o == nil {
		return 0
	}
	return len(o.Body.Bytes)
}
