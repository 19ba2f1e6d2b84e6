package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Event is an event as the judge reads it; the admin endpoint shows events so.
type Event struct {
	Position  uint64
	Scope     string
	Operation string
	Entity    struct{ Resource, ID string }
	Sequence  uint64
	Before    json.RawMessage
	After     json.RawMessage
	Changes   []struct {
		Path     string
		Old, New json.RawMessage
	}
	Params     map[string]string
	Request    struct{ ID, Method, Path string }
	Gap        *struct{ Reason, Detail string }
	Provenance struct {
		Before, After, Confidence string
		Unknown                   []string
		Concurrent                bool
	}
}

// Judge says how the events of a sequence contradict what the API did, "" if they
// do not: each must tell of the call whose id it has. amidDeaths says that the
// process was killed meanwhile: then an event may have no id, and tell what more
// than one call did, and must have been true at some time.
func (a *API) Judge(name string, events []Event, amidDeaths bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.sequences[name]
	j := &judge{q: q, loose: amidDeaths, byID: map[string][]*Event{}, byCall: map[string][]*Event{}}
	for i := range events {
		e := &events[i]
		j.byID[e.Entity.ID] = append(j.byID[e.Entity.ID], e)
		j.byCall[e.Request.ID] = append(j.byCall[e.Request.ID], e)
	}
	for _, id := range q.made {
		if why := j.entity(id); why != "" {
			return fmt.Sprintf("%s: %s\nthe API had %s\nthe events are %s", id, why, q.things[id].history(), shown(j.byID[id]))
		}
	}
	for id := range j.byID {
		if id != "" && q.things[id] == nil {
			return fmt.Sprintf("%s is told of, and never was: %s", id, shown(j.byID[id]))
		}
	}
	return ""
}

type judge struct {
	q      *sequence
	loose  bool
	byID   map[string][]*Event
	byCall map[string][]*Event
}

func (t *thing) history() string {
	var b strings.Builder
	for _, v := range t.versions {
		fmt.Fprintf(&b, "\n  %s: %s", v.call, text(v.state))
	}
	return b.String()
}

func shown(events []*Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "\n  %s", text(e))
	}
	return b.String()
}

// entity judges the events of one entity.
func (j *judge) entity(id string) string {
	var last *Event
	k := known{loose: map[string]bool{}, nulls: map[string]bool{}}
	for i, e := range j.byID[id] {
		why := ""
		switch {
		case e.Sequence != uint64(i+1):
			why = "its sequence is not the next"
		case e.Gap == nil:
			why = j.event(id, e, &k)
		}
		if why != "" {
			return fmt.Sprintf("event %d (of %s): %s", i+1, e.Request.ID, why)
		}
		last = e
	}
	if why := j.missed(id); why != "" {
		return why
	}
	return j.end(id, last)
}

// known is what events told of an entity so far.
type known struct {
	at    int             // the version that the last of them told of
	loose map[string]bool // fields that were inferred, and not seen since
	nulls map[string]bool // fields that were set to null, and may be gone
}

// event judges one event that is no gap.
func (j *judge) event(id string, e *Event, k *known) string {
	if j.loose {
		return j.racing(j.q.things[id], e)
	}
	effect := j.q.effects[e.Request.ID]
	if effect == nil {
		return "no call of that id came to the API"
	}
	call := e.Request.ID
	if effect.first != "" {
		maybe := len(e.Changes) == 0 && len(e.Provenance.Unknown) > 0
		if !maybe && j.told(id, effect.first) && slices.ContainsFunc(j.byCall[effect.first], func(o *Event) bool { return o.Entity.ID == id && o.Gap == nil }) {
			return "it is of a repeat, and what it repeats is told already"
		}
		if maybe {
			return e.inner()
		}
		call = effect.first
		effect = j.q.effects[call]
	}
	at, ok := effect.at[id]
	if gone := e.Operation == "deleted" && (e.Provenance.Before == "none" || e.Provenance.Concurrent || e.Provenance.After == "fetch") && j.q.now(id) == nil; !ok && gone {
		return "" // of a delete that was not answered: it is true by now, and may be the work of another that was not
	}
	t := j.q.things[id]
	switch {
	case !ok && e.Provenance.Concurrent:
		return j.racing(t, e) // what another did is told of this one, too
	case !ok:
		return "its call did nothing"
	}
	if e.Provenance.Concurrent {
		k.at = min(k.at, at)
		why := j.racing(t, e)
		for name := range decode(e.After) {
			k.loose[name] = true
		}
		return why
	}
	was := []State{t.versions[at].state}
	if effect.wrote[id] {
		was = []State{nil}
		if at > 0 {
			was[0] = t.versions[at-1].state
		}
	}
	for i := at - 1; i >= k.at && e.Provenance.Before == "snapshot"; i-- {
		was = append(was, t.versions[i].state) // what was done since, a gap tells
	}
	why := ""
	for _, before := range was {
		if why = j.exact(t, e, effect, k, before, t.versions[at].state, effect.wrote[id]); why == "" {
			break
		}
	}
	k.learn(e, effect, id, at)
	return why
}

// learn takes in what an event tells.
func (k *known) learn(e *Event, effect *effect, id string, at int) {
	k.at = at
	guess := e.guesses()
	asked := effect.asked(id)
	for name, v := range asked {
		if guess && v == nil {
			k.nulls[name] = true
		}
	}
	for name := range decode(e.After) {
		if _, set := asked[name]; e.guesses() && !set {
			k.loose[name] = true
		} else {
			delete(k.loose, name)
			if !guess {
				delete(k.nulls, name)
			}
		}
	}
}

// guesses reports whether e says that its state after is made of the request.
func (e *Event) guesses() bool { return e.Provenance.Confidence == "inferred" }

// asked returns what a call set of one entity.
func (e *effect) asked(id string) map[string]any {
	for i, other := range e.ids {
		if other == id {
			return e.call.Sets[i]
		}
	}
	return nil
}

// end judges what is known in the end.
func (j *judge) end(id string, last *Event) string {
	if last == nil || last.Gap != nil || last.Provenance.Concurrent {
		return ""
	}
	now := j.q.now(id)
	t := j.q.things[id]
	if e := j.q.effects[last.Request.ID]; j.loose && e != nil && e.twice {
		return "" // the proxy died between: the answer is how it was at first, and nobody could know that it is
	}
	for _, gap := range j.byID[""] {
		nameless := j.loose && gap.Request.ID == "" && gap.Position > last.Position // of a call that was in flight at a death
		if gap.Gap != nil && (nameless || gap.Request.ID == t.versions[len(t.versions)-1].call) {
			return ""
		}
	}
	switch {
	case last.Operation == "deleted" && now != nil:
		return "it was told as deleted, and is there"
	case last.Operation != "deleted" && now == nil:
		return "it is gone, and was not told as deleted"
	}
	for name, v := range decode(last.After) {
		if is, ok := now[name]; j.loose && !last.guesses() && !own[name] && !last.doubts(name) && !j.q.style.masks(name, v) && (!ok || string(text(is)) != string(text(v))) {
			return name + " is not what was told last"
		}
	}
	return ""
}
