package dialect

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// Parse reads
//
//	dialect NAME {
//		accept json form xml yaml
//		error EXPR
//		envelope EXPR
//		route METHOD PATH ACTION {
//			refuse STATUS DETAIL when EXPR
//			field OURS EXPR
//			filter EXPR
//			reply STATUS EXPR
//		}
//	}
//
// before are those that stand before it, by their names.
func Parse(l *directive.Line, before map[string]*Dialect) (name string, d *Dialect, err error) {
	args := l.Args()
	switch {
	case len(args) == 0 || args[0].Text == "":
		return "", nil, l.Errf("dialect wants a name: write %s", l.Usage)
	case len(args) > 1:
		return "", nil, args[1].Errf("unexpected %q: write %s", args[1].Text, l.Usage)
	case before[args[0].Text] != nil:
		return "", nil, args[0].Errf("dialect %s is declared twice: give each its own name", args[0].Text)
	}
	d = new(Dialect)
	if err := Options.Parse(l.Block, d, "dialect "+args[0].Text); err != nil {
		return "", nil, err
	}
	if _, err := d.Compile(); err != nil {
		return "", nil, l.Errf("dialect %s: %w", args[0].Text, err)
	}
	return args[0].Text, d, nil
}

// Options are the words of the block of dialect.
var Options = directive.Options[*Dialect]{
	"accept":   {Usage: "accept json xml form", Parse: parseAccept},
	"error":    {Usage: "error EXPR, or error { KEY EXPR }", Parse: func(l *directive.Line, d *Dialect) (err error) { d.Error, err = parseReplyBody(l, 1); return err }},
	"envelope": {Usage: "envelope EXPR, or envelope { KEY EXPR }", Parse: func(l *directive.Line, d *Dialect) (err error) { d.Envelope, err = parseReplyBody(l, 1); return err }},
	"route":    {Usage: "route POST /webhooks create { field url request.body.address }", Parse: parseRoute, Many: true},
}

func parseAccept(l *directive.Line, d *Dialect) error {
	args, err := l.Take(1, 0)
	if err != nil {
		return err
	}
	for _, w := range args {
		if err := w.Among("accept", "json", "form", "xml", "yaml"); err != nil {
			return err
		}
		if slices.Contains(d.Accept, format.Format(w.Text)) {
			return w.Errf("accept has %s twice: write it once", w.Text)
		}
		d.Accept = append(d.Accept, format.Format(w.Text))
	}
	return nil
}

// parseReplyBody reads the words of l from from on as an expression, or its block
// as lines of a key and an expression.
func parseReplyBody(l *directive.Line, from int) (p *rules.Payload, err error) {
	p = new(rules.Payload)
	switch {
	case l.Braces && len(l.Words) > from:
		return nil, l.Words[from].Errf("%s has an expression and a block: write %s", l.Name(), l.Usage)
	case l.Braces:
		p.Fields, err = ruleset.ParseMapping(l.Block, lang.EnvDialect)
		if err == nil && len(p.Fields) == 0 {
			err = l.Errf("%s has no fields: write %s", l.Name(), l.Usage)
		}
	default:
		p.Expr, err = l.Expression(from, len(l.Words), lang.EnvDialect)
	}
	return p, err
}

func parseRoute(l *directive.Line, d *Dialect) error {
	args := l.Args()
	if len(args) < 3 {
		return l.Errf("route wants a method, a path and an action: write %s", l.Usage)
	}
	if len(args) > 3 {
		return args[3].Errf("unexpected %q: write %s", args[3].Text, l.Usage)
	}
	if err := args[2].Among("action", slices.Sorted(maps.Keys(actions))...); err != nil {
		return err
	}
	r := &Route{Method: args[0].Text, Path: args[1].Text, Action: args[2].Text}
	if err := RouteOptions.Parse(l.Block, r, "the block of route "+r.Method+" "+r.Path); err != nil {
		return err
	}
	d.Routes = append(d.Routes, r)
	var all Compiled
	for _, r := range d.Routes {
		if err := all.add(r); err != nil {
			return l.Errf("%w", err)
		}
	}
	return nil
}

// RouteOptions are the words of the block of route.
var RouteOptions = directive.Options[*Route]{
	"refuse": {Usage: `refuse 422 "address is missing" when request.body.address == nil`, Parse: parseRefuse, Many: true},
	"field":  {Usage: "field url request.body.address", Parse: parseField, Many: true},
	"filter": {Usage: "filter EXPR, over the event and subscription.options", Parse: parseFilter},
	"reply":  {Usage: "reply 201 EXPR, or reply 201 { KEY EXPR }, or reply 204", Parse: parseReply},
}

func parseRefuse(l *directive.Line, r *Route) (err error) {
	if err := l.NoBlock(); err != nil {
		return err
	}
	if len(l.Words) < 5 || !l.Is(3, "when") {
		return l.Errf("refuse wants a status, why, and when: write %s", l.Usage)
	}
	f := Refusal{Detail: l.Words[2].Text}
	if f.Status, err = strconv.Atoi(l.Words[1].Text); err != nil {
		return l.Words[1].Errf("%q is no status: write %s", l.Words[1].Text, l.Usage)
	}
	if f.When, err = l.Condition(4, len(l.Words), lang.EnvDialect); err != nil {
		return err
	}
	if _, err := f.compile(); err != nil {
		return l.Words[1].Errf("refuse: %w", err)
	}
	r.Refuse = append(r.Refuse, f)
	return nil
}

func parseField(l *directive.Line, r *Route) (err error) {
	if len(l.Words) < 2 {
		return l.Errf("field wants a name of ours and an expression: write %s", l.Usage)
	}
	if err := l.NoBlock(); err != nil {
		return err
	}
	f := rules.Field{Key: l.Words[1].Text}
	for _, other := range r.Fields {
		if other.Key == f.Key {
			return l.Words[1].Errf("field %s stands twice: write it once", f.Key)
		}
	}
	if f.Expr, err = l.Expression(2, len(l.Words), lang.EnvDialect); err != nil {
		return err
	}
	if _, err := actions[r.Action].field(f); r.Action != "" && err != nil {
		return l.Words[1].Errf("field %s: %w", f.Key, err)
	}
	r.Fields = append(r.Fields, f)
	return nil
}

func parseFilter(l *directive.Line, r *Route) (err error) {
	if err := l.NoBlock(); err != nil {
		return err
	}
	r.Filter, err = l.Condition(1, len(l.Words), lang.EnvEvent)
	return err
}

func parseReply(l *directive.Line, r *Route) (err error) {
	if len(l.Words) < 2 {
		return l.Errf("reply wants a status: write %s", l.Usage)
	}
	r.Reply = new(Reply)
	if r.Reply.Status, err = strconv.Atoi(l.Words[1].Text); err != nil || r.Reply.Status < 200 || r.Reply.Status > 299 {
		return l.Words[1].Errf("%q is no status that says that it went well: write one from 200 to 299, as in %s", l.Words[1].Text, l.Usage)
	}
	if len(l.Words) > 2 || l.Braces {
		r.Reply.Body, err = parseReplyBody(l, 2)
	}
	return err
}
