package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/rules/tree"
)

// identity prepares how the id and the entity are found in a body.
func (k *compiler) identity(place string, c *Resource, r *resource) error {
	word := nameParam.ReplaceAllString(r.name, "")
	if i := strings.LastIndexAny(word, "./"); i >= 0 {
		word = word[i+1:]
	}
	r.idNames = slices.Clone(genericIDs)
	for _, name := range []string{word, singular(word)} {
		if name != "" {
			r.wraps = append(r.wraps, name, camel(name))
			r.idNames = append(r.idNames, name+"_id", camel(name)+"Id")
		}
	}
	if r.idParam != "" && !slices.Contains(r.idNames, r.idParam) {
		r.idNames = append([]string{r.idParam}, r.idNames...)
	}
	r.opens = append(slices.Clone(r.wraps), plurals(word, r.collection)...)
	if r.item != nil && strings.HasSuffix(r.item.String(), ")") {
		r.opens = append(r.opens, "d") // OData 1 to 3
	}
	if err := k.idField(place, c.ID, r); err != nil {
		return err
	}
	r.redact.Envelopes = append(r.redact.Envelopes, r.opens...)
	r.redactInEnvelopes()
	r.telling = lengths(r.idNames, r.opens)
	r.called = r.idNames
	if r.idField != "" && !slices.Contains(r.idNames, r.idField) {
		r.called = append([]string{r.idField}, r.idNames...)
	}
	if c.ID == "" {
		return nil
	}
	q, err := queryAt(join(place, "id"), c.ID)
	if err != nil {
		return err
	}
	r.id = &q
	if r.entity == nil {
		r.idBelow = &q
	} else if rest, ok := strings.CutPrefix(c.ID, r.entity.String()+"."); ok {
		if q, err := lang.ParseQuery(rest); err == nil {
			r.idBelow = &q
		}
	}
	return nil
}

// redactInEnvelopes has what is to be redacted in an envelope redacted where there
// is none, too: not every answer or request has it.
func (r *resource) redactInEnvelopes() {
	for globs := r.redact.Globs; len(globs) > 0; {
		var inner lang.Globs
		for _, name := range r.redact.Envelopes {
			rest, _ := globs.Named(name)
			inner = append(inner, rest...)
		}
		r.redact.Globs, globs = slices.Concat(r.redact.Globs, inner), inner
	}
}

// idField notes which field of an entity its path is made of: that of `id`, if it
// says one, else the one that is called like the path's parameter. An envelope
// that `id` leads through is where the entity is, unless `entity` says where.
func (k *compiler) idField(place, id string, r *resource) error {
	r.idField = r.idParam
	if id == "" {
		return nil
	}
	q, err := queryAt(join(place, "id"), id)
	p, plain := q.Path()
	if err != nil || !plain {
		return err
	}
	names := p.Names()
	last := len(names) - 1
	if _, err := strconv.Atoi(names[last]); err == nil {
		return nil
	}
	r.idField = names[last]
	around := names[:last]
	if last == 0 || r.entity != nil || slices.ContainsFunc(around, func(name string) bool { return !slices.Contains(r.opens, name) }) {
		return nil
	}
	envelope, err := lang.ParseQuery(lang.NewPath(around...).String())
	r.entity = &envelope
	return err
}

// plurals returns names of envelopes: the resource's, as the collection's path or
// English has it, and what people call them.
func plurals(word string, collection *route.Pattern) []string {
	names := []string{"response", "result", "item", "payload", "body"}
	parts := strings.FieldsFunc(collection.String(), func(r rune) bool { return r == '/' })
	if n := len(parts); n > 0 && !strings.Contains(parts[n-1], "{") {
		names = append(names, parts[n-1])
	}
	stem, y := strings.CutSuffix(word, "y")
	switch {
	case word == "":
	case y:
		names = append(names, stem+"ies")
	default:
		names = append(names, word+"s", camel(word)+"s")
	}
	return names
}

// camel turns over_due-item into overDueItem.
func camel(s string) string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '_' || r == '-' })
	for i := range parts {
		if i > 0 {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

// setKey keys an array. The elements of one that is around it, and was keyed
// before, may be written as * or left out.
func (r *resource) setKey(array []string, key string) {
	path := ""
	for _, n := range array {
		switch _, around := r.keys[path]; {
		case n == "*":
			path = tree.ElementsOf(path)
		case around:
			path = tree.Join(tree.ElementsOf(path), n)
		default:
			path = tree.Join(path, n)
		}
	}
	if r.keys == nil {
		r.keys, r.keyPaths = tree.Keys{}, map[string]lang.Path{}
	}
	r.keys[path], r.keyPaths[path] = []string{key}, lang.NewPath(key)
}

// inElement reports whether path is in an element of a keyed array.
func (r *resource) inElement(path string) bool {
	shape := ""
	for name := range strings.SplitSeq(path, ".") {
		if _, keyed := r.keys[shape]; keyed && shape != "" {
			return true
		}
		shape = tree.Join(shape, name)
	}
	return false
}

// keyOfArray implements [lang.Change.Key].
func (r *resource) keyOfArray(path string) (lang.Path, bool) {
	p, ok := r.keyPaths[path]
	return p, ok
}
