package derive

import (
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// maxNames bounds the names that are remembered. Beyond it, and after a start,
// the calls under a name stand in a lane of their own until it is met again: they
// are of the same entity all the same, but one may be recorded before another
// that ended first and waits for a GET.
const maxNames = 1 << 14

// learn remembers which names lead to other entities than their own.
func (t *Traffic) learn(c *store.Consequences) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range c.Snapshots {
		s := &c.Snapshots[i]
		if s.Alias == "" {
			continue
		}
		to := s.Key
		to.ID = s.Alias
		t.lead(s.Key, to)
	}
}

// leadAll lets names lead to where key does.
func (t *Traffic) leadAll(names []webhook.EntityKey, key webhook.EntityKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	to := t.entityOf(key)
	for _, name := range names {
		t.lead(name, to)
	}
}

// lead is called with t.mu held.
func (t *Traffic) lead(name, to webhook.EntityKey) {
	if name == to {
		delete(t.names, name)
		return
	}
	t.join(name, to)
	if len(t.names) >= maxNames {
		clear(t.names)
	}
	if t.names == nil {
		t.names = make(map[webhook.EntityKey]webhook.EntityKey)
	}
	t.names[name] = to
}

// entityOf returns the key of the entity that a name leads to, as far as that is
// remembered. t.mu is held.
func (t *Traffic) entityOf(name webhook.EntityKey) webhook.EntityKey {
	if len(t.names) == 0 {
		return name
	}
	if to, ok := t.names[name]; ok {
		return to
	}
	return name
}

// lanes appends to dst the entities that names lead to.
func (t *Traffic) lanes(dst, names []webhook.EntityKey) []webhook.EntityKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		dst = append(dst, t.entityOf(name))
	}
	return dst
}

// join makes the calls on name, as which they came before it was known that it
// leads to to, calls on that: a GET that is under way shows what they did. It is
// called with t.mu held.
func (t *Traffic) join(name, to webhook.EntityKey) {
	e, into := t.entities[name], t.entities[to]
	switch {
	case e == nil:
		return
	case into == nil:
		e.key, t.entities[to] = to, e
	default:
		into.absorb(e)
	}
	delete(t.entities, name)
}

// absorb makes e's calls calls on into.
func (into *entity) absorb(e *entity) {
	e.into = into
	into.open += e.open
	into.seen += e.seen + 1
	into.known += e.known
	into.unresolved += e.unresolved
	if e.last != nil && (into.last == nil || into.last.isBefore(e.last)) {
		into.last = e.last
	}
	e.idle.give() // who waits looks again
	e.gate.give()
}

// isBefore reports whether c ended before other did.
func (c *Call) isBefore(other *Call) bool {
	if c.earlier != other.earlier {
		return c.earlier
	}
	return c.ended.Before(other.ended)
}

// now returns what e is by now: itself, or what it turned out to be another name of.
func (e *entity) now() *entity {
	for e.into != nil {
		e = e.into
	}
	return e
}

// on returns the entity that c is on, nil while that is not known. It is called with
// Traffic.mu held.
func (c *Call) on() *entity {
	if c.entity != nil {
		c.entity = c.entity.now()
	}
	return c.entity
}
