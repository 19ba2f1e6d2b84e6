package caddymodule

import (
	"strings"

	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

const (
	emitUsage = `emit SCOPE [instead] [on create|update] [each EXPR] [when EXPR], like emit project.status.updated when changed("status")`
	onUsage   = `on METHOD PATH [create|update|delete|upsert] [each EXPR] [emit SCOPE] [when EXPR], like on POST {id}/void emit project.voided`
)

// emitOptions are the words of the block of emit.
var emitOptions = withExtras(options[*rules.Rule]{
	"id": {usage: "id item.id", parse: func(l *optionLine, r *rules.Rule) error { return parseRuleExpr(l, &r.ID) }},
}, func(r *rules.Rule) *rules.Extras { return &r.Extras })

// onOptions are the words of the block of on.
var onOptions = withExtras(options[*rules.Route]{
	"id":   {usage: "id item.message_id", parse: func(l *optionLine, r *rules.Route) error { return parseRuleExpr(l, &r.ID) }},
	"emit": {usage: emitUsage, parse: parseRouteEmit, many: true},
}, func(r *rules.Route) *rules.Extras { return &r.Extras })

// extraOptions stand in the blocks of emit and of on.
var extraOptions = options[*rules.Extras]{
	"related":     {usage: "related label item", parse: parseRelated, many: true},
	"unknown":     {usage: "unknown skip, or unknown emit", parse: parseUnknown},
	"description": {usage: `description "a project was voided"`, parse: parseDescription},
	"attributes":  {usage: "attributes { KEY EXPR }", parse: func(l *optionLine, x *rules.Extras) error { return parseAttributes(l, &x.Attributes) }},
}

// withExtras adds the extraOptions to own.
func withExtras[T any](own options[T], extras func(T) *rules.Extras) options[T] {
	for name, opt := range extraOptions {
		own[name] = option[T]{usage: opt.usage, many: opt.many, parse: func(l *optionLine, to T) error {
			return opt.parse(l, extras(to))
		}}
	}
	return own
}

func parseResourceEmit(l *optionLine, r *rules.Resource) error {
	rule, err := parseEmit(l)
	r.Emit = append(r.Emit, rule)
	return err
}

func parseRouteEmit(l *optionLine, r *rules.Route) error {
	rule, err := parseEmit(l)
	r.Emit = append(r.Emit, rule)
	return err
}

// parseEmit reads
//
//	emit SCOPE [instead] [on create|update] [each EXPR] [when EXPR] {
//		…
//	}
func parseEmit(l *optionLine) (rules.Rule, error) {
	var r rules.Rule
	at, err := parseScope(l, 1, &r.Scope)
	if err != nil {
		return r, err
	}
	if l.is(at, "instead") {
		r.Instead = true
		at++
	}
	if l.is(at, "on") {
		if at+1 >= len(l.words) {
			return r, l.words[at].errf("on wants create or update: write %s", l.usage)
		}
		r.On = l.words[at+1].Text
		if err := l.words[at+1].among("on", "create", "update"); err != nil {
			return r, err
		}
		at += 2
	}
	if at, err = parseEach(l, at, &r.Each); err != nil {
		return r, err
	}
	if err := parseWhen(l, at, &r.When); err != nil {
		return r, err
	}
	return r, emitOptions.parse(l.block, &r, "emit "+r.Scope)
}

func parseResourceOn(l *optionLine, r *rules.Resource) error {
	routes, err := parseOn(l, r.Path)
	r.On = append(r.On, routes...)
	return err
}

func parseOutsideOn(l *optionLine, c *rules.Config) error {
	routes, err := parseOn(l, "")
	if err != nil {
		return err
	}
	first := routes[0]
	switch {
	case first.Operation != "":
		return l.errf("on %s %s stands outside of all resources, where nothing is known to %s: put the line into a resource, or leave out %s",
			first.Method, first.Path, first.Operation, first.Operation)
	case first.Scope == "" && len(first.Emit) == 0:
		return l.errf("on %s %s earns nothing: write emit SCOPE in its line or in its block", first.Method, first.Path)
	}
	c.On = append(c.On, routes...)
	return nil
}

// parseOn reads
//
//	on METHOD PATH [create|update|delete|upsert] [each EXPR] [emit SCOPE] [when EXPR] {
//		…
//	}
//
// It returns one route for each method; base is the path of the resource.
func parseOn(l *optionLine, base string) ([]rules.Route, error) {
	if len(l.words) < 3 {
		return nil, l.errf("on wants a method and a path: write %s", l.usage)
	}
	methods, err := methodsOf(l.words[1])
	if err != nil {
		return nil, err
	}
	if err := checkRoutePath(l.words[2], base); err != nil {
		return nil, err
	}
	r := rules.Route{Path: l.words[2].Text}
	at := 3
	for _, op := range []string{"create", "update", "delete", "upsert"} {
		if l.is(at, op) {
			r.Operation = op
			at++
			break
		}
	}
	if at, err = parseEach(l, at, &r.Each); err != nil {
		return nil, err
	}
	if l.is(at, "emit") {
		if at, err = parseScope(l, at+1, &r.Scope); err != nil {
			return nil, err
		}
	}
	if err := parseWhen(l, at, &r.When); err != nil {
		return nil, err
	}
	if err := onOptions.parse(l.block, &r, "on "+l.words[1].Text+" "+r.Path); err != nil {
		return nil, err
	}
	routes := make([]rules.Route, len(methods))
	for i, m := range methods {
		routes[i] = r
		routes[i].Method = m
	}
	return routes, nil
}

// parseScope reads the word at i as a scope, and returns where the next one is. One
// that holds parameters of the path is for the rules to check.
func parseScope(l *optionLine, i int, to *string) (int, error) {
	if i >= len(l.words) || l.is(i, "when") || l.is(i, "each") || l.is(i, "instead") || l.is(i, "on") {
		return i, l.words[i-1].errf("%s wants a scope: write %s", l.words[i-1].Text, l.usage)
	}
	w := l.words[i]
	*to = w.Text
	if strings.Contains(w.Text, "{") {
		return i + 1, w.noShorthand()
	}
	return i + 1, w.check(webhook.CheckScope)
}

// parseEach reads `each EXPR` at i, if it stands there, and returns where the next
// word is.
func parseEach(l *optionLine, i int, to *string) (next int, err error) {
	if !l.is(i, "each") {
		return i, nil
	}
	next = i + 1
	for next < len(l.words) && !l.is(next, "emit") && !l.is(next, "when") {
		next++
	}
	*to, err = l.expression(i+1, next, lang.EnvEach)
	return next, err
}

// parseWhen reads `when EXPR` at i, which is the end of the line if anything stands
// there.
func parseWhen(l *optionLine, i int, to *string) (err error) {
	if i >= len(l.words) {
		return nil
	}
	if !l.is(i, "when") {
		w := l.words[i]
		if near := words.Nearest(w.Text, []string{"when", "each", "instead", "emit"}); near != "" && near != w.Text {
			return w.errf("unexpected %q: did you mean %s?", w.Text, near)
		}
		return w.errf("unexpected %q: write %s", w.Text, l.usage)
	}
	*to, err = l.condition(i+1, len(l.words), lang.EnvRule)
	return err
}

// parseRuleExpr sets to to the rest of l, an expression of a rule.
func parseRuleExpr(l *optionLine, to *string) (err error) {
	if err := l.noBlock(); err != nil {
		return err
	}
	*to, err = l.expression(1, len(l.words), lang.EnvRule)
	return err
}

// parseRelated reads
//
//	related NAME EXPR [{
//		resource NAME
//	}]
func parseRelated(l *optionLine, x *rules.Extras) error {
	if len(l.words) < 3 {
		return l.errf("related wants a name and an expression: write %s", l.usage)
	}
	n := rules.Related{Name: l.words[1].Text}
	for _, other := range x.Related {
		if other.Name == n.Name {
			return l.words[1].errf("related %s stands twice: write it once", n.Name)
		}
	}
	var err error
	if n.Expr, err = l.expression(2, len(l.words), lang.EnvRule); err != nil {
		return err
	}
	if l.braces {
		if err := relatedOptions.parse(l.block, &n, "related "+n.Name); err != nil {
			return err
		}
		if n.Resource == "" {
			return l.errf("the block of related %s is empty: write resource and of which it is, or leave the block out", n.Name)
		}
	}
	x.Related = append(x.Related, n)
	return nil
}

// relatedOptions are the words of the block of related.
var relatedOptions = options[*rules.Related]{
	"resource": {usage: "resource document", parse: func(l *optionLine, n *rules.Related) error { return l.one(&n.Resource) }},
}

func parseUnknown(l *optionLine, x *rules.Extras) error { return l.oneOf(&x.Unknown, "skip", "emit") }

func parseDescription(l *optionLine, x *rules.Extras) error {
	if len(l.args()) > 1 {
		return l.args()[1].errf("unexpected %q: put the text in quotes, description %q", l.args()[1].Text, textOf(l.args()))
	}
	return l.one(&x.Description)
}

func parseAttributes(l *optionLine, to *[]rules.Field) (err error) {
	if len(l.args()) > 0 || !l.braces {
		return l.errf("attributes stand in a block: write %s, each on its own line", l.usage)
	}
	*to, err = parseMapping(l.block, lang.EnvRule)
	return err
}
