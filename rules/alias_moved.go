package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// moved returns the subject as one whose id the call changed, if that is proven: the
// answer shows it under another id as it was known, but for what the call set, and a
// GET behind the call finds nothing under the old one. APIs make ids of what they hold,
// of an address or a name.
func (d *deriver) moved(s *Subject, snap *webhook.Snapshot, names []webhook.Snapshot, seen Seen) *Subject {
	proven := s.guess != nil && s.answer == nil && d.isItem() && names[0].Key == s.names[0] && names[0].Sequence == 0 &&
		!seen.Concurrent && seen.Observation != nil && showsNothing(seen.Observation)
	if !proven || !d.repeats(d.lastKnown(s, snap).body, s.guess, s.asked) {
		return s
	}
	own := *s
	own.answer, own.grade, own.renamed = s.guess, webhook.Observed, s.names[0].ID
	return &own
}

// repeats reports whether shown is known, but for its id, what was asked, and what APIs
// set by themselves. Something must be left that is neither.
func (c *call) repeats(known, shown, asked *tree.Value) bool {
	r, same := c.e.res, 0
	for m := range tree.Each(known.Members()) {
		path := tree.Join("", m.Name)
		switch is := shown.Get(m.Name); {
		case slices.Contains(r.called, m.Name), r.ignore.Match(path), r.isVersion(path), isServerWord(m.Name), asked.Get(m.Name) != nil:
		case is == nil || !tree.Equal(&m.Value, is):
			return false
		default:
			same++
		}
	}
	return same > 0 && r.showsSet(asked, shown)
}
