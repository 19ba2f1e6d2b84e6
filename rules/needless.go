package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// Recall returns what is recorded of an entity. ok is false if that cannot be read, or
// is not yet all that earlier calls did to it.
type Recall func(webhook.EntityKey) (snap webhook.Snapshot, ok bool)

// AnswerTells reports whether a subject that has a Fetch needs no GET after all: by what
// is known of its entity the answer shows it, so that a GET would show nothing else, or
// would not be looked at. snapshot is called only where that may be so.
func (pl *Plan) AnswerTells(subject int, snapshot Recall) bool {
	c := pl.call
	if c == nil || c.e.res.after != "auto" {
		return false
	}
	s := &pl.Subjects[subject]
	if s.answer == nil || s.doubt != "" || s.unnamed != idSure || s.givenUp != "" || len(s.other) > 0 || len(s.names) > 0 || s.Kind == Create {
		return false
	}
	snap, ok := c.m.recall(snapshot, s.Key)
	if !ok {
		return false
	}
	b := c.before(s, &snap, len(pl.Subjects) == 1)
	if c.isOld(s, &b) {
		return false
	}
	if only := !s.receipt && !s.echo; s.parts && only && (b.body == nil || c.showsAll(b.body, s.answer)) {
		return c.fromAnswer(s, &b) != nil
	}
	if b.body == nil || s.parts || s.echo && !b.whole() || c.mayKeep(s) && !(b.view.Fetched() && len(b.unknown) == 0 && c.showsAll(b.body, s.answer)) {
		return false
	}
	return c.fromAnswer(s, &b) != nil
}

// recall returns what is recorded of key, if that is surely what the call is about.
func (m *Match) recall(snapshot Recall, key webhook.EntityKey) (snap webhook.Snapshot, ok bool) {
	snap, ok = snapshot(key)
	return snap, ok && snap.Key == key && snap.Alias == "" && !snap.Concurrent && !m.isElsewhere(&snap)
}

// showsWithin reports whether shown has all that is in the objects of known that it
// has, too, but for what it shows as empty.
func showsWithin(known, shown *tree.Value) bool {
	for m := range tree.Each(known.Members()) {
		if is := shown.Get(m.Name); m.IsObject() && is.IsObject() && len(is.Members()) > 0 && !holdsAll(&m.Value, is, nil) {
			return false
		}
	}
	return true
}

// showsAll reports whether shown, of the entity, has all that is in known; its own id
// the path says.
func (c *call) showsAll(known, shown *tree.Value) bool {
	return holdsAll(known, shown, c.e.res.idNames)
}

// holdsAll reports whether shown has all the members of known, and of the objects in
// it, but for those of its own that are called so.
func holdsAll(known, shown *tree.Value, but []string) bool {
	for m := range tree.Each(known.Members()) {
		is := shown.Get(m.Name)
		switch {
		case slices.Contains(but, m.Name):
		case is == nil, m.IsObject() && is.IsObject() && !holdsAll(&m.Value, is, nil):
			return false
		}
	}
	return true
}
