package rules

import (
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// GiveUp makes gaps of all that the plan's exchange may have done: of each entity,
// or, where none can be told, of the resource. why goes on from the call: "was …".
// A page of a seed, which earns nothing, leaves none.
func (pl *Plan) GiveUp(why string) {
	pl.Nothing, pl.items, pl.repeat = "", nil, webhook.EntityKey{}
	c := pl.call
	switch {
	case c == nil:
	case len(pl.Subjects) > 0 && pl.Subjects[0].Kind == Seed:
		pl.Subjects, pl.Gap = nil, nil
	case len(pl.Subjects) == 0 || pl.Gap != nil:
		pl.Gap = c.gap(webhook.GapRuleError, fmt.Sprintf("%s %s %s", c.x.Request.Method, c.x.Request.Path, why))
	}
	for i := range pl.Subjects {
		pl.Subjects[i].givenUp = why
	}
}

// giveUp records the gap of a subject that was given up. What is known since is
// left alone.
func (d *deriver) giveUp(s *Subject, snap *webhook.Snapshot) error {
	ch := &d.change
	*ch = missed(s, snap)
	next := d.snapshot(ch)
	if snap.Seen.After(d.x.Ended) || snap.Stale.After(d.x.Ended) {
		next = *snap
	}
	return d.gapWith(ch, next, webhook.GapRuleError, s.givenUp)
}
