package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
)

// settings compiles what may stand in the handler or in a resource. Lists add
// up; of single values the resource's counts.
func (k *compiler) settings(place string, d, over Defaults) (*resource, error) {
	r := &resource{trust: time.Duration(cmp.Or(over.Trust, d.Trust, defaultTrust)), wraps: []string{"data"}}
	r.redact.Envelopes = slices.Concat([]string{"attributes", "_embedded", "values", "set", "$set", "changes", "doc"}, innerNames)
	if r.trust < 0 {
		return nil, bad(join(place, "trust"), "want a time like 10m, not a negative one")
	}
	err := r.choices(place, d, over)
	if err != nil {
		return nil, err
	}
	if err := k.pathLists(place, d, over, r); err != nil {
		return nil, err
	}
	if err := r.entityPaths(place, d, over); err != nil {
		return nil, err
	}
	if r.success, err = k.condition(join(place, "success"), cmp.Or(over.Success, d.Success), lang.EnvSuccess); err != nil {
		return nil, err
	}
	if r.tenant, err = k.origin(join(place, "tenant"), cmp.Or(over.Tenant, d.Tenant)); err != nil {
		return nil, err
	}
	if r.actor, err = k.origin(join(place, "actor"), cmp.Or(over.Actor, d.Actor)); err != nil {
		return nil, err
	}
	for _, list := range [][]Field{d.Attributes, over.Attributes} {
		inner, err := k.fields(join(place, "attributes"), list, 0)
		if err != nil {
			return nil, err
		}
		r.attributes = overlaid(r.attributes, inner)
	}
	return r, nil
}

// choices reads what is one of a few words.
func (r *resource) choices(place string, d, over Defaults) (err error) {
	for _, w := range []struct {
		to         *string
		name, got  string
		first, all string
	}{
		{&r.representation, "representation", cmp.Or(over.Representation, d.Representation), "auto", "auto full partial"},
		{&r.before, "before", cmp.Or(over.Before, d.Before), "auto", "auto snapshot fetch none"},
		{&r.after, "after", cmp.Or(over.After, d.After), "auto", "auto response fetch request"},
		{new(string), "default", cmp.Or(over.Default, d.Default), "", "none"},
	} {
		if *w.to, err = word(join(place, w.name), w.got, w.first, strings.Fields(w.all)); err != nil {
			return err
		}
	}
	return nil
}

// entityPaths reads where answers have the entity, and where that has its version.
func (r *resource) entityPaths(place string, d, over Defaults) error {
	if text := cmp.Or(over.Entity, d.Entity); text != "" {
		q, err := queryAt(join(place, "entity"), text)
		if err != nil {
			return err
		}
		r.entity = &q
		r.redact.Envelopes = append(r.redact.Envelopes, strings.Split(strings.TrimPrefix(text, `\`), ".")...)
	}
	if text := cmp.Or(over.Version, d.Version); text != "" {
		v, err := lang.ParsePath(text)
		if err = cmp.Or(lang.CheckWritten(text), err); err != nil {
			return bad(join(place, "version"), "%v", err)
		}
		r.version = &v
	}
	return nil
}

// overlaid returns outer and inner, which counts where both have a key.
func overlaid(outer, inner mapping.Lines) mapping.Lines {
	kept := slices.DeleteFunc(slices.Clone(outer), func(f mapping.Line) bool {
		return slices.ContainsFunc(inner, func(g mapping.Line) bool { return g.Key == f.Key })
	})
	return slices.Concat(kept, inner)
}

// pathLists compiles the settings that are lists of paths.
func (k *compiler) pathLists(place string, d, over Defaults, r *resource) (err error) {
	if r.ignore, err = globs(join(place, "ignore"), d.Ignore, over.Ignore); err != nil {
		return err
	}
	if r.redact.Globs, err = globs(join(place, "redact"), d.Redact, over.Redact); err != nil {
		return err
	}
	var keys [][]string
	for i, text := range slices.Concat(d.Keys, over.Keys) {
		at := fmt.Sprintf("%s[%d]", join(place, "keys"), i)
		if err := lang.CheckWritten(text); err != nil {
			return bad(at, "%v", err)
		}
		p, err := lang.ParsePath(strings.ReplaceAll(text, ".*", `.\*`))
		if err != nil || len(p.Names()) < 2 {
			return bad(at, "%q: write the array and the key of its elements, like links.id", text)
		}
		keys = append(keys, p.Names())
	}
	slices.SortStableFunc(keys, func(a, b []string) int { return len(a) - len(b) }) // the outer ones first
	for _, names := range keys {
		r.setKey(names[:len(names)-1], names[len(names)-1])
	}
	return nil
}

// queryAt compiles the path of a value in an answer.
func queryAt(place, text string) (lang.Query, error) {
	q, err := lang.ParseQuery(text)
	if err = cmp.Or(lang.CheckWrittenQuery(text), err); err != nil {
		return q, bad(place, "%v", err)
	}
	return q, nil
}

func globs(place string, lists ...[]string) (lang.Globs, error) {
	texts := slices.Concat(lists...)
	for _, text := range texts {
		if err := lang.CheckWritten(text); err != nil {
			return nil, bad(place, "%v", err)
		}
	}
	got, err := lang.ParseGlobs(texts)
	if err != nil {
		return nil, bad(place, "%v", err)
	}
	return got, nil
}

func word(place, got, standard string, known []string) (string, error) {
	if got == "" {
		return standard, nil
	}
	if !slices.Contains(known, got) {
		return "", bad(place, "%q is not known: write %s", got, strings.Join(known, ", "))
	}
	return got, nil
}
