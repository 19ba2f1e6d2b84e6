package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// missed says which call changed the entity and is told by no event, no gap, and
// by no other call that was under way at once with it.
func (j *judge) missed(id string) string {
	for call, e := range j.q.effects {
		if !e.wrote[id] || j.accounted(id, call) {
			continue
		}
		return fmt.Sprintf("%s changed it, and nothing tells of that", call)
	}
	return ""
}

func (j *judge) accounted(id, call string) bool {
	e := j.q.effects[call]
	for _, event := range j.byCall[call] {
		if event.Entity.ID == id || event.Entity.ID == "" && event.Gap != nil {
			return true
		}
	}
	for again, other := range j.q.effects { // a repeat may tell what the first did
		if other.first == call && again != call && j.told(id, again) {
			return true
		}
	}
	if j.invisible(id, e) || j.neverTold(id, e) || j.undone(id, call) || j.restored(id, e) {
		return true
	}
	unnamed := func(e *Event) bool {
		return e.Request.ID == "" && (e.Entity.ID == id || e.Entity.ID == "" && e.Gap != nil)
	}
	if j.loose && slices.ContainsFunc(j.byCall[""], unnamed) {
		return true
	}
	for _, event := range j.byID[id] {
		switch {
		case event.Provenance.Concurrent && j.atOnce(call, event.Request.ID):
			return true
		case j.q.style.Kind == "docs" && event.Gap == nil && j.atOnce(call, event.Request.ID) && j.q.effects[event.Request.ID].at[id] > e.at[id]:
			return true // the version says that its answer, which came behind, is older: the newer one tells what both did
		case event.Gap != nil && event.Provenance.After == "fetch" && index(call) == index(event.Request.ID)+1:
			return true // what it did may have been there when a GET was to tell of the call before
		}
	}
	return false
}

func (j *judge) told(id, call string) bool {
	return slices.ContainsFunc(j.byCall[call], func(e *Event) bool { return e.Entity.ID == id })
}

// atOnce reports whether two calls may have been under way at once.
func (j *judge) atOnce(a, b string) bool { return slices.Contains(j.q.atOnce[a], b) }

// index returns which of its sequence a call is.
func index(call string) (n int) {
	_, s, _ := strings.Cut(call, "/")
	fmt.Sscan(s, &n)
	return n
}

// undone reports whether two calls at once left all as it was, but for what is the
// API's own.
func (j *judge) undone(id, call string) bool {
	t := j.q.things[id]
	for _, other := range j.q.atOnce[call] {
		ats := []int{j.q.effects[call].at[id]}
		if e := j.q.effects[other]; e != nil {
			if at, ok := e.at[id]; ok {
				ats = append(ats, at)
			}
		}
		first, last := slices.Min(ats), slices.Max(ats)
		if first > 0 && !slices.ContainsFunc(differ(t.versions[first-1].state, t.versions[last].state), func(path string) bool {
			top, _, _ := strings.Cut(path, ".")
			return !own[top]
		}) {
			return true
		}
	}
	return false
}

// restored reports whether a call made of the entity what was told of it last:
// what was between is told by a gap of the resource, or by calls at once.
func (j *judge) restored(id string, e *effect) bool {
	t, at := j.q.things[id], e.at[id]
	if at == 0 {
		return false
	}
	before := j.byCall[t.versions[at-1].call]
	vague := !slices.ContainsFunc(before, func(o *Event) bool { return o.Entity.ID == id && !o.Provenance.Concurrent })
	return vague && slices.ContainsFunc(j.byID[id], func(o *Event) bool {
		after := decode(o.After)
		return after != nil && !slices.ContainsFunc(differ(after, t.versions[at].state), func(path string) bool {
			top, _, _ := strings.Cut(path, ".")
			_, set := e.asked(id)[top]
			return set && !o.doubts(path)
		})
	})
}

// neverTold reports whether a call deleted what a gap alone tells to have been
// there: many APIs answer a delete of nothing with success, too.
func (j *judge) neverTold(id string, e *effect) bool {
	t, at := j.q.things[id], e.at[id]
	return at > 0 && t.versions[at].state == nil && !j.told(id, t.versions[at-1].call)
}

// invisible reports whether all that a call changed in an entity was never shown
// to anybody, or is ignored, or was the API's own doing: of a call that sets what
// is there already, and behind which nobody saw the whole of it, nobody can tell
// whether it moved those.
func (j *judge) invisible(id string, e *effect) bool {
	t := j.q.things[id]
	at := e.at[id]
	if at == 0 || t.versions[at].state == nil || t.versions[at-1].state == nil {
		return false
	}
	asked, c := e.asked(id), e.call
	shows := (c.Answer == "full" || c.Answer == "created") && !c.Style.Brief && c.Fate == "" && len(j.q.atOnce[c.ID]) == 0
	for _, path := range differ(t.versions[at-1].state, t.versions[at].state) {
		top, _, _ := strings.Cut(path, ".")
		null, set := asked[top]
		if !shows && (own[top] || set && null == nil && t.versions[at-1].state[top] == nil) {
			continue
		}
		if t.shown[top] && !(j.q.style.Kind == "things" && (top == "rev" || top == "updated_at")) {
			return false
		}
	}
	return true
}

// racing judges an event that says that other calls were under way: each value
// must have been true at some time.
func (j *judge) racing(t *thing, e *Event) string {
	for _, side := range []json.RawMessage{e.Before, e.After} {
		for name, v := range decode(side) {
			if !e.doubts(name) && !t.style.masks(name, v) && !t.ever(name, v) && !j.everInside(t, e.Entity.ID, name, v) {
				return name + " never was " + string(text(v))
			}
		}
	}
	return e.inner()
}
