package derive

import "github.com/sidehook/sidehook/webhook"

// lists are the calls that are open and may change any entities of a resource:
// which, their bodies say and not their paths.
type lists struct {
	open map[webhook.EntityKey]int // by resource: a key without ID and Tenant
	idle signal                    // given when the last of a resource has ended
}

// EnterList registers a call whose path names no entity, and that may change any
// of a resource (key needs no ID and no Tenant). It never waits. A GET that is under way meanwhile,
// of an earlier call on one of them, tells nothing: it may show what this one does.
func (t *Traffic) EnterList(key webhook.EntityKey) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lists.open == nil {
		t.lists.open = make(map[webhook.EntityKey]int)
	}
	key = resourceOf(key)
	t.lists.open[key]++
	return &Call{traffic: t, alone: true, phase: t.enter(), list: &key, of: key}
}

// endList says that what c changed is known to the traffic of its entities, or
// never will be; some says that it may have changed any. It is called with t.mu held.
func (c *Call) endList(some bool) {
	if c.list == nil {
		return
	}
	for key, e := range c.traffic.entities {
		if some && key.API == c.list.API && key.Resource == c.list.Resource {
			e.seen++ // a GET that is under way now may show that, or not
		}
	}
	l := &c.traffic.lists
	if l.open[*c.list]--; l.open[*c.list] == 0 {
		delete(l.open, *c.list)
		l.idle.give()
	}
	c.list = nil
}

// listed reports whether a call is open that may change the entity.
func (t *Traffic) listed(key webhook.EntityKey) bool {
	return t.lists.open[resourceOf(key)] > 0
}

// resourceOf returns the key of an entity's resource, in all its tenants.
func resourceOf(key webhook.EntityKey) webhook.EntityKey {
	key.ID, key.Tenant = "", ""
	return key
}
