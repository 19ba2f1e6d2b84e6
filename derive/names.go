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
