package model

import "net/http"

// write does to one entity what a call says of it; it returns 1 if that made it.
func (q *sequence) write(c *Call, e *effect, id string, set map[string]any) (created int) {
	t := q.things[id]
	if t == nil {
		t = &thing{style: q.style, shown: map[string]bool{"id": true}}
		q.things[id] = t
		q.made = append(q.made, id)
	}
	q.clock++
	var was State
	if len(t.versions) > 0 {
		was = t.versions[len(t.versions)-1].state
	}
	if was == nil {
		created = 1
	}
	var next State
	if c.Verb != http.MethodDelete {
		next = q.written(c, was, id, set)
	}
	for name := range set {
		t.shown[name] = true
	}
	if changed := string(text(was)) != string(text(next)); changed || len(t.versions) == 0 {
		t.versions = append(t.versions, version{c.ID, next})
		e.wrote[id] = true
	}
	e.at[id] = len(t.versions) - 1
	return created
}

// written returns what an entity is behind a call.
func (q *sequence) written(c *Call, was State, id string, set map[string]any) State {
	next := State{"id": id}
	whole := c.Verb == http.MethodPut && !q.style.PutKeeps
	for name, v := range was {
		switch {
		case !whole, own[name], name == "d" && c.Guest && q.style.Hides != "":
			next[name] = v
		}
	}
	for name, v := range set {
		c.put(next, name, v, q.style.NullStays)
	}
	if q.style.Defaults {
		for name, v := range map[string]any{"kind": "plain", "b": 7} {
			if _, ok := next[name]; !ok {
				next[name] = v
			}
		}
	}
	if q.style.Own && (was == nil || !q.style.Idle || string(text(next)) != string(text(was))) {
		q.own(next, was)
	}
	return clone(next)
}

// own sets the fields of the API's own.
func (q *sequence) own(next, was State) {
	rev := 0
	if was != nil {
		rev, _ = was["rev"].(int)
	}
	next["rev"] = rev + 1
	if was == nil {
		next["rev"], next["created_at"] = q.clock, q.time() // a version never comes back
	}
	next["updated_at"] = q.time()
	sum := 0
	for _, name := range []string{"a", "b", "c"} {
		n, _ := next[name].(int)
		sum += n
	}
	next["sum"] = sum
}
