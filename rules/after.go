package rules

import (
	"slices"
	"time"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// Seen is what is known, beside the exchange, of one subject's state after it.
type Seen struct {
	Observation *webhook.Observation // of a GET after the call; nil: there is none to go by
	Concurrent  bool                 // other calls on the entity overlapped

	// Bare says that of a GET no more is there than is kept: the entity, without what
	// was around it in the answer, or nothing.
	Bare bool

	// Late says that the exchange is derived out of its turn: calls that ended
	// after it may be recorded already.
	Late bool
}

// outcome is an entity after the call.
type outcome struct {
	gone       bool
	body       *tree.Value // nil: gone, or not known
	via        webhook.Source
	confidence webhook.Confidence
	unknown    []string // paths in body whose value is not known
	doubtful   bool     // the call may have changed some of them
	beside     []string // fields of a form that may not be fields of the entity at all, like a token
	view       views.List
	etag       string
	seen       time.Time // when it was so
}

// unknownAfter is an outcome that nothing told of.
var unknownAfter = outcome{via: webhook.FromNone, confidence: webhook.Inferred}

func (c *call) fromAnswer(s *Subject, b *state) *outcome {
	receipt := s.receipt
	if b.body != nil && s.answer != nil && s.grade == webhook.Observed {
		receipt = c.isReceipt(s.answer, s.asked, b.sure())
		if c.mayBeAnother(s, s.answer) {
			known, shown := c.compareFields(s.answer, s.asked, b.sure())
			receipt = receipt || shown < known || anotherID(b.body, s.answer) || !showsWithin(b.sure(), s.answer)
		}
	}
	if s.answer == nil || receipt {
		return nil
	}
	o := &outcome{
		via: webhook.FromResponse, confidence: s.grade,
		etag: c.x.Response.Header.Get("Etag"), seen: c.x.Ended,
	}
	if c.bulk {
		o.etag = ""
	}
	now := c.look(views.Answer, nil)
	if s.echo && c.e.res.representation != "full" { // there may be more of it than what the request set
		now.Kind = views.Echo
		if !b.whole() { // and no GET told
			o.confidence = webhook.Inferred
		}
	} else if s.said && c.m.method == "PATCH" {
		now.Kind = views.Echo
		if b.body == nil {
			o.confidence = webhook.Inferred
		}
	} else if s.said && (b.body == nil || c.mayKeep(s)) { // what the API sets by itself it may not show here
		now.Kind = views.Said
	}
	c.represent(o, s, b, now, s.answer, c.answerFate(s, b, now))
	o.doubtful = c.mayHaveRemoved(o, s, b, s.answer) || o.doubtful
	o.doubtOtherwise(s)
	return o
}

// answerFate says what a field means that an answer lacks: it is gone if the
// request says so, else nothing is known of it.
func (c *call) answerFate(s *Subject, b *state, now views.View) missing {
	gone := c.gone(s, b, now, s.answer)
	return func(path string) tree.Fate {
		if gone.at(path) {
			return tree.Removed
		}
		return tree.KeptDoubt
	}
}

// gone tells whether a field that was there, and that the state after is shown without,
// is gone. It is if the request took it away; or if the request, of a caller who could
// see it, sent the object that it was in without it. That an answer lacks a field which
// only a GET has shown, or which was not known, says nothing: answers may show less.
type gone struct {
	c       *call
	s       *Subject
	b       *state
	is      *tree.Value // what is shown
	doubted pathSet
	alike   bool // the same caller looked before, in the same way
	shown   bool // what is not in doubt was shown before, and not by a GET
	alone   bool // a GET shows all of it, as nobody else looked
}

func (c *call) gone(s *Subject, b *state, now views.View, is *tree.Value) gone {
	last := b.view.Last()
	return gone{
		c: c, s: s, b: b, is: is, doubted: newPathSet(b.unknown),
		alike: last.As == now.As && last.Alike(now) && last.Query == now.Query,
		shown: !last.Narrow() && last.Kind != views.Get && (now.Kind != views.Said || last.Kind == views.Said),
		alone: now.Kind == views.Get && b.view.OnlyBy(now.As),
	}
}

func (g gone) at(path string) bool {
	known := g.shown && !g.doubted.touches(path) || g.alone
	if g.c.tookAway(g.s, path) {
		return true
	}
	if !g.alike || !known {
		return false
	}
	return g.c.emptied(g.s, path) || g.c.left(g.s, g.b, g.is, path) && (g.alone || !g.c.mayBePart(g.s, g.is, path))
}

// left reports whether the request sent without it what path is in: by a PUT, or
// in the object around it. is, which lacks path, is how the entity is shown now.
func (c *call) left(s *Subject, b *state, is *tree.Value, path string) bool {
	put := c.m.method == "PUT" && c.isItem() && s.asked.IsObject()
	return put && c.at(s.asked, path) == nil || c.leftOut(s, b, is, path)
}

// mayHaveRemoved reports whether the call may have removed, or changed, a field that
// was known and that what shows o lacks.
func (c *call) mayHaveRemoved(o *outcome, s *Subject, b *state, is *tree.Value) bool {
	if len(o.unknown) == 0 {
		return false
	}
	doubted := newPathSet(b.unknown)
	return slices.ContainsFunc(o.unknown, func(path string) bool {
		return !doubted.touches(path) && !c.e.res.ignore.Match(path) && (c.left(s, b, is, path) || c.setsOtherwise(s, b, path))
	})
}

// isItem reports whether the call's path is the entity's own.
func (c *call) isItem() bool { return c.m.atItem() }

// at returns what is at path, in keyed arrays by key.
func (c *call) at(v *tree.Value, path string) *tree.Value {
	p, err := lang.ParsePath(path)
	if err != nil {
		return nil
	}
	return c.e.res.keys.At(v, p.Names()...)
}

func at(v *tree.Value, path string) *tree.Value {
	p, err := lang.ParsePath(path)
	if err != nil {
		return nil
	}
	return v.At(p.Names()...)
}

func (c *call) fromPut(s *Subject, b *state) *outcome {
	body := c.putProven(s)
	if body == nil {
		return nil
	}
	o := &outcome{
		via: webhook.FromRequest, confidence: webhook.Proven,
		etag: c.x.Response.Header.Get("Etag"), seen: c.x.Ended,
	}
	c.represent(o, s, b, c.look(views.Sent, nil), body, func(path string) tree.Fate {
		if slices.Contains(c.e.res.idNames, path) {
			return tree.Kept // the path says it
		}
		return tree.Removed
	})
	return o
}

func (c *call) fromGet(s *Subject, b *state, obs *webhook.Observation, alone bool) *outcome {
	if obs == nil {
		return nil
	}
	o := &outcome{
		via: webhook.FromFetch, confidence: webhook.Observed,
		etag: obs.Header.Get("Etag"), seen: obs.Received,
	}
	if s.Kind == Delete && showsNothing(obs) {
		o.gone = true
		return o
	}
	body := c.observed(obs, s, alone, s.asked, b.body)
	if body == nil {
		return nil
	}
	now := c.look(views.Get, obs)
	if more := withPart(body, s.part, s.asked); more != nil {
		body, now = more, c.look(views.Answer, nil)
	}
	same, doubted, gone := b.view.Last() == now, newPathSet(b.unknown), c.gone(s, b, now, body)
	c.represent(o, s, b, now, body, func(path string) tree.Fate {
		switch {
		case slices.Contains(c.e.res.idNames, path):
			return tree.Kept // the path says it
		case same && !doubted.touches(path), gone.at(path):
			return tree.Removed
		}
		return tree.KeptDoubt
	})
	o.doubtful = c.mayHaveRemoved(o, s, b, body)
	return o
}

// withPart returns what a GET showed with what else the answer showed, which was asked
// to show some fields: some APIs show next to nothing unless fields are named
// (YouTrack, Google Drive). It is nil if the GET shows all that the call set.
func withPart(body, part, asked *tree.Value) *tree.Value {
	members, sets := body.Members(), false
	for i := range part.Members() {
		if m := part.Members()[i]; m.Kind != tree.Null && body.Get(m.Name) == nil { // null may be left out of a GET
			members = append(slices.Clip(members), m)
			sets = sets || asked.Get(m.Name) != nil
		}
	}
	if !sets {
		return nil
	}
	more := tree.NewObject(members)
	return &more
}

// missing says what becomes of a field that the state after lacks, as it is shown.
type missing func(path string) tree.Fate

// represent makes shown, as it was looked at now, the state after: what it lacks
// of the state before is treated as `representation` says, or else as lacks says.
func (c *call) represent(o *outcome, s *Subject, b *state, now views.View, shown *tree.Value, lacks missing) {
	if b.body == nil {
		o.body, o.view = shown, views.List(now.String())
		return
	}
	switch c.e.res.representation {
	case "full":
		o.body, o.view = shown, views.List(now.String())
		return
	case "partial":
		lacks = func(string) tree.Fate { return tree.Kept }
	}
	by, less := c.overlaying(o, s, b, now, lacks)
	body, doubts := tree.Overlay(b.body, shown, by)
	now.Less = less != nil && *less
	o.body, o.unknown, o.view = body, doubts, b.view.With(now)
	for _, u := range b.unknown {
		if c.at(shown, u) == nil && c.at(body, u) != nil {
			o.unknown = append(o.unknown, u)
		}
	}
	o.unknown = eachOnce(o.unknown)
}
