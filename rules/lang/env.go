package lang

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Environment says which names an expression may read.
type Environment int

// The environments. Those of rules have the predicates too.
const (
	// EnvRequest is for tenant and actor.
	EnvRequest Environment = iota
	// EnvSuccess is for success: only the call itself is known.
	EnvSuccess
	// EnvRule is for when, id, related and attributes.
	EnvRule
	// EnvEach is for each: as EnvRule.
	EnvEach
	// EnvEvent is for filters, payloads and templates: the recorded event.
	EnvEvent
	// EnvDialect is for what a dialect makes of a call of the subscription API.
	EnvDialect
)

// members are the fields of names whose shape we know; nil: any field.
type members map[string]members

var (
	requestOfCall = members{"method": nil, "path": nil, "query": nil, "header": nil, "body": nil}
	responseOfAPI = members{"status": nil, "header": nil, "body": nil}

	environments = map[Environment]members{
		EnvRequest: {
			"request": requestOfCall, "params": nil, "actor": nil,
			"entity": nil, "before": nil, "after": nil,
		},
		EnvSuccess: {"request": requestOfCall, "response": responseOfAPI, "params": nil},
		EnvRule:    ruleNames,
		EnvEach:    ruleNames,
		EnvEvent: {
			"event": {
				"id": nil, "scope": nil, "operation": nil, "time": nil, "recorded": nil,
				"position": nil, "sequence": nil, "exchange": nil,
			},
			"scope": nil, "operation": nil, "entity": nil, "before": nil, "after": nil,
			"changes": nil, "previous": nil, "id": nil, "api": nil, "resource": nil,
			"tenant": nil, "actor": nil, "sequence": nil, "time": nil, "params": nil,
			"request": {"id": nil, "method": nil, "path": nil},
			"provenance": {
				"before": nil, "before_age": nil, "after": nil, "confidence": nil,
				"unknown": nil, "concurrent": nil, "viewed": {"at": nil, "differs": nil},
			},
			"related": nil, "item": nil, "attributes": nil,
			"gap":          {"reason": nil, "detail": nil, "from": nil, "to": nil},
			"subscription": {"id": nil, "number": nil, "name": nil, "secret": nil, "options": nil},
			"events":       nil,
		},
		EnvDialect: {
			"request": requestOfCall, "params": nil, "resource": nil,
			"subscription": nil, "subscriptions": nil, "types": nil,
			"error": {"status": nil, "title": nil, "detail": nil, "errors": nil},
			"reply": {"status": nil, "body": nil},
		},
	}

	ruleNames = members{
		"operation": nil, "before": nil, "after": nil, "entity": nil, "id": nil, "api": nil,
		"resource": nil, "tenant": nil, "actor": nil, "params": nil,
		"request": requestOfCall, "response": responseOfAPI, "item": nil,
	}
)

// String returns what the environment is for.
func (e Environment) String() string {
	switch e {
	case EnvRequest:
		return "tenant and actor"
	case EnvSuccess:
		return "success"
	case EnvRule:
		return "a rule"
	case EnvEach:
		return "each"
	case EnvDialect:
		return "a dialect"
	}
	return "a filter or payload"
}

// Names returns the names that expressions of e may read, sorted.
func (e Environment) Names() []string { return slices.Sorted(maps.Keys(environments[e])) }

// CheckPath says what is wrong with p as a path from a name of e, such as
// subscription.options.topic, or returns nil.
func (e Environment) CheckPath(p Path) error {
	name, rest := p.Cut()
	if err := e.checkName(name); err != nil {
		return err
	}
	if rest.IsRoot() {
		return nil
	}
	member, _ := rest.Cut()
	return e.checkMember(name, member)
}

// predicates reports whether expressions of e may look at the change.
func (e Environment) predicates() bool { return e == EnvRule || e == EnvEach }

// otherWords are names of other languages, and what they are here.
var otherWords = map[string]string{
	"null": "nil", "None": "nil", "undefined": "nil", "NULL": "nil",
	"True": "true", "TRUE": "true", "False": "false", "FALSE": "false",
	"old": "before", "prev": "before", "new": "entity", "self": "entity", "this": "entity",
}

// textNames are the names that are texts wherever events are told of, and have no fields.
var textNames = []string{"operation", "scope", "api", "resource", "tenant", "id", "time"}

// checkName says what is wrong with reading name.
func (e Environment) checkName(name string) error {
	known := environments[e]
	if _, ok := known[name]; ok {
		return nil
	}
	if write := otherWords[name]; write != "" {
		return fmt.Errorf("unknown name %q: write %s", name, write)
	}
	if _, other := ruleNames[name]; other && e == EnvSuccess {
		return fmt.Errorf("unknown name %q: success is judged by the call alone, before there is any: write response.body.…, or request.body.…", name)
	}
	if e.predicates() && (name == "previous" || name == "changes") {
		return fmt.Errorf("unknown name %q: filters and payloads know it; in %s write before.FIELD for an old value, or changed(\"FIELD\")", name, e)
	}
	if near := nearest(name, e.Names()); near != "" {
		return fmt.Errorf("unknown name %q: did you mean %s?", name, near)
	}
	return fmt.Errorf("unknown name %q: the names in %s are %s; write text in quotes, and a field of %s.%s",
		name, e, strings.Join(e.Names(), ", "), e.fields(), name)
}

// fields says of what an expression of e reads fields, and as what.
func (e Environment) fields() string {
	if _, ok := environments[e]["entity"]; ok {
		return "the entity as entity"
	}
	if e == EnvDialect {
		return "the body that was sent as request.body"
	}
	return "the answer as response.body"
}

// checkMember says what is wrong with reading a member of name.
func (e Environment) checkMember(name, member string) error {
	known, there := environments[e][name]
	if there && (e.predicates() || e == EnvEvent) && slices.Contains(textNames, name) {
		return fmt.Errorf("%s is a text and has no %q: write %s alone, or entity.%s for a field of the entity", name, member, name, member)
	}
	if known == nil {
		return nil
	}
	if _, ok := known[member]; ok {
		return nil
	}
	names := slices.Sorted(maps.Keys(known))
	if near := nearest(member, names); near != "" {
		return fmt.Errorf("%s has no %q here: did you mean %s.%s?", name, member, name, near)
	}
	return fmt.Errorf("%s has no %q here: it has %s", name, member, strings.Join(names, ", "))
}

// nearest returns the candidate that is most likely meant by word, or "".
func nearest(word string, candidates []string) string {
	best, at := "", max(1, len(word)/3)
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), strings.ToLower(c)); d <= at && d < len(c) {
			if best == "" || d < at {
				best = c
			}
			at = d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
