package webhook

import (
	"fmt"
	"strings"
)

// Pattern selects scopes. `*` stands for one part and `**` for the rest (one
// part or more); parts are separated by dots or slashes. Wildcards never match
// a gap ("….gap") nor "sidehook.…": those are matched by name only, and
// "project.gap" or "sidehook.subscription.*" name them.
type Pattern string

// GapSuffix ends the scope of every gap.
const GapSuffix = ".gap"

// CheckScope returns an error that says what is wrong with scope as the name
// of an event, or nil. Its parts are [A-Za-z0-9_-]+.
func CheckScope(scope string) error {
	for _, part := range splitScope(scope) {
		if part == "" || strings.IndexFunc(part, notScopeRune) >= 0 {
			return fmt.Errorf("scope %q: parts are letters, digits, _ and -, separated by dots or slashes, like project.status.updated", scope)
		}
	}
	return nil
}

// Check returns an error that says what is wrong with p, or nil.
func (p Pattern) Check() error {
	if whole, comma := strings.CutSuffix(string(p), ","); comma {
		return fmt.Errorf("scopes %q: patterns are separated by spaces, in JSON each is a text of its own: write %s", p, whole)
	}
	parts := splitScope(string(p))
	for i, part := range parts {
		switch {
		case part == "*":
		case part == "**":
			if i != len(parts)-1 {
				return fmt.Errorf("scopes %q: ** stands for the rest and must be the last part; write * for one part", p)
			}
		case part == "" || strings.IndexFunc(part, notScopeRune) >= 0:
			return fmt.Errorf("scopes %q: parts are letters, digits, _ and -, or * for one part, or ** for the rest, like project.**", p)
		}
	}
	return nil
}

// Match reports whether p selects scope.
func (p Pattern) Match(scope string) bool { return p.match(scope, false) }

// MayMatch reports whether p selects a scope that scope stands for: parts of it with
// braces, {collection}, are taken from the path of a call.
func (p Pattern) MayMatch(scope string) bool { return p.match(scope, true) }

// match is both; open says that a part with braces may be any.
func (p Pattern) match(scope string, open bool) bool {
	rest, name := string(p), scope
	wild := false
	for {
		var want, got string
		want, rest = cutScope(rest)
		if want == "**" {
			return name != "" && !reserved(scope, p)
		}
		if name == "" {
			return false
		}
		got, name = cutScope(name)
		switch {
		case want == "*":
			wild = true
		case want != got && !(open && strings.Contains(got, "{")):
			return false
		}
		if rest == "" || name == "" {
			return rest == name && !(wild && reserved(scope, p))
		}
	}
}

// reserved reports whether scope is one that p, which has a wildcard, must not
// reach: a gap that p does not name as one, or Sidehook's own.
func reserved(scope string, p Pattern) bool {
	if strings.HasSuffix(scope, GapSuffix) && !strings.HasSuffix(string(p), GapSuffix) {
		return true
	}
	return strings.HasPrefix(scope, "sidehook.") && !strings.HasPrefix(string(p), "sidehook.")
}

// Wild reports whether p has a wildcard.
func (p Pattern) Wild() bool { return strings.Contains(string(p), "*") }

func cutScope(s string) (part, rest string) {
	if i := strings.IndexAny(s, "./"); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// splitScope returns the parts of s, empty ones included.
func splitScope(s string) []string {
	return strings.Split(strings.ReplaceAll(s, "/", "."), ".")
}

func notScopeRune(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
}
