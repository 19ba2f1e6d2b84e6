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
	if j.late(id, e) || j.invisible(id, e) || j.neverTold(id, e) || j.undone(id, call) || j.restored(id, e) {
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
		case event.Gap != nil && event.Provenance.After == "fetch" && index(call) == index(event.Request.ID)+1:
			return true // what it did may have been there when a GET was to tell of the call before
		}
	}
	return false
}

func (j *judge) told(id, call string) bool {
	return slices.ContainsFunc(j.byCall[call], func(e *Event) bool { return e.Entity.ID == id })
}

// atOnce reports whether two calls were under way at once.
func (j *judge) atOnce(a, b string) bool {
	var sa, ia, sb, ib = split(a), index(a), split(b), index(b)
	if sa != sb || ib-ia != 1 && ia-ib != 1 {
		return false
	}
	later := j.q.effects[a]
	if ib > ia {
		later = j.q.effects[b]
	}
	return later != nil && later.call.With
}

func split(call string) string {
	s, _, _ := strings.Cut(call, "/")
	return s
}

func index(call string) (n int) {
	_, s, _ := strings.Cut(call, "/")
	fmt.Sscan(s, &n)
	return n
}

// partner returns the call that was under way at once with another, "" for none.
func (j *judge) partner(call string) string {
	for other := range j.q.effects {
		if j.atOnce(call, other) {
			return other
		}
	}
	return ""
}

// undone reports whether two calls at once left all as it was, but for what is the
// API's own.
func (j *judge) undone(id, call string) bool {
	other := j.partner(call)
	if other == "" {
		return false
	}
	t, ats := j.q.things[id], []int{j.q.effects[call].at[id]}
	if at, ok := j.q.effects[other].at[id]; ok {
		ats = append(ats, at)
	}
	first, last := slices.Min(ats), slices.Max(ats)
	return first > 0 && !slices.ContainsFunc(differ(t.versions[first-1].state, t.versions[last].state), func(path string) bool {
		top, _, _ := strings.Cut(path, ".")
		return !own[top]
	})
}

// late reports whether a create was answered to nobody, so that the next call on
// the entity may have ended before it: that one then tells of it, as of something
// that was not known.
func (j *judge) late(id string, e *effect) bool {
	t, at := j.q.things[id], e.at[id]
	created := t.versions[at].state != nil && (at == 0 || t.versions[at-1].state == nil)
	return created && e.call.Fate == "gone" && slices.ContainsFunc(j.byID[id], func(e *Event) bool { return e.Gap == nil && e.Provenance.Before == "none" })
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
	shows := (c.Answer == "full" || c.Answer == "created") && !c.Style.Brief && c.Fate == "" && j.partner(c.ID) == ""
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
	if gone := e.Operation == "deleted" && (e.Provenance.Before == "none" || e.Provenance.Concurrent) && j.q.now(id) == nil; !ok && gone {
		return "" // of a delete that was not answered: it is true by now
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

// racing judges an event that says that other calls were under way: each value
// must have been true at some time.
func (j *judge) racing(t *thing, e *Event) string {
	for _, side := range []json.RawMessage{e.Before, e.After} {
		for name, v := range decode(side) {
			if !e.doubts(name) && !t.style.masks(name, v) && !t.ever(name, v) {
				return name + " never was " + string(text(v))
			}
		}
	}
	return e.inner()
}

// masks reports whether a field is shown so to guests. A state may have it so, as
// far as it was shown to them; a change from or to it was none.
func (s *Style) masks(name string, v any) bool {
	return name == "d" && s.Hides == "mask" && v == "***"
}

func (t *thing) ever(name string, v any) bool {
	return slices.ContainsFunc(t.versions, func(s version) bool {
		w, ok := s.state[name]
		return ok && string(text(w)) == string(text(v))
	})
}

// inner says how an event contradicts itself: its changes must be how its states
// differ.
func (e *Event) inner() string {
	before, after := decode(e.Before), decode(e.After)
	if e.Operation != "updated" || before == nil || after == nil {
		if len(e.Changes) > 0 {
			return "it has changes without two states"
		}
		return ""
	}
	told := map[string]bool{}
	for _, c := range e.Changes {
		told[c.Path] = true
		if e.doubts(c.Path) {
			return c.Path + " is told as changed, and as unknown"
		}
		if string(at(before, c.Path)) != string(compact(c.Old)) || string(at(after, c.Path)) != string(compact(c.New)) {
			return c.Path + " is told to have changed otherwise than the states do"
		}
	}
	for _, path := range differ(before, after) {
		nothing := string(nullOr(at(before, path))) == string(nullOr(at(after, path))) // which, a request that sets null does not say
		if !told[path] && !e.doubts(path) && !nothing {
			return path + " differs in the states, and is neither told nor unknown"
		}
	}
	return ""
}

// nullOr returns JSON, null for nothing.
func nullOr(v []byte) []byte {
	if v == nil {
		return []byte("null")
	}
	return v
}

// exact judges an event of a call that had the entity to itself.
func (j *judge) exact(t *thing, e *Event, effect *effect, k *known, was, now State, wrote bool) string {
	if why := e.inner(); why != "" {
		return why
	}
	before, after := decode(e.Before), decode(e.After)
	switch {
	case e.Operation == "deleted" && now != nil:
		return "it is told as deleted, and was not"
	case e.Operation != "deleted" && now == nil:
		return "it is gone, and is told as " + e.Operation
	case e.Operation == "created" && was != nil && !(e.Provenance.Before == "none" && effect.answer.Status == 201):
		return "it is told as created, and was there"
	case e.Operation == "updated" && was == nil && e.Provenance.Before != "none":
		return "it is told as updated, and was not there"
	}
	if why := k.side("before", t, e, before, was, nil); why != "" && e.Operation != "deleted" {
		return why
	}
	var asked map[string]any
	if e.guesses() {
		asked = effect.asked(e.Entity.ID)
	}
	if why := k.side("after", t, e, after, now, asked); why != "" {
		return why
	}
	for _, c := range e.Changes {
		top, _, _ := strings.Cut(c.Path, ".")
		switch {
		case k.loose[top]:
		case k.nulls[top] && string(nullOr(compact(c.Old))) == string(nullOr(compact(c.New))):
		case string(at(was, c.Path)) == string(at(now, c.Path)):
			return c.Path + " is told as changed, and was not"
		case string(at(was, c.Path)) != string(compact(c.Old)) &&
			!((e.guesses() || k.nulls[top]) && string(nullOr(compact(c.Old))) == "null"):
			return c.Path + " is told to have been otherwise than it was"
		}
	}
	if before != nil && after != nil && e.Operation == "updated" && !e.guesses() {
		for _, path := range differ(was, now) {
			top, _, _ := strings.Cut(path, ".")
			_, known := after[top]
			if _, was := before[top]; !e.tells(path) && !e.doubts(path) && !k.loose[top] && (known || was) &&
				!(string(nullOr(at(before, path))) == string(nullOr(at(after, path)))) {
				return path + " changed, and is neither told nor unknown"
			}
		}
	}
	if !wrote && len(e.Changes) == 0 && before != nil && after != nil && len(e.Provenance.Unknown) == 0 {
		return "nothing changed, and an event says that something did"
	}
	return ""
}

// side judges one of the states that an event has. Where it is inferred from what
// the request asked, the rest may be as it was at any time.
func (k *known) side(which string, t *thing, e *Event, told, is State, asked map[string]any) string {
	for name, v := range told {
		if e.doubts(name) || t.style.masks(name, v) {
			continue
		}
		if _, set := asked[name]; asked != nil && !set || asked == nil && k.loose[name] {
			if v != nil && !t.ever(name, v) {
				return fmt.Sprintf("%s in the state %s never was so", name, which)
			}
			continue
		}
		if v == nil && is[name] == nil && e.guesses() {
			continue // a null that was set is kept, or removes the field
		}
		for _, path := range differ(State{name: v}, only(is, name)) {
			if !e.doubts(path) {
				return fmt.Sprintf("%s in the state %s is not what the API had", path, which)
			}
		}
	}
	return ""
}

func only(s State, name string) State {
	if v, ok := s[name]; ok {
		return State{name: v}
	}
	return State{}
}

// end judges what is known in the end.
func (j *judge) end(id string, last *Event) string {
	if last == nil || last.Gap != nil || last.Provenance.Concurrent {
		return ""
	}
	now := j.q.now(id)
	t := j.q.things[id]
	for _, gap := range j.byID[""] {
		if gap.Gap != nil && gap.Request.ID == t.versions[len(t.versions)-1].call {
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

// doubts reports whether e says that it does not know what is at path.
func (e *Event) doubts(path string) bool {
	return slices.ContainsFunc(e.Provenance.Unknown, func(u string) bool {
		return u == path || strings.HasPrefix(path, u+".") || strings.HasPrefix(u, path+".")
	})
}

func (e *Event) tells(path string) bool {
	for _, c := range e.Changes {
		if c.Path == path || strings.HasPrefix(path, c.Path+".") || strings.HasPrefix(c.Path, path+".") {
			return true
		}
	}
	return false
}

// at returns what is at a path as JSON, nil if nothing is.
func at(s State, path string) []byte {
	var v any = map[string]any(s)
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		if v, ok = m[name]; !ok {
			return nil
		}
	}
	return text(v)
}

func compact(raw json.RawMessage) []byte {
	if raw == nil {
		return nil
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	return text(v)
}

// differ returns the paths at which two states differ: of objects that both have,
// member by member.
func differ(a, b State) (paths []string) {
	for _, name := range names(a, b) {
		v, inA := a[name]
		w, inB := b[name]
		x, xOK := v.(map[string]any)
		y, yOK := w.(map[string]any)
		switch {
		case xOK && yOK:
			for _, below := range differ(x, y) {
				paths = append(paths, name+"."+below)
			}
		case inA != inB || string(text(v)) != string(text(w)):
			paths = append(paths, name)
		}
	}
	return paths
}

func names(a, b State) (all []string) {
	for name := range a {
		all = append(all, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
