package rules

import (
	"encoding/json"

	"github.com/sidehook/sidehook/rules/document"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// changeVars adds to a call what is known of one entity's change.
type changeVars struct {
	*callVars
	operation webhook.Operation
	key       webhook.EntityKey
	tenant    string

	before, after side
	itemTree      *tree.Value
	item          any

	compared *lang.Change
}

// side is a state before or after, decoded when it is asked for.
type side struct {
	absent  bool        // known not to be there
	tree    *tree.Value // nil: not known, unless absent
	unknown []string    // paths in it whose value is not known
	value   any
	decoded bool
}

// maxUnknown bounds how many paths of a state are unknown one by one: each is
// marked in a copy. Beyond it, all of the state is unknown to rules.
const maxUnknown = 200

func (s *side) get(r *resource) any {
	switch {
	case s.absent:
		return nil
	case s.tree == nil:
		return lang.Unknown
	case s.decoded:
		return s.value
	}
	if len(s.unknown) > maxUnknown {
		return lang.Unknown
	}
	if s.value, s.decoded = document.Of(s.tree), true; len(s.unknown) == 0 {
		return s.value
	}
	paths := make([]lang.Path, 0, len(s.unknown))
	for _, text := range s.unknown {
		if p, err := lang.ParsePath(text); err == nil {
			paths = append(paths, p)
		}
	}
	s.value = lang.MarkUnknown(s.value, paths, r.keyOfArray)
	return s.value
}

// knows reports whether all that is at path is known, if anything is.
func (s *side) knows(path lang.Path) bool {
	switch {
	case len(s.unknown) == 0:
		return true
	case path.IsRoot() || len(s.unknown) > maxUnknown:
		return false
	}
	return !newPathSet(s.unknown).touches(path.String())
}

// change returns what predicates look at.
func (v *changeVars) change() *lang.Change {
	if v.compared == nil {
		r := v.m.e.res
		v.compared = &lang.Change{
			Operation: v.operation, Before: v.before.get(r), After: v.after.get(r),
			Ignored: r.ignore.Match,
			Key:     r.keyOfArray,
		}
	}
	return v.compared
}

// Lookup implements [lang.Vars].
func (v *changeVars) Lookup(name string) any {
	switch name {
	case "operation":
		return string(v.operation)
	case "before":
		return v.before.get(v.m.e.res)
	case "after":
		return v.after.get(v.m.e.res)
	case "entity":
		return v.entity().get(v.m.e.res)
	case "id":
		return v.key.ID
	case "api":
		return v.m.p.api
	case "resource":
		return v.key.Resource
	case "tenant":
		return textOrNil(v.tenant)
	case "actor":
		return textOrNil(v.actorOf(v))
	case "item":
		return v.item
	}
	return v.callVars.Lookup(name)
}

func (v *changeVars) entity() *side {
	if v.operation == webhook.Deleted {
		return &v.before
	}
	return &v.after
}

// json returns the value of x as JSON; of a plain path the bytes as they were.
// An absent or unknown value is null.
func (v *changeVars) json(x *lang.Expr) (json.RawMessage, error) {
	x, err := x.Branch(v, v.change())
	if err != nil {
		return nil, err
	}
	if root, path, ok := x.PlainPath(); ok {
		if source, at, ok := v.source(root, path); ok {
			if raw := source.At(at...).JSON(); raw != nil {
				return raw, nil
			}
		}
	}
	out, err := x.Eval(v, v.change())
	if err != nil {
		return nil, err
	}
	return lang.Encode(out)
}

// elements returns the trees of the elements that x came to.
func (v *changeVars) elements(x *lang.Expr, list []any) []*tree.Value {
	if root, path, ok := x.Elements(); ok {
		if source, at, ok := v.source(root, path); ok {
			return treesOf(x, list, source.At(at...))
		}
	}
	return treesOf(x, list, nil)
}

// source returns the JSON that a plain path reads from. ok is false if it is
// none, or something there is not known.
func (v *changeVars) source(root string, path lang.Path) (_ *tree.Value, names []string, ok bool) {
	names = path.Names()
	body := len(names) > 0 && names[0] == "body"
	switch {
	case root == "before":
		return v.before.tree, names, v.before.knows(path)
	case root == "after":
		return v.after.tree, names, v.after.knows(path)
	case root == "entity":
		return v.entity().tree, names, v.entity().knows(path)
	case root == "item":
		return v.itemTree, names, true
	case root == "request" && body:
		return v.reqTree, names[1:], true
	case root == "response" && body:
		return v.resTree, names[1:], true
	}
	return nil, nil, false
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
