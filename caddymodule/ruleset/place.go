package ruleset

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/rules"
)

// Check compiles c, which was read from l, and gives an error the file and line
// of what it is about.
func Check(c *rules.Config, l *directive.Line) error {
	_, err := rules.Compile(c)
	var bad *rules.ConfigError
	if errors.As(err, &bad) {
		return placeOf(l, bad.Path).Errf("%s", bad.Problem)
	}
	if err != nil {
		return l.Errf("%w", err)
	}
	return nil
}

// declared is a resource as a block of the Caddyfile declares it.
type declared struct {
	resource rules.Resource // with what its block says for all
	at       directive.Word
}

// CheckAgainst is an error if c, read from l, declares a resource otherwise
// than an earlier block of the same api. state lasts for one adaptation.
func CheckAgainst(state map[string]any, c *rules.Config, l *directive.Line) error {
	const key = "sidehook.resources"
	seen, ok := state[key].(map[FullName]declared)
	if !ok {
		seen = make(map[FullName]declared)
		state[key] = seen
	}
	for i, r := range c.Resources {
		n := FullName{cmp.Or(c.API, rules.DefaultAPI), r.Name}
		this := declared{Effective(r, c), placeOf(l, "resources["+strconv.Itoa(i)+"]")}
		other, ok := seen[n]
		if !ok {
			seen[n] = this
			continue
		}
		if what := Difference(other.resource, this.resource); what != "" {
			return this.at.Errf("resource %s of api %s is declared differently at %s:%d: %s; %s",
				n.Name, n.API, other.at.File, other.at.Line, what, MakeEqual)
		}
	}
	return nil
}

// placeOf returns the word that the JSON path of a handler's configuration, like
// resources[0].emit[1].when, is about; or the nearest known.
func placeOf(l *directive.Line, path string) directive.Word {
	at, rest, _ := strings.Cut(path, ".")
	name, index := cutIndex(at)
	for _, inner := range l.Block {
		if !makes(inner, name) {
			continue
		}
		if made := entries(inner, name); index >= made {
			index -= made
			continue
		}
		return placeOf(inner, rest)
	}
	return l.Words[0]
}

// cutIndex cuts "emit[1]" into its name and index.
func cutIndex(step string) (string, int) {
	name, number, ok := strings.Cut(strings.TrimSuffix(step, "]"), "[")
	if !ok {
		return name, 0
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return name, 0
	}
	return name, n
}

// makes reports whether l makes entries of the JSON field name.
func makes(l *directive.Line, name string) bool {
	switch name {
	case "resources":
		return l.Name() == "resource"
	case "keys":
		return l.Name() == "key"
	case "on":
		switch l.Name() {
		case "on", "create", "update", "upsert", "delete":
			return true
		}
		return false
	}
	return l.Name() == name
}

// entries is how many entries of the JSON field name l makes.
func entries(l *directive.Line, name string) int {
	switch {
	case name == "on" && len(l.Words) > 1:
		return strings.Count(l.Words[1].Text, "|") + 1
	case name == "keys" || name == "ignore" || name == "redact" || name == "verbs":
		return len(l.Args())
	}
	return 1
}
