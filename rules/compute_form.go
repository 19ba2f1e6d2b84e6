package rules

import (
	"encoding/json"

	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
)

// formFields is what a form says of the fields that an entity has.
type formFields struct {
	fields  tree.Value // with the types that they have
	untyped []string   // paths of those that are set to something of which the type is not known
	beside  []string   // paths of those that may be fields, or none
}

// typed gives a form's texts the types that the fields had, or are shown to have in
// the answer: a form cannot say whether 5 is a number. Of what neither has nobody
// knows whether it is a field: forms send tokens and buttons too.
func typed(body, form, answer *tree.Value) (f formFields) {
	members := make([]tree.Member, 0, len(form.Members()))
	for _, m := range form.Members() {
		was, shown := body.Get(m.Name), answer.Get(m.Name)
		text, ok := m.Text()
		switch {
		case ok && shown != nil && shown.Kind < tree.Array && alike(&m.Value, shown):
			m.Value = *shown
		case was == nil:
			f.beside = append(f.beside, tree.Join("", m.Name))
			continue
		case isBlank(&m.Value) && was.Kind == tree.Null:
			m.Value = *was // nothing is how a form says null
		case ok && (was.Kind == tree.Null || likeness.Masks(was, &m.Value)) && json.Valid([]byte(text)): // "5", or 5
			f.untyped = append(f.untyped, tree.Join("", m.Name))
			continue
		case ok && (was.Kind == tree.Number || was.Kind == tree.Bool) && json.Valid([]byte(text)):
			if v, err := tree.Parse(text); err == nil && v.Kind == was.Kind {
				m.Value = *v
			}
		}
		members = append(members, m)
	}
	f.fields = tree.NewObject(members)
	return f
}

// doubtForm doubts what a form sets and of which it is not known what it comes to.
func (c *call) doubtForm(o *outcome, f *formFields) {
	if o.beside = f.beside; len(f.beside) > 0 {
		o.doubtful = true
		o.view = o.view.Old() // nobody has looked for what that may have become
	}
	for _, path := range f.untyped {
		o.unknown, o.doubtful = append(o.unknown, path), o.doubtful || !c.e.res.ignore.Match(path)
	}
}
