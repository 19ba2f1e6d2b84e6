package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

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

// everInside reports whether each member of an object was so at some time: of calls at
// once that merge into one, each knows of its own. Of an object that no such call
// merged into nothing else is right than what it once was as a whole.
func (j *judge) everInside(t *thing, id, name string, v any) bool {
	o, ok := v.(map[string]any)
	ok = ok && j.merged(id, name)
	for member, is := range o {
		ok = ok && slices.ContainsFunc(t.versions, func(s version) bool {
			all, _ := s.state[name].(map[string]any)
			w, there := all[member]
			return there && string(text(w)) == string(text(is))
		})
	}
	return ok
}

// merged reports whether a call merged into an object of an entity while another may
// have been under way. Amid deaths any may have.
func (j *judge) merged(id, name string) bool {
	for call, e := range j.q.effects {
		_, object := e.asked(id)[name].(map[string]any)
		if object && e.call.Format == mergePatch && (j.loose || len(j.q.atOnce[call]) > 0) {
			return true
		}
	}
	return false
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
		if e.covers(c.Path) || e.doubts(c.Path) && isObject(c.Old) == isObject(c.New) {
			return c.Path + " is told as changed, and as unknown"
		}
		if string(e.sure(before, c.Path)) != string(compact(c.Old)) || string(e.sure(after, c.Path)) != string(compact(c.New)) {
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
		case string(e.sure(was, c.Path)) != string(compact(c.Old)) &&
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

// doubts reports whether e says that it does not know what is at path.
func (e *Event) doubts(path string) bool {
	return slices.ContainsFunc(e.Provenance.Unknown, func(u string) bool {
		return u == path || strings.HasPrefix(path, u+".") || strings.HasPrefix(u, path+".")
	})
}

// covers reports whether e says that it does not know all that is at path.
func (e *Event) covers(path string) bool {
	return slices.ContainsFunc(e.Provenance.Unknown, func(u string) bool { return u == path || strings.HasPrefix(path, u+".") })
}

// sure returns what is at a path as JSON, but for what e says that it does not know
// in it; nil if nothing is.
func (e *Event) sure(s State, path string) []byte {
	raw := at(s, path)
	if !e.doubts(path) || !isObject(raw) {
		return raw
	}
	o := decode(raw)
	for member := range o {
		switch below := path + "." + member; {
		case e.covers(below):
			delete(o, member)
		case e.doubts(below):
			o[member] = json.RawMessage(e.sure(s, below))
		}
	}
	return text(o)
}

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

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
