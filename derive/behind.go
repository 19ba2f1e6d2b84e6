package derive

import "github.com/sidehook/sidehook/webhook"

// unread are the calls that ended, are not recorded, and that the traffic of no
// entity has: for what they are about nobody has said, or only their answers did.
type unread struct {
	vague map[webhook.EntityKey]int // by resource: what they are about is not known yet
	told  map[webhook.EntityKey]int // by entity: it is
	older int                       // earlier processes'

	beyond bool // some ended that are not remembered at all, since none was left of those that are
}

// maxTold bounds the entities of one call that are told one by one. One of more may
// be about any of its resource.
const maxTold = 100

// Behind reports whether a call on key, other than c, has ended and is not yet
// recorded, or may have: the snapshot of key may not be its state before c, which has
// left.
func (c *Call) Behind(key webhook.EntityKey) bool {
	t := c.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	u := &t.unread
	if t.came.noting || u.older > 0 || u.beyond || u.told[key] > 0 {
		return true
	}
	others := u.vague[resourceOf(key)]
	if c.vague && c.of == resourceOf(key) {
		others--
	}
	if others > 0 {
		return true
	}
	if key = t.entityOf(key); u.told[key] > 0 {
		return true
	}
	e := t.entities[key]
	if e == nil {
		return false
	}
	own := 0
	if c.kept && c.on() == e {
		own = 1
	}
	return e.known > own
}

// obscure says that c, which left, may have changed any entity of its resource. It is
// called with Traffic.mu held, as are those below.
func (c *Call) obscure() {
	if !c.kept || c.of == (webhook.EntityKey{}) {
		return
	}
	u := &c.traffic.unread
	if u.vague == nil {
		u.vague, u.told = make(map[webhook.EntityKey]int), make(map[webhook.EntityKey]int)
	}
	c.vague = true
	u.vague[c.of]++
}

// tell says what c is about, if that was not known. A nil c is no call.
func (c *Call) tell(keys []webhook.EntityKey) {
	if c == nil || !c.vague || len(keys) > maxTold {
		return
	}
	c.untell()
	c.told = keys
	for _, key := range keys {
		c.traffic.unread.told[key]++
	}
}

// untell takes c out of those that are not recorded, or that no entity has.
func (c *Call) untell() {
	u := &c.traffic.unread
	if c.vague {
		c.vague = false
		lower(u.vague, c.of)
	}
	for _, key := range c.told {
		lower(u.told, key)
	}
	c.told = nil
}

// lower counts one less of key.
func lower(count map[webhook.EntityKey]int, key webhook.EntityKey) {
	if count[key]--; count[key] == 0 {
		delete(count, key)
	}
}

// older counts n more exchanges of earlier processes that are not recorded.
func (t *Traffic) older(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unread.older += n
}
