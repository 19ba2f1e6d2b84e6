package dialect

import (
	"errors"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/problem"
)

// translate puts the caller's names in the place of ours, in what is wrong with
// the fields that were simply passed on.
func (to *compiledRoute) translate(err error) error {
	var p *problem.Details
	if !errors.As(err, &p) {
		return err
	}
	out := *p
	out.Errors = slices.Clone(p.Errors)
	for i := range out.Errors {
		for _, f := range to.fields {
			if f.translate(&out.Errors[i]) {
				break
			}
		}
	}
	if p.Detail == problem.InShort(p.Errors) {
		out.Detail = problem.InShort(out.Errors)
	}
	return &out
}

// translate puts the caller's name in the place of ours, and reports whether p
// is about f.
func (f *field) translate(p *problem.Field) bool {
	names, theirs := f.names, f.theirs
	if at := strings.Split(p.Pointer, "/"); f.perResource && len(at) > 2 && at[1] == "for" {
		names, theirs = append([]string{"for", at[2]}, names...), strings.ReplaceAll(theirs, "{resource}", at[2])
	}
	rest, is := strings.CutPrefix(p.Pointer, "/"+strings.Join(names, "/"))
	if theirs == "" || !is || rest != "" && rest[0] != '/' {
		return false
	}
	if f.one {
		rest = strings.TrimPrefix(rest, "/0")
	}
	p.Pointer = "/" + strings.ReplaceAll(theirs, ".", "/") + rest
	for _, ours := range []string{strings.Join(names, "."), names[0]} {
		if text, is := strings.CutPrefix(p.Detail, ours); is && strings.HasPrefix(strings.TrimLeft(text, ":"), " ") {
			if f.one && strings.HasPrefix(text, " is missing") {
				text = " is missing" // what is to be written is no list
			}
			p.Detail = theirs + text
			break
		}
	}
	return true
}
