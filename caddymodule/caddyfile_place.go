package caddymodule

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules"
)

// checkRules compiles c, which l has made,, and gives an error the file and line
// of what it is about.
func checkRules(c *rules.Config, l *optionLine) error {
	_, err := rules.Compile(c)
	var bad *rules.ConfigError
	if errors.As(err, &bad) {
		return placeOf(l, bad.Path).errf("%s", bad.Problem)
	}
	if err != nil {
		return l.errf("%w", err)
	}
	return nil
}

// declared is a resource as a block of the Caddyfile declares it.
type declared struct {
	resource rules.Resource // with what its block says for all
	at       word
}

// checkAgainst is an error if c, read from l, declares a resource otherwise
// than an earlier block of the same api. state lasts for one adaptation.
func checkAgainst(state map[string]any, c *rules.Config, l *optionLine) error {
	const key = "sidehook.resources"
	seen, ok := state[key].(map[apiResource]declared)
	if !ok {
		seen = make(map[apiResource]declared)
		state[key] = seen
	}
	for i, r := range c.Resources {
		n := apiResource{cmp.Or(c.API, rules.DefaultAPI), r.Name}
		this := declared{effective(r, c), placeOf(l, "resources["+strconv.Itoa(i)+"]")}
		other, ok := seen[n]
		if !ok {
			seen[n] = this
			continue
		}
		if what := difference(other.resource, this.resource); what != "" {
			return this.at.errf("resource %s of api %s is declared differently at %s:%d: %s; %s",
				n.name, n.api, other.at.File, other.at.Line, what, makeEqual)
		}
	}
	return nil
}

// placeOf returns the word that the JSON path of a handler's configuration, like
// resources[0].emit[1].when, is about; or the nearest known.
func placeOf(l *optionLine, path string) word {
	at, rest, _ := strings.Cut(path, ".")
	name, index := cutIndex(at)
	for _, inner := range l.block {
		if !makes(inner, name) {
			continue
		}
		if made := entries(inner, name); index >= made {
			index -= made
			continue
		}
		return placeOf(inner, rest)
	}
	return l.words[0]
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
func makes(l *optionLine, name string) bool {
	switch name {
	case "resources":
		return l.name() == "resource"
	case "keys":
		return l.name() == "key"
	case "on":
		switch l.name() {
		case "on", "create", "update", "upsert", "delete":
			return true
		}
		return false
	}
	return l.name() == name
}

// entries is how many entries of the JSON field name l makes.
func entries(l *optionLine, name string) int {
	switch {
	case name == "on" && len(l.words) > 1:
		return strings.Count(l.words[1].Text, "|") + 1
	case name == "keys" || name == "ignore" || name == "redact" || name == "verbs":
		return len(l.args())
	}
	return 1
}
