package lang

import (
	"fmt"
	"strings"
)

// Glob selects paths: a path in which * stands for one name and ** for the
// rest (one name or more).
type Glob struct {
	text  string
	parts []pathPart
}

// Globs selects what any of its members selects.
type Globs []Glob

// ParseGlob reads a glob; see [ParsePath] for the escapes.
func ParseGlob(s string) (Glob, error) {
	parts, err := splitPath(s)
	if err != nil {
		return Glob{}, err
	}
	for i, part := range parts {
		if part.wild && part.name == "**" && i != len(parts)-1 {
			return Glob{}, fmt.Errorf("path %q: ** stands for the rest and must be the last part; write * for one name", s)
		}
	}
	return Glob{s, parts}, nil
}

// ParseGlobs reads each of texts.
func ParseGlobs(texts []string) (Globs, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	globs := make(Globs, len(texts))
	for i, s := range texts {
		g, err := ParseGlob(s)
		if err != nil {
			return nil, err
		}
		globs[i] = g
	}
	return globs, nil
}

// String returns g as it was written.
func (g Glob) String() string { return g.text }

// Match reports whether g selects path (as [Path.String] writes it), or
// something that contains it: owner selects owner.email.
func (g Glob) Match(path string) bool {
	if path == "" {
		return false
	}
	rest, more := path, true
	for _, want := range g.parts {
		if !more {
			return false
		}
		var part string
		size := len(rest)
		part, rest = cutPath(rest)
		more = len(part) < size
		if !want.matches(unescapeName(part)) {
			return false
		}
	}
	return true
}

// Match reports whether any member of gs selects path.
func (gs Globs) Match(path string) bool {
	for _, g := range gs {
		if g.Match(path) {
			return true
		}
	}
	return false
}

// Step returns what is left of gs one level down, at name. whole says that a
// member of gs selects all of name's value. If it does not, and rest is empty,
// nothing below name is selected.
func (gs Globs) Step(name string) (rest Globs, whole bool) {
	return gs.step(name, pathPart.matches)
}

// StepFold is [Globs.Step] whatever the case of name's letters.
func (gs Globs) StepFold(name string) (rest Globs, whole bool) {
	return gs.step(name, func(p pathPart, name string) bool { return p.wild || strings.EqualFold(p.name, name) })
}

// Named is [Globs.Step] for the members of gs that have that name itself at the
// beginning, and no * for it.
func (gs Globs) Named(name string) (rest Globs, whole bool) {
	return gs.step(name, func(p pathPart, name string) bool { return !p.wild && p.name == name })
}

func (gs Globs) step(name string, matches func(pathPart, string) bool) (rest Globs, whole bool) {
	for _, g := range gs {
		if len(g.parts) == 0 || !matches(g.parts[0], name) {
			continue
		}
		if len(g.parts) == 1 {
			return nil, true
		}
		rest = append(rest, Glob{g.text, g.parts[1:]})
	}
	return rest, false
}

// Below returns what gs select below path; whole says all of it.
func (gs Globs) Below(path string) (rest Globs, whole bool) {
	p, err := ParsePath(path)
	if err != nil {
		return gs, path == "" && len(gs) > 0
	}
	for !p.IsRoot() && len(gs) > 0 {
		var name string
		name, p = p.Cut()
		if gs, whole = gs.Step(name); whole {
			return nil, true
		}
	}
	return gs, false
}

func (p pathPart) matches(name string) bool { return p.wild || p.name == name }
