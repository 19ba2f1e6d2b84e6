package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// showsSet reports whether shown has something of what the request set, and no
// plain value otherwise.
func (r *resource) showsSet(asked, shown *tree.Value) bool {
	like, unlike := r.compareSet(asked, shown)
	return shown != nil && len(unlike) == 0 && (like > 0 || !r.tells(asked, 1))
}

// compareSet counts the fields that the request set which are shown as it set
// them, and returns the plain ones that are shown otherwise. Ids do not count.
func (r *resource) compareSet(asked, shown *tree.Value) (like int, unlike []string) {
	for m := range tree.Each(asked.Members()) {
		v := shown.Get(m.Name)
		switch {
		case v == nil, slices.Contains(r.idNames, m.Name):
		case m.Kind >= tree.Array || v.Kind >= tree.Array || tree.Equal(&m.Value, v), alike(&m.Value, v), likeness.Same(&m.Value, v), likeness.Masks(v, &m.Value):
			like++
		default:
			unlike = append(unlike, m.Name)
		}
	}
	return like, unlike
}

// belies reports whether shown has something otherwise than the request set it, or lacks
// what it set of the fields that were known.
func (r *resource) belies(shown, asked, known *tree.Value) bool {
	_, unlike := r.compareSet(asked, shown)
	return len(unlike) > 0 || slices.ContainsFunc(asked.Members(), func(m tree.Member) bool {
		return m.Kind != tree.Null && known.Get(m.Name) != nil && shown.Get(m.Name) == nil
	})
}

// showsSome reports whether shown has anything as the request set it.
func (r *resource) showsSome(asked, shown *tree.Value) bool {
	like, _ := r.compareSet(asked, shown)
	return like > 0
}

// alike reports whether two plain values are the same but for how APIs write
// what they are given: quotes, blanks, the case of letters, how exact a number
// or a time is.
func alike(a, b *tree.Value) bool {
	x, y := plainOf(a), plainOf(b)
	if x == y || isVain(x) && isVain(y) || len(x) >= 10 && len(y) >= 10 && x[4] == '-' && (strings.HasPrefix(x, y[:10]) || strings.HasPrefix(y, x[:10])) {
		return true
	}
	one, err := tree.Parse(x)
	other, err2 := tree.Parse(y)
	return err == nil && err2 == nil && one.Kind == tree.Number && tree.Equal(one, other)
}

// isVain reports whether a plain value may stand for none.
func isVain(text string) bool {
	return text == "" || text == "null" || text == "0" || text == "false"
}

func plainOf(v *tree.Value) string {
	text, ok := v.Text()
	if !ok && v.Kind != tree.String { // an empty one is none
		text = string(v.Shared())
	}
	return strings.ToLower(strings.TrimSpace(text))
}

// shownOtherwise returns the fields that an answer shows otherwise than the
// request set them: the API made something else of it, or answers with what there
// was before, as some do. A GET tells. The version, what is ignored and what is
// said of calls do not count, nor does what a create made of what it was given.
func (c *call) shownOtherwise(s *Subject, entity *tree.Value) []string {
	r := c.e.res
	if s.Kind == Create || c.reqKind == content.IsPatch || !s.asked.IsObject() || r.after == "response" {
		return nil
	}
	_, unlike := r.compareSet(s.asked, entity)
	return slices.DeleteFunc(unlike, func(name string) bool {
		path := lang.Path{}.Child(name).String()
		return isReceiptWord(name) || r.ignore.Match(path) || r.isVersion(path)
	})
}

// doubtOtherwise doubts what an answer shows otherwise than the request set it, if
// no GET tells.
func (o *outcome) doubtOtherwise(s *Subject) {
	if len(s.other) == 0 {
		return
	}
	o.confidence = webhook.Inferred
	for _, name := range s.other {
		o.unknown = append(o.unknown, tree.Join("", name))
	}
	o.unknown, o.doubtful = eachOnce(o.unknown), true
}

// showsOld reports whether the answer alone told the state after, and nothing
// differs but that what the request set is shown otherwise, or that the answer may be old:
// one that shows what another caller may have been shown otherwise need not be.
func (d *deriver) showsOld(ch *change) bool {
	if len(ch.s.other) == 0 && (!ch.s.old || d.hasScopes() || ch.doubt && showsNew(ch.b.body, ch.o.body)) {
		return false
	}
	return ch.o.via == webhook.FromResponse && ch.b.body != nil && len(ch.fields) == 0
}
