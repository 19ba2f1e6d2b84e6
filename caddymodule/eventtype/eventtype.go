// Package eventtype is what rules can earn: which types of events there are, described
// (eventtype.go), and what traffic has taught of what they look like (learned.go), for
// each tenant by itself.
package eventtype

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules"
)

// Type is something that a rule can earn.
type Type struct {
	API string
	rules.Scope
}

// Key orders event types, and is of one alone.
func (t *Type) Key() string { return t.Name + " " + t.API }

// Of returns what the rules of all can earn, by scope.
func Of(all []*rules.Program) (types []Type) {
	for _, p := range all {
		for _, scope := range p.Scopes() {
			types = append(types, Type{p.API(), scope})
		}
	}
	slices.SortStableFunc(types, func(a, b Type) int { return strings.Compare(a.Key(), b.Key()) })
	return slices.CompactFunc(types, func(a, b Type) bool { return a.Key() == b.Key() })
}

// Describe says what t is, in words.
func (t *Type) Describe() string {
	if t.Description != "" {
		return t.Description
	}
	last := t.Name[strings.LastIndexAny(t.Name, "./")+1:]
	what := strings.NewReplacer("{", "", "}", "", "_", " ", ".", " ").Replace(t.Resource)
	switch last {
	case "created", "updated", "deleted":
		if rest := strings.TrimSuffix(t.Name, last); rest == t.Resource+"." || rest == t.Resource+"/" {
			return fmt.Sprintf("A %s was %s.", what, last)
		}
	}
	words := strings.FieldsFunc(strings.TrimPrefix(t.Name, t.Resource), func(r rune) bool { return r == '.' || r == '/' })
	return fmt.Sprintf("Of a %s: %s.", what, cmp.Or(strings.ReplaceAll(strings.Join(words, " "), "_", " "), last))
}

// ExampleScope is t's scope, with the names of its parameters as their values.
func (t *Type) ExampleScope() string {
	return strings.NewReplacer("{", "", "}", "").Replace(t.Name)
}

// ExampleResource is t's resource, with the names of its parameters as their values.
func (t *Type) ExampleResource() string {
	return strings.NewReplacer("{", "", "}", "").Replace(t.Resource)
}

// Fills reports whether scope is what a declared one may come to, whose
// parameters stand in braces.
func Fills(declared, scope string) bool {
	if !strings.Contains(declared, "{") {
		return declared == scope
	}
	pattern := Parameter.ReplaceAllLiteralString(regexp.QuoteMeta(declared), `[A-Za-z0-9_-]+`)
	ok, err := regexp.MatchString("^"+pattern+"$", scope)
	return ok && err == nil
}

// Parameter is {name}, as QuoteMeta writes it or not.
var Parameter = regexp.MustCompile(`\\?\{[a-z_][a-z0-9_]*\\?\}`)
