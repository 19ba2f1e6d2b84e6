package rules

import (
	"net/url"
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// id returns the id that the path says; of a singular resource the parameters of
// its path that are no part of its name: of /repos/{owner}/{repo}/settings "o/r".
// It is "" for a path that names no entity, and for a singular one without any.
func (m *Match) id() string {
	r := m.e.res
	id := m.params[r.idParam]
	if !r.singular || len(r.parents) == 0 {
		return id
	}
	id = url.PathEscape(id)
	for _, name := range slices.Backward(r.parents) {
		id = url.PathEscape(m.params[name]) + "/" + id
	}
	return id
}

// isOnes reports whether the entity may be the caller's own: its path names
// nothing (/profile), so each caller may have another.
func (r *resource) isOnes() bool { return r.singular && r.idParam == "" }

// ownID returns the id in a body of such an entity, "" if it has none.
func ownID(body *tree.Value) string {
	for _, name := range genericIDs {
		if id, ok := body.Get(name).Text(); ok {
			return id
		}
	}
	return ""
}

// anothers reports whether what is known of a singular entity may be of another
// caller's: it has another id than o shows, or none is shown and this
// caller was not seen to look at it; or another caller deleted it. A tenant of the
// resource keeps callers apart by itself.
func (c *call) anothers(b *state, o *outcome) bool {
	if !c.e.res.isOnes() || b.body == nil && !b.absent || b.source != webhook.FromSnapshot {
		return false
	}
	if was, is := ownID(b.body), ownID(o.body); was != "" && is != "" && o.via != webhook.FromComputed {
		return was != is
	}
	now := c.look(views.Answer, nil)
	for v := range b.view.All {
		if v.As == now.As {
			return false
		}
	}
	return b.view != ""
}

// mayBeAnothers reports whether what a GET as the service showed may be what is
// the service's own.
func (c *call) mayBeAnothers(obs *webhook.Observation, shown, before *tree.Value) bool {
	return obs.Service && c.e.res.isOnes() && (ownID(shown) == "" || ownID(shown) != ownID(before))
}
