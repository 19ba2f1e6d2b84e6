package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// Names in an element of a request that says what to do, and to whom.
var (
	verbNames = []string{"op", "_op", "operation", "method", "_method", "_action"}
	pathNames = []string{"path", "url", "href", "uri", "location"}
	sideNames = []string{"index", "version", "etag", "if_match", "ifMatch", "_rev", "rev", "headers", "dependsOn", "depends_on"}
)

// verbs are what they say there, in lower case.
var verbs = map[string]deed{
	"delete": removedDeed, "remove": removedDeed, "destroy": removedDeed, "del": removedDeed,
	"create": madeDeed, "insert": madeDeed, "add": madeDeed, "post": madeDeed, "createorreplace": madeDeed, "createifnotexists": madeDeed,
	"update": changedDeed, "patch": changedDeed, "put": changedDeed, "replace": changedDeed, "upsert": changedDeed, "merge": changedDeed, "index": changedDeed,
	"get": loose, "head": loose, "read": loose, "noop": loose,
}

// ask sets what an element of the request asks for: it is the entity, or says what
// to do with one: {"method": "PATCH", "path": "/users/5", "data": {…}}.
func (m *mention) ask(r *resource, e *tree.Value) {
	m.asked = object(flat(e))
	if m.asked == nil {
		return
	}
	for _, name := range []string{"_destroy", "_delete", "_deleted"} {
		if v := m.asked.Get(name); v != nil && (string(v.Shared()) == "true" || v.Is("1") || v.Is("true")) {
			m.deed = removedDeed
		}
	}
	deed := r.verbIn(m.asked)
	if deed == noDeed && m.unwrap() {
		return
	}
	if deed == noDeed {
		if inner := r.asked(m.asked, nil); !r.hasID(m.asked) || !r.hasID(inner) {
			m.asked = inner // else it is another one, in a field
		}
		return
	}
	m.deed = deed
	for _, name := range pathNames {
		if link, ok := m.asked.Get(name).Text(); ok {
			m.id, _ = r.idInURL(link, "")
			m.pathed = true
		}
	}
	if m.asked = r.innerOf(m.asked); m.asked == nil && !m.pathed {
		m.asked = object(flat(e)) // it has its id there
	}
	m.failed = deed == loose
}

// unwrap takes what an element asks for out of what is to be done, if that is all
// around it: {"delete": {"id": 5}}, {"patch": {"id": 5, "set": {…}}} (Sanity). Of a change
// it tells no more than what it sets.
func (m *mention) unwrap() bool {
	members := m.asked.Members()
	if len(members) != 1 || !members[0].IsObject() {
		return false
	}
	switch inner := &members[0].Value; verbs[strings.ToLower(members[0].Name)] {
	case removedDeed:
		m.deed, m.asked = removedDeed, nil
	case changedDeed:
		m.asked = object(inner.Get("set"))
	case madeDeed:
		m.asked = inner
	default:
		return false
	}
	return true
}

// callsOf sets the ids that are in paths, and returns what those of the mentions
// call themselves instead; nil if none has a path.
func callsOf(mentions []mention, ids []string) (calls []string) {
	for i := range mentions {
		if m := &mentions[i]; m.pathed {
			if calls == nil {
				calls = make([]string, len(ids))
			}
			calls[i], ids[i] = ids[i], m.id
		}
	}
	return calls
}

// verbIn returns what an element of a request says is to be done, if it says
// nothing else but to whom and with what: else it is the entity.
func (r *resource) verbIn(v *tree.Value) deed {
	verb := noDeed
	for m := range tree.Each(v.Members()) {
		text, _ := m.Text()
		switch is := verbs[strings.ToLower(text)]; {
		case slices.Contains(verbNames, m.Name) && is != noDeed:
			verb = is
		case slices.Contains(pathNames, m.Name), slices.Contains(sideNames, m.Name), slices.Contains(r.called, m.Name),
			slices.Contains(clientRefs, m.Name) && !wordIn(secondNames, m.Name),
			m.IsObject() && (slices.Contains(innerNames, m.Name) || slices.Contains(r.wraps, m.Name)), m.Kind == tree.Null:
		default:
			return noDeed
		}
	}
	return verb
}
