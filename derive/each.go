package derive

import (
	"context"
	"sync"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Part is one of several entities that a call was about.
type Part struct {
	Key   webhook.EntityKey
	Fetch Fetch // nil: no GET is needed to know its after, or none may be made
}

// partsAtOnce bounds the GETs that are made for one call at the same time.
const partsAtOnce = 4

// ObserveEach is Observe for a call on several entities: each GET counts for its
// own entity, under the same conditions. All of them together take no longer than
// [Patience]; those that it does not come to are not made. Parts without a Fetch
// let no GET of an earlier call on their entity count: it may show what this one
// did.
func (c *Call) ObserveEach(parts []Part) {
	if fetches := c.takeParts(parts); len(fetches) > 0 {
		c.traffic.fetches.Go(func() { c.observeParts(fetches) })
		return
	}
	c.resolve(nil, false)
}

// partFetch is a GET to be made for a part.
type partFetch struct {
	key   webhook.EntityKey
	call  *Call
	fetch Fetch
}

// takeParts gives c its place in the traffic of all its parts' entities, and
// returns the GETs to be made.
func (c *Call) takeParts(parts []Part) (fetches []partFetch) {
	t := c.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	defer c.endList(true)
	for _, part := range parts {
		if part.Fetch == nil || !c.kept {
			if e := t.entities[t.entityOf(part.Key)]; e != nil {
				e.pass(c)
			}
			continue
		}
		if c.parts == nil {
			c.parts = make(map[webhook.EntityKey]*Call, len(parts))
		}
		if c.parts[part.Key] != nil {
			continue
		}
		p := &Call{traffic: t, id: c.id, ended: c.ended, kept: true, part: true, earlier: c.earlier}
		p.adopt(part.Key)
		c.parts[part.Key] = p
		fetches = append(fetches, partFetch{part.Key, p, part.Fetch})
	}
	return fetches
}

// observeParts makes the GETs, and resolves c when all are over.
func (c *Call) observeParts(fetches []partFetch) {
	ctx, cancel := context.WithDeadline(c.traffic.ctx, c.ended.Add(Patience))
	defer cancel()
	queue := make(chan partFetch, len(fetches))
	for _, f := range fetches {
		queue <- f
	}
	close(queue)
	var running sync.WaitGroup
	for range min(partsAtOnce, len(fetches)) {
		running.Go(func() {
			for f := range queue {
				f.call.resolve(f.call.observe(ctx, f.fetch))
			}
		})
	}
	running.Wait()
	c.resolve(nil, false)
}

// pass makes c, which ended just now and changed e otherwise than by its path,
// the last on e.
func (e *entity) pass(c *Call) {
	e.seen++
	if e.last == nil || !e.last.ended.After(c.ended) {
		e.last = c
	}
}

// saw returns what was found out about the after of one entity of c, which is
// settled or nil.
func (c *Call) saw(key webhook.EntityKey) rules.Seen {
	switch {
	case c == nil:
		return rules.Seen{}
	case c.parts == nil:
		return rules.Seen{Observation: c.seen, Concurrent: c.concurrent}
	case c.parts[key] == nil:
		return rules.Seen{Concurrent: c.concurrent}
	}
	p := c.parts[key]
	return rules.Seen{Observation: p.seen, Concurrent: p.concurrent}
}
