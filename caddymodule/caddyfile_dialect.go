package caddymodule

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// parseDialect reads
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
func parseDialect(l *optionLine, a *App) error {
	args := l.args()
	switch {
	case len(args) == 0 || args[0].Text == "":
		return l.errf("dialect wants a name: write %s", l.usage)
	case len(args) > 1:
		return args[1].errf("unexpected %q: write %s", args[1].Text, l.usage)
	case a.Dialects[args[0].Text] != nil:
		return args[0].errf("dialect %s is declared twice: give each its own name", args[0].Text)
	}
	d := new(Dialect)
	if err := dialectOptions.parse(l.block, d, "dialect "+args[0].Text); err != nil {
		return err
	}
	if _, err := d.compile(); err != nil {
		return l.errf("dialect %s: %w", args[0].Text, err)
	}
	if a.Dialects == nil {
		a.Dialects = make(map[string]*Dialect)
	}
	a.Dialects[args[0].Text] = d
	return nil
}

// dialectOptions are the words of the block of dialect.
var dialectOptions = options[*Dialect]{
	"accept":   {usage: "accept json xml form", parse: parseAccept},
	"error":    {usage: "error EXPR, or error { KEY EXPR }", parse: func(l *optionLine, d *Dialect) (err error) { d.Error, err = parseReplyBody(l, 1); return err }},
	"envelope": {usage: "envelope EXPR, or envelope { KEY EXPR }", parse: func(l *optionLine, d *Dialect) (err error) { d.Envelope, err = parseReplyBody(l, 1); return err }},
	"route":    {usage: "route POST /webhooks create { field url request.body.address }", parse: parseDialectRoute, many: true},
}

func parseAccept(l *optionLine, d *Dialect) error {
	args, err := l.take(1, 0)
	if err != nil {
		return err
	}
	for _, w := range args {
		if err := w.among("accept", "json", "form", "xml", "yaml"); err != nil {
			return err
		}
		if slices.Contains(d.Accept, format.Format(w.Text)) {
			return w.errf("accept has %s twice: write it once", w.Text)
		}
		d.Accept = append(d.Accept, format.Format(w.Text))
	}
	return nil
}

// parseReplyBody reads the words of l from from on as an expression, or its block
// as lines of a key and an expression.
func parseReplyBody(l *optionLine, from int) (p *rules.Payload, err error) {
	p = new(rules.Payload)
	switch {
	case l.braces && len(l.words) > from:
		return nil, l.words[from].errf("%s has an expression and a block: write %s", l.name(), l.usage)
	case l.braces:
		p.Fields, err = parseMapping(l.block, lang.EnvDialect)
		if err == nil && len(p.Fields) == 0 {
			err = l.errf("%s has no fields: write %s", l.name(), l.usage)
		}
	default:
		p.Expr, err = l.expression(from, len(l.words), lang.EnvDialect)
	}
	return p, err
}

func parseDialectRoute(l *optionLine, d *Dialect) error {
	args := l.args()
	if len(args) < 3 {
		return l.errf("route wants a method, a path and an action: write %s", l.usage)
	}
	if len(args) > 3 {
		return args[3].errf("unexpected %q: write %s", args[3].Text, l.usage)
	}
	if err := args[2].among("action", slices.Sorted(maps.Keys(dialectActions))...); err != nil {
		return err
	}
	r := &DialectRoute{Method: args[0].Text, Path: args[1].Text, Action: args[2].Text}
	if err := routeOptions.parse(l.block, r, "the block of route "+r.Method+" "+r.Path); err != nil {
		return err
	}
	d.Routes = append(d.Routes, r)
	var all dialect
	for _, r := range d.Routes {
		if err := all.add(r); err != nil {
			return l.errf("%w", err)
		}
	}
	return nil
}

// routeOptions are the words of the block of route.
var routeOptions = options[*DialectRoute]{
	"refuse": {usage: `refuse 422 "address is missing" when request.body.address == nil`, parse: parseRefuse, many: true},
	"field":  {usage: "field url request.body.address", parse: parseDialectField, many: true},
	"filter": {usage: "filter EXPR, over the event and subscription.options", parse: parseDialectFilter},
	"reply":  {usage: "reply 201 EXPR, or reply 201 { KEY EXPR }, or reply 204", parse: parseReply},
}

func parseRefuse(l *optionLine, r *DialectRoute) (err error) {
	if err := l.noBlock(); err != nil {
		return err
	}
	if len(l.words) < 5 || !l.is(3, "when") {
		return l.errf("refuse wants a status, why, and when: write %s", l.usage)
	}
	f := DialectRefusal{Detail: l.words[2].Text}
	if f.Status, err = strconv.Atoi(l.words[1].Text); err != nil {
		return l.words[1].errf("%q is no status: write %s", l.words[1].Text, l.usage)
	}
	if f.When, err = l.condition(4, len(l.words), lang.EnvDialect); err != nil {
		return err
	}
	if _, err := f.compile(); err != nil {
		return l.words[1].errf("refuse: %w", err)
	}
	r.Refuse = append(r.Refuse, f)
	return nil
}

func parseDialectField(l *optionLine, r *DialectRoute) (err error) {
	if len(l.words) < 2 {
		return l.errf("field wants a name of ours and an expression: write %s", l.usage)
	}
	if err := l.noBlock(); err != nil {
		return err
	}
	f := rules.Field{Key: l.words[1].Text}
	for _, other := range r.Fields {
		if other.Key == f.Key {
			return l.words[1].errf("field %s stands twice: write it once", f.Key)
		}
	}
	if f.Expr, err = l.expression(2, len(l.words), lang.EnvDialect); err != nil {
		return err
	}
	if _, err := dialectActions[r.Action].field(f); r.Action != "" && err != nil {
		return l.words[1].errf("field %s: %w", f.Key, err)
	}
	r.Fields = append(r.Fields, f)
	return nil
}

func parseDialectFilter(l *optionLine, r *DialectRoute) (err error) {
	if err := l.noBlock(); err != nil {
		return err
	}
	r.Filter, err = l.condition(1, len(l.words), lang.EnvEvent)
	return err
}

func parseReply(l *optionLine, r *DialectRoute) (err error) {
	if len(l.words) < 2 {
		return l.errf("reply wants a status: write %s", l.usage)
	}
	r.Reply = new(DialectReply)
	if r.Reply.Status, err = strconv.Atoi(l.words[1].Text); err != nil || r.Reply.Status < 200 || r.Reply.Status > 299 {
		return l.words[1].errf("%q is no status that says that it went well: write one from 200 to 299, as in %s", l.words[1].Text, l.usage)
	}
	if len(l.words) > 2 || l.braces {
		r.Reply.Body, err = parseReplyBody(l, 2)
	}
	return err
}
