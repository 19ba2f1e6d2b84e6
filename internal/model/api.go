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

// own are the fields of the API's own.
var own = map[string]bool{"rev": true, "updated_at": true, "created_at": true, "sum": true}

func (q *sequence) time() string {
	return fmt.Sprintf("2026-11-22T10:%02d:%02dZ", q.clock/60, q.clock%60)
}

func clone(s State) State { return maps.Clone(s) }

// decode reads JSON as the events have it.
func decode(raw json.RawMessage) State {
	var s State
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return s
}
