package ruleset

import (
	"strings"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Examples of lines, for errors.
const (
	emitUsage = `emit SCOPE [instead] [on create|update] [each EXPR] [when EXPR], like emit project.status.updated when changed("status")`
	OnUsage   = `on METHOD PATH [create|update|delete|upsert] [each EXPR] [emit SCOPE] [when EXPR], like on POST {id}/void emit project.voided`
)

// EmitOptions are the words of the block of emit.
var EmitOptions = withExtras(directive.Options[*rules.Rule]{
	"id": {Usage: "id item.id", Parse: func(l *directive.Line, r *rules.Rule) error { return parseRuleExpr(l, &r.ID) }},
}, func(r *rules.Rule) *rules.Extras { return &r.Extras })

// OnOptions are the words of the block of on.
var OnOptions = withExtras(directive.Options[*rules.Route]{
	"id":   {Usage: "id item.message_id", Parse: func(l *directive.Line, r *rules.Route) error { return parseRuleExpr(l, &r.ID) }},
	"emit": {Usage: emitUsage, Parse: parseRouteEmit, Many: true},
}, func(r *rules.Route) *rules.Extras { return &r.Extras })

// extraOptions stand in the blocks of emit and of on.
var extraOptions = directive.Options[*rules.Extras]{
	"related":     {Usage: "related label item", Parse: parseRelated, Many: true},
	"unknown":     {Usage: "unknown skip, or unknown emit", Parse: parseUnknown},
	"description": {Usage: `description "a project was voided"`, Parse: parseDescription},
	"attributes":  {Usage: "attributes { KEY EXPR }", Parse: func(l *directive.Line, x *rules.Extras) error { return parseAttributes(l, &x.Attributes) }},
}

// withExtras adds the extraOptions to own.
func withExtras[T any](own directive.Options[T], extras func(T) *rules.Extras) directive.Options[T] {
	for name, opt := range extraOptions {
		own[name] = directive.Option[T]{Usage: opt.Usage, Many: opt.Many, Parse: func(l *directive.Line, to T) error {
			return opt.Parse(l, extras(to))
		}}
	}
	return own
}

func parseResourceEmit(l *directive.Line, r *rules.Resource) error {
	rule, err := parseEmit(l)
	r.Emit = append(r.Emit, rule)
	return err
}

func parseRouteEmit(l *directive.Line, r *rules.Route) error {
	rule, err := parseEmit(l)
	r.Emit = append(r.Emit, rule)
	return err
}

// parseEmit reads
//
//	emit SCOPE [instead] [on create|update] [each EXPR] [when EXPR] {
//		…
//	}
func parseEmit(l *directive.Line) (rules.Rule, error) {
	var r rules.Rule
	at, err := parseScope(l, 1, &r.Scope)
	if err != nil {
		return r, err
	}
	if l.Is(at, "instead") {
		r.Instead = true
		at++
	}
	if l.Is(at, "on") {
		if at+1 >= len(l.Words) {
			return r, l.Words[at].Errf("on wants create or update: write %s", l.Usage)
		}
		r.On = l.Words[at+1].Text
		if r.On == "delete" {
			return r, l.Words[at+1].Errf("rules are considered for creates and updates: `deleted SCOPE` names the scope of a delete, and a line of its own one that is limited, like on DELETE {id} delete emit %s when …", r.Scope)
		}
		if err := l.Words[at+1].Among("on", "create", "update"); err != nil {
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
	return r, EmitOptions.Parse(l.Block, &r, "emit "+r.Scope)
}

func parseResourceOn(l *directive.Line, r *rules.Resource) error {
	routes, err := parseRoutes(l, r.Path)
	r.On = append(r.On, routes...)
	return err
}

// ParseOn reads an on line that stands outside of all resources, and adds its
// routes to c. It must earn something by itself: nothing is known there that an
// operation could be about.
func ParseOn(l *directive.Line, c *rules.Config) error {
	routes, err := parseRoutes(l, "")
	if err != nil {
		return err
	}
	first := routes[0]
	switch {
	case first.Operation != "":
		return l.Errf("on %s %s stands outside of all resources, where nothing is known to %s: put the line into a resource, or leave out %s",
			first.Method, first.Path, first.Operation, first.Operation)
	case first.Scope == "" && len(first.Emit) == 0:
		return l.Errf("on %s %s earns nothing: write emit SCOPE in its line or in its block", first.Method, first.Path)
	}
	c.On = append(c.On, routes...)
	return nil
}

// parseRoutes reads
//
//	on METHOD PATH [create|update|delete|upsert] [each EXPR] [emit SCOPE] [when EXPR] {
//		…
//	}
//
// It returns one route for each method; base is the path of the resource.
func parseRoutes(l *directive.Line, base string) ([]rules.Route, error) {
	if len(l.Words) < 3 {
		return nil, l.Errf("on wants a method and a path: write %s", l.Usage)
	}
	methods, err := methodsOf(l.Words[1])
	if err != nil {
		return nil, err
	}
	if err := checkRoutePath(l.Words[2], base); err != nil {
		return nil, err
	}
	r := rules.Route{Path: l.Words[2].Text}
	at := 3
	for _, op := range []string{"create", "update", "delete", "upsert"} {
		if l.Is(at, op) {
			r.Operation = op
			at++
			break
		}
	}
	if at, err = parseEach(l, at, &r.Each); err != nil {
		return nil, err
	}
	if l.Is(at, "emit") {
		if at, err = parseScope(l, at+1, &r.Scope); err != nil {
			return nil, err
		}
	}
	if err := parseWhen(l, at, &r.When); err != nil {
		return nil, err
	}
	if err := OnOptions.Parse(l.Block, &r, "on "+l.Words[1].Text+" "+r.Path); err != nil {
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
func parseScope(l *directive.Line, i int, to *string) (int, error) {
	if i >= len(l.Words) || l.Is(i, "when") || l.Is(i, "each") || l.Is(i, "instead") || l.Is(i, "on") {
		return i, l.Words[i-1].Errf("%s wants a scope: write %s", l.Words[i-1].Text, l.Usage)
	}
	w := l.Words[i]
	*to = w.Text
	if strings.Contains(w.Text, "{") {
		return i + 1, w.NoShorthand()
	}
	return i + 1, w.Check(webhook.CheckScope)
}

// parseEach reads `each EXPR` at i, if it stands there, and returns where the next
// word is.
func parseEach(l *directive.Line, i int, to *string) (next int, err error) {
	if !l.Is(i, "each") {
		return i, nil
	}
	next = i + 1
	for next < len(l.Words) && !l.Is(next, "emit") && !l.Is(next, "when") {
		next++
	}
	*to, err = l.Expression(i+1, next, lang.EnvEach)
	return next, err
}

// parseWhen reads `when EXPR` at i, which is the end of the line if anything stands
// there.
func parseWhen(l *directive.Line, i int, to *string) (err error) {
	if i >= len(l.Words) {
		return nil
	}
	if !l.Is(i, "when") {
		w := l.Words[i]
		if near := words.Nearest(w.Text, []string{"when", "each", "instead", "emit"}); near != "" && near != w.Text {
			return w.Errf("unexpected %q: did you mean %s?", w.Text, near)
		}
		return w.Errf("unexpected %q: write %s", w.Text, l.Usage)
	}
	*to, err = l.Condition(i+1, len(l.Words), lang.EnvRule)
	return err
}

// parseRuleExpr sets to to the rest of l, an expression of a rule.
func parseRuleExpr(l *directive.Line, to *string) (err error) {
	if err := l.NoBlock(); err != nil {
		return err
	}
	*to, err = l.Expression(1, len(l.Words), lang.EnvRule)
	return err
}

// parseRelated reads
//
//	related NAME EXPR [{
//		resource NAME
//	}]
func parseRelated(l *directive.Line, x *rules.Extras) error {
	if len(l.Words) < 3 {
		return l.Errf("related wants a name and an expression: write %s", l.Usage)
	}
	n := rules.Related{Name: l.Words[1].Text}
	for _, other := range x.Related {
		if other.Name == n.Name {
			return l.Words[1].Errf("related %s stands twice: write it once", n.Name)
		}
	}
	var err error
	if n.Expr, err = l.Expression(2, len(l.Words), lang.EnvRule); err != nil {
		return err
	}
	if l.Braces {
		if err := relatedOptions.Parse(l.Block, &n, "related "+n.Name); err != nil {
			return err
		}
		if n.Resource == "" {
			return l.Errf("the block of related %s is empty: write resource and of which it is, or leave the block out", n.Name)
		}
	}
	x.Related = append(x.Related, n)
	return nil
}

// relatedOptions are the words of the block of related.
var relatedOptions = directive.Options[*rules.Related]{
	"resource": {Usage: "resource document", Parse: func(l *directive.Line, n *rules.Related) error { return l.One(&n.Resource) }},
}

func parseUnknown(l *directive.Line, x *rules.Extras) error {
	return l.OneOf(&x.Unknown, "skip", "emit")
}

func parseDescription(l *directive.Line, x *rules.Extras) error {
	if len(l.Args()) > 1 {
		return l.Args()[1].Errf("unexpected %q: put the text in quotes, description %q", l.Args()[1].Text, directive.Text(l.Args()))
	}
	return l.One(&x.Description)
}

func parseAttributes(l *directive.Line, to *[]rules.Field) (err error) {
	if len(l.Args()) > 0 || !l.Braces {
		return l.Errf("attributes stand in a block: write %s, each on its own line", l.Usage)
	}
	*to, err = ParseMapping(l.Block, lang.EnvRule)
	return err
}
