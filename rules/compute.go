package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// computed applies the request to a known state before, where it says how: a
// merge patch, a JSON patch, a form, or a PUT. What cannot be applied is not
// guessed.
func (c *call) computed(s *Subject, b *state) *outcome {
	if b.body == nil || s.asked == nil || c.twice || c.vague || s.Kind == Create || !c.isItem() && !c.bulk {
		return nil
	}
	o := &outcome{via: webhook.FromComputed, confidence: webhook.Inferred, seen: c.x.Ended, view: b.view, unknown: b.unknown}
	if set := c.look(views.Set, nil); set.As != b.view.Last().As {
		o.view = b.view.With(set) // whoever was shown b need not see what this one set
	}
	asked, about := s.asked, slices.Clone(s.opaque)
	if c.reqKind == content.IsJSON {
		var more []string
		asked, more = patch.Readable(b.body, asked)
		about = append(about, more...)
	}
	if !c.compute(o, s, b, asked) {
		return nil
	}
	c.forget(o, b)
	for _, name := range about {
		path := tree.Join("", name)
		o.doubtful = o.doubtful || !c.e.res.ignore.Match(path)
		if o.body.Get(name) != nil {
			o.unknown = append(slices.Clone(o.unknown), path)
		}
	}
	c.doubtServerFields(o, b, s)
	if s.answer == nil {
		o.doubtOtherwise(s)
	}
	return o
}

// compute sets what the request makes of the state before. It is false if the request
// does not tell that.
func (c *call) compute(o *outcome, s *Subject, b *state, asked *tree.Value) bool {
	put := c.m.method == "PUT" || s.Kind == Upsert && c.m.method == "POST" // which may leave what it does not name, or remove it
	switch {
	case c.reqKind == content.IsPatch:
		o.body, o.unknown = patched(b.body, s.asked), stillUnpatched(b, s.asked)
		return o.body != nil && !movesUnknown(b, s.asked)
	case !asked.IsObject() || len(asked.Members()) == 0:
		return false
	case c.reqKind == content.IsForm || c.reqKind == content.IsParts:
		f := typed(b.body, s.asked, s.answer)
		if len(f.fields.Members())+len(f.untyped) == 0 {
			return false
		}
		if put {
			c.replace(o, s, b, &f.fields)
		} else {
			c.apply(o, b, &f.fields)
		}
		c.doubtForm(o, &f)
	case c.reqKind == content.IsAPI:
		c.applyAPI(o, b, s.asked)
	case put:
		c.replace(o, s, b, asked)
	default:
		if c.reqKind == content.IsJSON {
			asked = c.ofFields(o, b, asked)
		}
		body := tree.MergePatch(b.body, asked)
		if c.reqKind != content.IsMerge {
			body = stillNull(body, b.body, asked)
		}
		o.body, o.unknown = &body, append(c.stillUnmerged(b, asked), o.beside...)
		c.refine(o, b)
	}
	return true
}

// ofFields returns what plain JSON sets of the fields that its caller was shown. What
// else it sets is doubted: that may come to be one, or be what nobody is ever shown, as a
// password is, or a comment.
func (c *call) ofFields(o *outcome, b *state, asked *tree.Value) *tree.Value {
	if last := b.view.Last(); last.Kind != views.Get && last.Kind != views.Answer || last.As != c.look(views.Set, nil).As {
		return asked
	}
	var members []tree.Member
	for i := range asked.Members() {
		m := asked.Members()[i]
		if b.body.Get(m.Name) == nil && m.Kind != tree.Null {
			path := tree.Join("", m.Name)
			o.beside, o.doubtful = append(o.beside, path), o.doubtful || !c.e.res.ignore.Match(path)
			continue
		}
		members = append(members, m)
	}
	if len(o.beside) == 0 {
		return asked
	}
	o.view = o.view.Old() // nobody has looked for what that may have become
	known := tree.NewObject(members)
	return &known
}

// refine makes of what a merge of the request comes to what the API may have made
// of it: a reference to what is there already leaves that as it is, and what an
// element of a keyed array is sent without may be there still.
func (c *call) refine(o *outcome, b *state) {
	if c.reqKind == content.IsMerge {
		return // RFC 7396 says that arrays are replaced
	}
	body, doubts := tree.Overlay(b.body, o.body, tree.Judge{
		Keys: c.e.res.keys,
		Lacks: func(path string) tree.Fate {
			if c.e.res.inElement(path) {
				return tree.KeptDoubt
			}
			return tree.Removed
		},
		Less: func(path string, was, is *tree.Value) (bool, []string) {
			if likeness.Masks(was, is) {
				o.doubtful = o.doubtful || !c.e.res.ignore.Match(path)
				return true, []string{path} // nobody was shown it
			}
			return likeness.Same(was, is), nil
		},
	})
	o.body, o.unknown = body, append(slices.Clone(o.unknown), doubts...)
	slices.Sort(o.unknown)
}

// replace puts what a PUT sends in the place of the entity: what it leaves out may be
// gone.
func (c *call) replace(o *outcome, s *Subject, b *state, sent *tree.Value) {
	mayBeGone := func(path string) { o.doubtful = o.doubtful || !c.e.res.ignore.Match(path) }
	c.represent(o, s, b, c.look(views.Sent, nil), sent, func(path string) tree.Fate {
		if slices.Contains(c.e.res.idNames, path) {
			return tree.Kept
		}
		mayBeGone(path)
		return tree.KeptDoubt
	})
	for _, u := range b.unknown { // what is in neither may have been there
		if c.at(b.body, u) == nil && c.at(o.body, u) == nil {
			mayBeGone(u)
			o.unknown = append(o.unknown, u)
		}
	}
}

// apply sets the fields that the request gives, each as a whole.
func (c *call) apply(o *outcome, b *state, asked *tree.Value) {
	body := tree.Assign(b.body, asked)
	o.body = &body
	o.unknown = c.stillUnknown(b, asked)
}

// stillNull returns body, made by a merge patch, with what is null before and
// behind plain JSON: that need not be a merge patch.
func stillNull(body tree.Value, before, asked *tree.Value) tree.Value {
	var nulls []tree.Member
	for m := range tree.Each(asked.Members()) {
		if was := before.Get(m.Name); m.Kind == tree.Null && was != nil && was.Kind == tree.Null {
			nulls = append(nulls, *m)
		}
	}
	if len(nulls) == 0 {
		return body
	}
	set := tree.NewObject(nulls)
	return tree.Assign(&body, &set)
}

// stillUnknown returns what is not known of the state before, and was not set.
func (c *call) stillUnknown(b *state, asked *tree.Value) []string {
	return slices.DeleteFunc(slices.Clone(b.unknown), func(u string) bool { return c.at(asked, u) != nil })
}

// forget takes out of what is not known of the state after what was in something that
// the request put something else in the place of.
func (c *call) forget(o *outcome, b *state) {
	o.unknown = slices.DeleteFunc(slices.Clone(o.unknown), func(u string) bool { return c.at(o.body, u) == nil && c.at(b.body, u) != nil })
}

// stillUnmerged is stillUnknown of a merge: of an object that is not known, what the
// request does not name stays so.
func (c *call) stillUnmerged(b *state, asked *tree.Value) (unknown []string) {
	for _, u := range b.unknown {
		set, was := c.at(asked, u), c.at(b.body, u)
		switch {
		case set == nil:
			unknown = append(unknown, u)
		case set.IsObject() && was.IsObject():
			for m := range tree.Each(was.Members()) {
				if name := m.Name; set.Get(name) == nil {
					unknown = append(unknown, tree.Join(u, name))
				}
			}
		}
	}
	return unknown
}

// serverWords are what fields are called, in lower case and without separators,
// that APIs set by themselves whenever something is written.
var serverWords = map[string]bool{
	"rev": true, "revision": true, "version": true, "etag": true,
	"updated": true, "updatedat": true, "updatedon": true, "updatedtime": true, "updatetime": true,
	"modified": true, "modifiedat": true, "modifiedon": true, "lastmodified": true, "lastupdated": true,
	"updatedate": true, "updateddate": true, "dateupdated": true, "lastupdatedat": true, "lastupdate": true, "lastupdatedtime": true,
	"modifieddate": true, "datemodified": true, "modifiedtime": true, "modificationdate": true, "modificationtime": true,
	"lastmodifiedat": true, "lastmodifiedon": true, "lastmodifieddate": true, "lastmodifiedtime": true, "lastmodifieddatetime": true,
	"lastchanged": true, "lastchangedat": true, "changedat": true, "lasteditedtime": true, "lasteditedat": true, "systemmodstamp": true, "lockversion": true,
	"editdate": true, "editedat": true, "datemod": true, "dateupd": true, "mtime": true,
}

func isServerWord(name string) bool {
	return wordIn(serverWords, name)
}

// doubtServerFields lists what the API is likely to have set by itself: the
// version, what is called like one, and fields that are ignored.
func (c *call) doubtServerFields(o *outcome, b *state, s *Subject) {
	r := c.e.res
	doubt := slices.Clone(o.unknown)
	for m := range tree.Each(o.body.Members()) {
		name := tree.Join("", m.Name)
		server := r.ignore.Match(name) || r.isVersion(name) || isServerWord(m.Name)
		if server && b.body.Get(m.Name) != nil && s.asked.Get(m.Name) == nil {
			doubt = append(doubt, name)
		}
	}
	o.unknown = eachOnce(doubt)
}

// sent takes the request's body for the state: only where `after request` says so.
func (c *call) sent(s *Subject, b *state) *outcome {
	if !s.asked.IsObject() || c.twice || c.reqKind == content.IsPatch || c.reqKind == content.IsMerge || c.m.method == "PATCH" {
		return nil
	}
	o := &outcome{via: webhook.FromRequest, confidence: webhook.Inferred, seen: c.x.Ended}
	c.represent(o, s, b, c.look(views.Sent, nil), s.asked, func(string) tree.Fate { return tree.KeptDoubt })
	return o
}
