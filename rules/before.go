package rules

import (
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// state is an entity before the call, as far as it is believed.
type state struct {
	source  webhook.Source // FromNone: not known
	absent  bool           // known not to be there
	body    *tree.Value    // nil: absent, or not known
	unknown []string
	view    string
	age     time.Duration
	proven  bool
}

func (b *state) known() bool { return b.absent || b.body != nil }

// before finds the state before the call: what a GET saw before it was
// forwarded, or the snapshot if that was seen after the GET was sent (the API may
// have read before it); a snapshot older than trust only if the call's own
// If-Match confirms it.
func (c *call) before(s *Subject, snap *webhook.Snapshot, alone bool) state {
	none := state{source: webhook.FromNone}
	if c.e.res.before == "none" {
		return none
	}
	if obs := c.x.Before; obs != nil && alone && !snap.Seen.After(obs.Requested) && !snap.Stale.After(obs.Requested) {
		switch {
		case obs.Status == 404 || obs.Status == 410:
			return state{source: webhook.FromFetch, absent: true}
		case obs.Status == 304 && obs.Header.Get("Etag") != "" && obs.Header.Get("Etag") == snap.ETag:
			return c.lastKnown(s, snap)
		}
		if body := c.observed(obs, s, alone); body != nil {
			return state{source: webhook.FromFetch, body: body, view: viewGet}
		}
	}
	if !snap.Known() {
		return none
	}
	proven := c.confirmed(snap)
	if !proven && c.x.Started.Sub(snap.Seen) > c.e.res.trust {
		return none
	}
	b := c.lastKnown(s, snap)
	b.proven = proven
	return b
}

// lastKnown returns the state that the snapshot of s holds, however old.
func (c *call) lastKnown(s *Subject, snap *webhook.Snapshot) state {
	b := state{
		source: webhook.FromSnapshot, absent: snap.Deleted, unknown: snap.Unknown, view: snap.View,
		age: max(0, c.x.Started.Sub(snap.Seen)),
	}
	if snap.Body != nil && !snap.Deleted {
		v, err := tree.ParseLike(snap.Body, s.answer)
		if err != nil {
			return state{source: webhook.FromNone}
		}
		b.body = v
	}
	if !b.known() {
		return state{source: webhook.FromNone}
	}
	return b
}

// confirmed reports whether the API has compared the snapshot's validator: the
// call had a strong If-Match, and succeeded (RFC 9110 §13.1.1).
func (c *call) confirmed(snap *webhook.Snapshot) bool {
	match := strings.TrimSpace(c.x.Request.Header.Get("If-Match"))
	return snap.ETag != "" && match == snap.ETag && !strings.HasPrefix(match, "W/") && !c.unsure && !c.later
}

// observed returns the entity that a GET saw, or nil if it saw none. Beside
// other subjects it must show the id.
func (c *call) observed(obs *webhook.Observation, s *Subject, alone bool) *tree.Value {
	if obs.Status != 200 {
		return nil
	}
	root, kind := readBody(obs.Body, obs.Header, c.m.Redacts())
	if root == nil || kind == isForm {
		return nil
	}
	entity := c.e.res.find(root)
	if entity == nil || !alone && !c.e.res.shows(root, entity, s.Key.ID) {
		return nil
	}
	if c.m.Redacts() {
		out, _ := c.e.res.redacted(entity, isJSON)
		return &out
	}
	return entity
}
