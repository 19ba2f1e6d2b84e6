package derive

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// came is what calls of this process may have changed before the calls of earlier
// ones were asked about. A GET shows what they did too, and so tells nothing of an
// earlier process's call on the same entity.
type came struct {
	noting  bool // until all that is asked about earlier processes is under way
	most    bool // there were too many to note each
	unclear int  // calls that ended and have not said what they are about
	on      map[webhook.EntityKey]struct{}
}

// maxCame bounds the entities that are noted. Beyond it no GET tells of an earlier
// process's call.
const maxCame = 1 << 14

// note notes a call on key that ended. It is called with Traffic.mu held.
func (a *came) note(key webhook.EntityKey) {
	switch {
	case !a.noting || a.most:
	case len(a.on) >= maxCame:
		a.most, a.on = true, nil
	default:
		if a.on == nil {
			a.on = make(map[webhook.EntityKey]struct{})
		}
		a.on[key] = struct{}{}
	}
}

// WantsKeys reports whether c, whose path names no entity, is to say by About what
// it turned out to be about: the calls of earlier processes are not yet asked about.
func (c *Call) WantsKeys() bool {
	if !c.unclear {
		return false
	}
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	return c.traffic.came.noting
}

// About says what c turned out to be about. It is called after Leave.
func (c *Call) About(keys []webhook.EntityKey) {
	t := c.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	if !c.unclear || !t.came.noting {
		return
	}
	c.unclear = false
	t.came.unclear--
	for _, key := range keys {
		t.came.note(t.entityOf(key))
	}
}

// mayHaveChanged reports whether a call of this process that ended may have
// changed what one of keys leads to. Those that came under a name were noted by it
// if it was not known then what it leads to.
func (t *Traffic) mayHaveChanged(keys ...webhook.EntityKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.came.most || t.came.unclear > 0 {
		return true
	}
	for _, key := range keys {
		_, named := t.came.on[key]
		_, led := t.came.on[t.entityOf(key)]
		if named || led {
			return true
		}
	}
	return false
}

// Expect says that there may be calls of earlier processes to be asked about. It is
// called before the first call of this process comes; [New] knows whether there are.
func (t *Traffic) Expect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.came.noting = true
}

// asked says that all that is asked about the calls of earlier processes is under
// way: what comes from now on takes its place in the traffic behind it.
func (t *Traffic) asked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.came = came{}
}

// recover registers a call of an earlier process, whose outcome or after is asked
// about now.
func (t *Traffic) recover(id webhook.ExchangeID) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &Call{traffic: t, alone: true, phase: t.enter(), id: id, ended: time.Now(), earlier: true}
	if c.kept = len(t.calls) < maxCalls; c.kept {
		t.calls[id] = c
	}
	return c
}
