package model

import (
	"fmt"
	"net/http"
)

// Get answers a GET of one entity, as whoever asks sees it.
func (a *API) Get(name, id string, guest bool) Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.sequences[name]
	now := q.now(id)
	if now == nil {
		return Answer{Status: 404, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte(`{"error":"not found"}`)}
	}
	seen := q.style.view(now, guest)
	q.show(id, seen)
	out := q.reply(200, seen)
	if q.style.Tags && q.style.Own {
		out.Header["Etag"] = fmt.Sprintf(`"%v"`, now["rev"])
	}
	return out
}

// show remembers what was shown of an entity.
func (q *sequence) show(id string, seen State) {
	t := q.things[id]
	for name := range seen {
		t.shown[name] = true
	}
}

// view returns what a caller sees.
func (s *Style) view(state State, guest bool) State {
	out := clone(state)
	if _, ok := out["d"]; ok && guest {
		switch s.Hides {
		case "absent":
			delete(out, "d")
		case "mask":
			out["d"] = "***"
		}
	}
	return out
}

// answer returns what a call that was done is answered.
func (q *sequence) answer(c *Call, ids []string, created bool) Answer {
	status := 200
	if created && c.Answer != "full" || c.Answer == "created" {
		status = 201
	}
	if c.Verb == http.MethodDelete {
		if c.Many() && c.Answer == "receipt" {
			return q.reply(200, State{"deleted": ids})
		}
		return Answer{Status: 204}
	}
	if c.Answer == "empty" {
		if c.Verb == http.MethodPost && !c.Many() {
			path, _ := c.Path()
			return Answer{Status: 201, Header: map[string]string{"Location": path + "/" + ids[0]}}
		}
		if c.Verb != http.MethodPost {
			return Answer{Status: 204}
		}
	}
	var all []State
	for i, id := range ids {
		all = append(all, q.told(c, id, c.Sets[i]))
	}
	if !c.Many() {
		return q.reply(status, all[0])
	}
	return q.reply(status, all)
}

// told returns what an answer says of one entity.
func (q *sequence) told(c *Call, id string, set map[string]any) State {
	now := q.style.view(q.now(id), c.Guest)
	out := State{"id": id}
	switch c.Answer {
	case "receipt":
		return State{"ok": true, "id": id}
	case "part":
		for name := range set {
			if v, ok := now[name]; ok {
				out[name] = v
			}
		}
	default:
		for name, v := range now {
			if !q.style.Brief || !own[name] || name == "rev" && q.style.Kind == "docs" {
				out[name] = v
			}
		}
	}
	if c.Fate == "" || c.Fate == "gone" {
		q.show(id, out)
	}
	return out
}

func (q *sequence) reply(status int, v any) Answer {
	if s, ok := v.(State); ok && q.style.Wraps && s["id"] != nil {
		v = State{"data": s}
	}
	return Answer{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: text(v)}
}
