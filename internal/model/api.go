package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
)

// State is what one thing is.
type State map[string]any

// API is the API of all sequences. It keeps of each entity all that it ever was.
type API struct {
	mu        sync.Mutex
	sequences map[string]*sequence
	writes    int
}

// sequence is what the API keeps of one.
type sequence struct {
	style   *Style
	made    []string // ids, in the order in which they were first made
	things  map[string]*thing
	effects map[string]*effect  // by call
	keys    map[string]*replay  // by Idempotency-Key
	atOnce  map[string][]string // calls that may have been under way at once with a call
	clock   int
}

// thing is one entity.
type thing struct {
	style    *Style
	versions []version
	shown    map[string]bool // fields that anybody was ever shown, or set
}

// version is a thing from one write to the next.
type version struct {
	call  string
	state State // nil: gone
}

// effect is what a call came to.
type effect struct {
	call   *Call
	ids    []string       // the entities that it was about
	first  string         // the call that this one repeats, by its key; "" for none
	at     map[string]int // the version of each thing that it was about, behind it
	wrote  map[string]bool
	answer Answer
	twice  bool // it came once more, and was answered as it was at first
}

type replay struct {
	call   string
	answer Answer
}

// Answer is what the API answers.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte // nil: none
}

// New returns an API without sequences.
func New() *API { return &API{sequences: map[string]*sequence{}} }

// Begin says that the calls of a sequence will come.
func (a *API) Begin(name string, style *Style) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sequences[name] = &sequence{style: style, things: map[string]*thing{}, effects: map[string]*effect{}, keys: map[string]*replay{}, atOnce: map[string][]string{}}
}

// AtOnce says that two calls of a sequence may be under way at once.
func (a *API) AtOnce(one, other *Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.sequences[one.Sequence]
	q.atOnce[one.ID] = append(q.atOnce[one.ID], other.ID)
	q.atOnce[other.ID] = append(q.atOnce[other.ID], one.ID)
}

// Writes returns how many calls to write were done so far.
func (a *API) Writes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.writes
}

// Call makes the call that a step means now, or nil if there is nothing for it to
// be about. last is the call of the step before.
func (a *API) Call(name string, i int, s Step, last *Call) *Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.sequences[name]
	c := &Call{Step: s, Style: q.style, ID: fmt.Sprintf("%s/%d", name, i), Sequence: name}
	if s.Again && last != nil {
		c.Entities, c.Key, c.Of, c.Sets = last.Entities, last.Key, last.Of, last.Sets
		return c
	}
	if s.Key {
		c.Key = "key of " + c.ID
	}
	if s.Verb == http.MethodPost {
		return c
	}
	for i, n := range s.Of {
		if len(q.made) == 0 || s.Many() && i >= len(q.made) {
			break
		}
		c.Entities = append(c.Entities, q.made[n%len(q.made)])
	}
	if len(c.Entities) == 0 {
		return nil
	}
	c.Of, c.Sets = s.Of[:len(c.Entities)], s.Sets[:len(c.Entities)]
	return c
}

// Do does a call, unless it is refused, and returns the answer.
func (a *API) Do(c *Call) Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes++
	q := a.sequences[c.Sequence]
	if again := q.effects[c.ID]; again != nil { // a proxy, or its transport, sent it once more
		again.twice = true
		return again.answer
	}
	e := &effect{call: c, at: map[string]int{}, wrote: map[string]bool{}}
	q.effects[c.ID] = e
	e.answer = refusal
	if c.Fate == "refused" || c.Fate == "reset" {
		return refusal
	}
	if r := q.keys[c.Key]; r != nil && c.Key != "" {
		e.first, e.answer = r.call, r.answer
		return r.answer
	}
	ids := c.Entities
	if c.Verb == http.MethodPost {
		ids = nil
		for i := range c.Sets {
			ids = append(ids, q.newID(c, i))
		}
	}
	if !q.may(c, ids) || len(ids) == 1 && !c.applies(q.now(ids[0]), c.Sets[0]) {
		return refusal
	}
	e.ids = ids
	created := 0
	for i, id := range ids {
		created += q.write(c, e, id, c.Sets[i])
	}
	e.answer = q.answer(c, ids, created > 0)
	if c.Key != "" {
		q.keys[c.Key] = &replay{c.ID, e.answer}
	}
	return e.answer
}

var refusal = Answer{Status: 422, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte(`{"error":"no"}`)}

// newID returns the id of the i-th entity that a POST makes.
func (q *sequence) newID(c *Call, i int) string {
	if q.style.OwnIDs {
		return fmt.Sprintf("%s-%d", c.Sequence, c.Of[i]+1)
	}
	return fmt.Sprintf("%s-%d", c.Sequence, len(q.made)+1+i)
}

// may reports whether a call can be done: all of it or nothing.
func (q *sequence) may(c *Call, ids []string) bool {
	for _, id := range ids {
		there := q.now(id) != nil
		creates := c.Verb == http.MethodPost
		if creates == there && !(c.Verb == http.MethodPut && q.style.Kind == "docs") {
			return false
		}
	}
	return true
}

// now returns the state of id, nil if it is not there.
func (q *sequence) now(id string) State {
	if t := q.things[id]; t != nil {
		return t.versions[len(t.versions)-1].state
	}
	return nil
}

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

// own are the fields of the API's own.
var own = map[string]bool{"rev": true, "updated_at": true, "created_at": true, "sum": true}

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

func (q *sequence) time() string {
	return fmt.Sprintf("2026-11-22T10:%02d:%02dZ", q.clock/60, q.clock%60)
}

func clone(s State) State { return maps.Clone(s) }

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

// decode reads JSON as the events have it.
func decode(raw json.RawMessage) State {
	var s State
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return s
}
