package redact

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
)

// stepInto is [lang.Globs.StepFold], and goes on with the same globs below what
// may be an element's place: in an array, in a pointer, or in the object that some
// servers make of a list.
func stepInto(globs lang.Globs, name string) (rest lang.Globs, whole bool) {
	if rest, whole = globs.StepFold(name); !whole && (name == "-" || name == "" || likeness.IsDigits(name)) {
		rest = slices.Concat(rest, globs)
	}
	return rest, whole
}

// selects reports whether globs select what is at names, or what it is in.
func selects(globs lang.Globs, names []string) bool {
	for _, name := range names {
		rest, whole := stepInto(globs, name)
		if whole {
			return true
		}
		globs = rest
	}
	return false
}

// writtenNames returns the names in a path as APIs write them in one name: bank.iban,
// people[0].email, /bank/iban; a filter in brackets, as SCIM has them, is none.
func writtenNames(name string) []string {
	names := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("./[]", r) })
	return slices.DeleteFunc(names, func(name string) bool { return strings.Contains(name, " ") })
}

func (r *Paths) isEnvelope(name string) bool {
	return slices.ContainsFunc(r.Envelopes, func(e string) bool { return strings.EqualFold(e, name) })
}

// hasPointer reports whether a path that an operation names, as JSON patch or
// SCIM have them, is redacted.
func (r *Paths) hasPointer(v *tree.Value, found *Found) bool {
	text, ok := v.Text()
	if !ok {
		return false
	}
	return r.hasNames(patch.Names(text), found) || r.hasNames(writtenNames(text), found)
}

// hasNames reports whether what is at names is redacted, whatever of them are
// names of envelopes.
func (r *Paths) hasNames(names []string, found *Found) bool {
	for i, name := range names {
		if selects(r.Globs, names[i:]) {
			found.noteAt(r.Globs, names[i:])
			return true
		}
		if !r.isEnvelope(name) && !likeness.IsDigits(name) {
			return false
		}
	}
	return false
}

// belowPointer returns what is redacted below what an operation names.
func (r *Paths) belowPointer(v *tree.Value) lang.Globs {
	text, _ := v.Text()
	names := patch.Names(text)
	if names == nil {
		names = writtenNames(text)
	}
	if len(names) == 0 {
		return nil
	}
	globs := r.Globs
	for _, name := range names {
		envelope := r.isEnvelope(name)
		if globs, _ = stepInto(globs, name); envelope {
			globs = slices.Concat(globs, r.Globs)
		}
	}
	return globs
}
