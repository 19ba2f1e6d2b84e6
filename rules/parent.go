package rules

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// parent returns what stands for the things that the path puts the entity below,
// "" if it does not say.
func (m *Match) parent() string {
	text := ""
	for _, name := range m.e.res.parents {
		if m.params[name] == "" {
			return ""
		}
		text += "/" + url.PathEscape(m.params[name])
	}
	return text
}

// Knows reports whether a snapshot found under the call's key is of what its path
// names: not of the thing with that id below another parent, nor of one that gave
// up that name.
func (m *Match) Knows(snap *webhook.Snapshot) bool {
	if snap.Name != "" && m.params[m.e.res.idParam] == snap.Key.ID {
		return false
	}
	return !m.isElsewhere(snap)
}

// isElsewhere reports whether a snapshot is of what is below another parent than the path
// says.
func (m *Match) isElsewhere(snap *webhook.Snapshot) bool {
	parent := m.parent()
	return snap.Parent != "" && parent != "" && snap.Parent != parent
}

// parentNow returns what the entity is below, behind the call: what it was, but where a
// field that named that names another one now. After PATCH /lists/1/cards/5 with
// {"list_id": 2} it is /lists/2/cards/5.
func (d *deriver) parentNow(ch *change) string {
	parent := cmp.Or(d.m.parent(), ch.snap.Parent)
	if parent == "" || ch.op != webhook.Updated || len(ch.fields) == 0 {
		return parent
	}
	values := strings.Split(parent[1:], "/")
	if len(values) != len(d.e.res.parents) {
		return parent
	}
	unknown := newPathSet(ch.o.unknown)
	for i, param := range d.e.res.parents {
		was, err := url.PathUnescape(values[i])
		if err != nil {
			return parent
		}
		for _, name := range referenceNames(param) {
			if unknown.touches(tree.Join("", name)) || idWithin(ch.b.body.Get(name)) != was {
				continue
			}
			if now := idWithin(ch.o.body.Get(name)); now != "" {
				values[i] = url.PathEscape(now)
			}
			break
		}
	}
	return "/" + strings.Join(values, "/")
}

// referenceNames are what a field is called that says which one an entity is below,
// by the name that a path's parameter has for that.
func referenceNames(param string) []string {
	stem := strings.TrimSuffix(param, "_id")
	return []string{stem + "_id", camel(stem) + "Id", stem, camel(stem)}
}

// idWithin returns the id that a field holds, or the thing in it has; "" for none.
func idWithin(v *tree.Value) string {
	if v.IsObject() {
		v = v.Get("id")
	}
	id, _ := v.Text()
	return id
}
