package rules

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// state is an entity before the call, as far as it is believed.
type state struct {
	source  webhook.Source // FromNone: not known
	absent  bool           // known not to be there
	body    *tree.Value    // nil: absent, or not known
	unknown []string       // paths in body whose value is not known
	view    views.List     // who was shown body, and how
	age     time.Duration  // how long before the call a snapshot was seen
	proven  bool           // by the call's own If-Match or If-None-Match
}

// unknownBefore is a state of which nothing is known.
var unknownBefore = state{source: webhook.FromNone}

func (b *state) known() bool { return b.absent || b.body != nil }

// sure returns what is known of the entity without the fields that are in doubt:
// an answer that lacks those lacks nothing.
func (b *state) sure() *tree.Value {
	if len(b.unknown) == 0 || b.body == nil {
		return b.body
	}
	members := slices.DeleteFunc(slices.Clone(b.body.Members()), func(m tree.Member) bool {
		return slices.Contains(b.unknown, tree.Join("", m.Name))
	})
	v := tree.NewObject(members)
	return &v
}

// whole reports whether the entity was ever shown but by echoes of what calls set.
func (b *state) whole() bool { return b.body != nil && !b.view.Echo() }

// before finds the state before the call: what a GET saw before it was
// forwarded, or the snapshot if that was seen after the GET was sent (the API may
// have read before it); a snapshot older than trust only if the call's own
// If-Match confirms it.
func (c *call) before(s *Subject, snap *webhook.Snapshot, alone bool) state {
	if c.createdIt(s) {
		return state{source: webhook.FromNone, absent: true, proven: true}
	}
	if c.e.res.before == "none" {
		return unknownBefore
	}
	match := ""
	if !c.unsure && !c.later {
		match = c.x.Request.Header.Get("If-Match")
	}
	if obs := c.x.Before; obs != nil && alone && !snap.Seen.After(obs.Requested) && !snap.Stale.After(obs.Requested) {
		switch {
		case showsNothing(obs):
			return state{source: webhook.FromFetch, absent: true}
		case obs.Status == 304 && obs.Header.Get("Etag") != "" && obs.Header.Get("Etag") == snap.ETag:
			b := c.lastKnown(s, snap)
			b.proven = true
			return b
		}
		if body := c.observed(obs, s, alone, nil, c.lastKnown(s, snap).body); body != nil && !contradicts(match, obs.Header.Get("Etag")) {
			view := views.List(c.look(views.Get, obs).String())
			return state{source: webhook.FromFetch, body: body, view: view, proven: proves(match, obs.Header.Get("Etag"))}
		}
	}
	if !snap.Known() || contradicts(match, snap.ETag) {
		return unknownBefore
	}
	proven := proves(match, snap.ETag)
	if !proven && c.x.Started.Sub(snap.Seen) > c.e.res.trust {
		return unknownBefore
	}
	b := c.lastKnown(s, snap)
	b.proven = proven
	return b
}

// lastKnown returns the state that the snapshot of s holds, however old.
func (c *call) lastKnown(s *Subject, snap *webhook.Snapshot) state {
	b := state{
		source: webhook.FromSnapshot, absent: snap.Deleted, unknown: snap.Unknown, view: views.List(snap.View),
		age: max(0, c.x.Started.Sub(snap.Seen)),
	}
	if snap.Body != nil && !snap.Deleted {
		v, err := tree.ParseLike(snap.Body, s.answer)
		if err != nil {
			return unknownBefore
		}
		b.body = v
	}
	if !b.known() {
		return unknownBefore
	}
	return b
}

// createdIt reports whether the API has made sure that the entity was not there:
// the call had If-None-Match: *, and succeeded (RFC 9110 §13.1.2).
func (c *call) createdIt(s *Subject) bool {
	return strings.TrimSpace(c.x.Request.Header.Get("If-None-Match")) == "*" &&
		s.Kind != Delete && !c.bulk && c.isItem() && !c.unsure && !c.later
}

// observed returns the entity that a GET saw, or nil if it saw none. Beside
// other subjects it must show the id; a cache's answer is not one of now.
func (c *call) observed(obs *webhook.Observation, s *Subject, alone bool, asked, before *tree.Value) *tree.Value {
	if age := obs.Header.Get("Age"); obs.Status != 200 || age != "" && age != "0" {
		return nil
	}
	root, kind := content.Read(obs.Body, obs.Header, c.m.Redacts())
	if root == nil || kind == content.IsForm || kind == content.IsParts {
		return nil
	}
	if c.bare && obs != c.x.Before {
		return root
	}
	entity := c.inEnvelope(c.e.res.find(root))
	if entity == nil || c.saysNo(root, entity, s, asked, before) || s.renamed != "" && !c.renamedTo(s, before, entity) || !c.e.res.shows(root, entity, s.Key.ID) && !(alone && c.mayBe(entity, asked, before)) {
		return nil
	}
	if c.mayBeAnothers(obs, entity, before) {
		return nil
	}
	if c.m.Redacts() {
		out, _ := c.e.res.redact.Value(entity, content.IsJSON, nil)
		return &out
	}
	return entity
}

// showsNothing reports whether a GET says that there is no such thing: by its status,
// or by a null in place of the entity.
func showsNothing(obs *webhook.Observation) bool {
	switch body := bytes.TrimSpace(obs.Body.Bytes); {
	case obs.Status == 404 || obs.Status == 410:
		return true
	case obs.Status != 200 || !obs.Body.Whole() || len(body) > len(`{ "data" : null }`):
		return false
	case string(body) == "null":
		return true
	default:
		root, err := tree.Parse(string(body))
		data := root.Get("data")
		return err == nil && len(root.Members()) == 1 && data != nil && data.Kind == tree.Null
	}
}

// saysNo reports whether an answer of status 200 says that there was none. An
// entity may have a field of that name too: it is one if it is beside the id, and
// shows all that is known, what was set, or much else.
func (c *call) saysNo(root, entity *tree.Value, s *Subject, asked, before *tree.Value) bool {
	for _, name := range [...]string{"ok", "success"} {
		if v := root.Get(name); v == nil || v.Kind != tree.Bool || string(v.Shared()) != "false" {
			continue
		}
		if entity != root || !c.e.res.shows(root, entity, s.Key.ID) {
			return true
		}
		known, shown := c.compareFields(entity, asked, before)
		return (known == 0 || shown < known) && c.isReceipt(entity, asked, before)
	}
	return false
}

// mayBe reports whether what a GET of the entity's own path showed, and not under
// its id, may be it all the same: it has another id (the path has a slug, an
// alias), or it has none and looks like the entity, or is where `entity` says.
func (c *call) mayBe(entity, asked, before *tree.Value) bool {
	if _, ok := c.e.res.idIn(entity); ok {
		return true
	}
	if c.m.below() {
		asked = nil // it need not be about fields of the entity
	}
	known, shown := c.compareFields(entity, asked, before)
	if c.e.res.entity != nil && c.e.res.tells(entity, 1) && (known == 0 || shown > 0) && !c.e.res.belies(entity, asked, before) {
		return true
	}
	return known > 1 && shown == known || !c.isReceipt(entity, asked, before)
}
