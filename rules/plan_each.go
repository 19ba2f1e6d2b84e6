package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// element is one element of an `each`.
type element struct {
	value any
	tree  *tree.Value
}

// blind returns what an expression sees before any state is known.
func (c *call) blind(item any) *changeVars {
	return &changeVars{callVars: c.vars, operation: c.operation(), item: item}
}

// toTree returns a value of the language as a tree.
func toTree(v any) *tree.Value {
	b, err := lang.Encode(v)
	if err != nil {
		return nil
	}
	out, err := tree.ParseShared(b)
	if err != nil {
		return nil
	}
	return out
}

func readsResponse(x *lang.Expr) bool { return slices.Contains(x.Reads(), "response") }

// noList is the gap of a bulk call that was done to entities that `each` does
// not find: an empty list says that there are none, null says nothing.
func (c *call) noList() *webhook.Gap {
	reason := webhook.GapUnidentified
	if c.e.kind == Delete {
		reason = webhook.GapSelector
	}
	return c.gap(reason, fmt.Sprintf("%s %s was done, and there is no list at `%s` that would name its entities",
		c.x.Request.Method, c.x.Request.Path, c.e.each))
}

// listOf returns the elements of what an `each` comes to: an object is one, a
// text is cut at its commas. ok is false for what is no list at all.
func listOf(v any) (list []any, ok bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case string:
		return texts(strings.Split(v, ",")), true
	case map[string]any:
		return []any{v}, true
	}
	return nil, false
}

// elements evaluates the `each` of a route: nil if there is nothing there.
func (c *call) elements(each *lang.Expr) ([]element, *webhook.Gap) {
	what := c.x.Request.Method + " " + c.x.Request.Path
	if c.dry {
		return nil, c.unidentified()
	}
	unknown := c.gap(webhook.GapUnknownOutcome, "it is not known whether "+what+" was done"+c.amid())
	if c.unsure && (readsResponse(each) || !c.asksForKnown()) {
		return nil, unknown
	}
	v, err := each.Eval(c.blind(nil), nil)
	if err == nil && v == nil {
		return nil, nil
	}
	list, ok := listOf(v)
	switch {
	case (err != nil || !ok) && c.unsure:
		return nil, unknown
	case err != nil || !ok:
		return nil, c.gap(webhook.GapUnidentified, fmt.Sprintf("%s was done, and which entities `%s` names is not known", what, each))
	case len(list) > maxElements:
		return nil, c.gap(webhook.GapTooLarge, fmt.Sprintf("%s is about %d elements, more than %d", what, len(list), maxElements))
	}
	return c.withTrees(each, list), nil
}

func texts(list []string) []any {
	out := make([]any, 0, len(list))
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// withTrees adds the trees of the elements.
func (c *call) withTrees(each *lang.Expr, list []any) []element {
	var source *tree.Value
	if root, path, ok := each.Elements(); ok && (root == "request" || root == "response") {
		if names := path.Names(); len(names) > 0 && names[0] == "body" {
			body := c.req
			if root == "response" {
				body = c.res
			}
			source = body.At(names[1:]...)
		}
	}
	out := make([]element, len(list))
	for i, t := range treesOf(each, list, source) {
		out[i] = element{list[i], t}
	}
	return out
}

// treesOf finds the elements that x came to in the array (or object) they were
// taken from, so that digits and order stay; elements that x made, and those of
// a source that is nil, are written anew.
func treesOf(x *lang.Expr, list []any, source *tree.Value) []*tree.Value {
	out := make([]*tree.Value, len(list))
	_, _, whole := x.PlainPath()
	switch {
	case source != nil && source.Kind == tree.Array && whole && len(source.Elems()) == len(list):
		for i := range out {
			out[i] = &source.Elems()[i]
		}
	case source != nil && source.Kind == tree.Array:
		findElements(out, list, source.Elems())
	case source.IsObject() && len(list) == 1:
		out[0] = source
	}
	for i := range out {
		if out[i] == nil {
			out[i] = toTree(list[i])
		}
	}
	return out
}

// findElements sets out to those of elems that list has, in their order.
func findElements(out []*tree.Value, list []any, elems []tree.Value) {
	next := 0
	for i := range elems {
		if next == len(list) {
			return
		}
		if v, err := lang.Decode(elems[i].Shared()); err == nil && lang.Equal(v, list[next]) {
			out[next] = &elems[i]
			next++
		}
	}
}
