package caddymodule

import (
	"cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// defaultOptions may stand in the handler, for all resources, or in a resource.
var defaultOptions = options[*rules.Defaults]{
	"tenant":         {usage: `tenant request.header["X-Tenant"], or tenant {http.auth.user.id}`, parse: parseTenant},
	"actor":          {usage: "actor {http.auth.user.id}", parse: parseActor},
	"entity":         {usage: "entity data", parse: func(l *optionLine, d *rules.Defaults) error { return l.checked(&d.Entity, checkQuery) }},
	"ignore":         {usage: "ignore updated_at times_count", parse: func(l *optionLine, d *rules.Defaults) error { return l.checkedList(&d.Ignore, checkGlob) }, many: true},
	"redact":         {usage: "redact password bank.iban", parse: func(l *optionLine, d *rules.Defaults) error { return l.checkedList(&d.Redact, checkGlob) }, many: true},
	"version":        {usage: "version updated_at", parse: func(l *optionLine, d *rules.Defaults) error { return l.checked(&d.Version, checkPath) }},
	"key":            {usage: "key links.id", parse: func(l *optionLine, d *rules.Defaults) error { return l.checkedList(&d.Keys, checkPath) }, many: true},
	"representation": {usage: "representation auto, full or partial", parse: parseRepresentation},
	"before":         {usage: "before auto, snapshot, fetch or none", parse: parseBefore},
	"after":          {usage: "after auto, response, fetch or request", parse: parseAfter},
	"trust":          {usage: "trust 10m", parse: parseTrust},
	"success":        {usage: "success response.status == 200", parse: parseSuccess},
	"attributes":     {usage: "attributes { KEY EXPR }", parse: func(l *optionLine, d *rules.Defaults) error { return parseAttributes(l, &d.Attributes) }},
	"default":        {usage: "default none", parse: func(l *optionLine, d *rules.Defaults) error { return l.oneOf(&d.Default, "none") }},
}

// withDefaults adds the defaultOptions to own.
func withDefaults[T any](own options[T], defaults func(T) *rules.Defaults) options[T] {
	for name, opt := range defaultOptions {
		own[name] = option[T]{usage: opt.usage, many: opt.many, parse: func(l *optionLine, to T) error {
			return opt.parse(l, defaults(to))
		}}
	}
	return own
}

func parseTenant(l *optionLine, d *rules.Defaults) (err error) {
	d.Tenant, err = l.placeholderOrExpression()
	return err
}

func parseActor(l *optionLine, d *rules.Defaults) (err error) {
	d.Actor, err = l.placeholderOrExpression()
	return err
}

func parseSuccess(l *optionLine, d *rules.Defaults) (err error) {
	if err := l.noBlock(); err != nil {
		return err
	}
	d.Success, err = l.condition(1, len(l.words), lang.EnvSuccess)
	return err
}

func parseRepresentation(l *optionLine, d *rules.Defaults) error {
	return l.oneOf(&d.Representation, "auto", "full", "partial")
}

func parseBefore(l *optionLine, d *rules.Defaults) error {
	return l.oneOf(&d.Before, "auto", "snapshot", "fetch", "none")
}

func parseAfter(l *optionLine, d *rules.Defaults) error {
	return l.oneOf(&d.After, "auto", "response", "fetch", "request")
}

func parseTrust(l *optionLine, d *rules.Defaults) error {
	args, err := l.take(1, 1)
	if err != nil {
		return err
	}
	return args[0].duration(&d.Trust)
}

// The three kinds of paths into a body: one value, one value that a query may
// find, and any number of values.

func checkPath(s string) error {
	_, err := lang.ParsePath(s)
	return cmp.Or(lang.CheckWritten(s), err)
}

func checkQuery(s string) error {
	_, err := lang.ParseQuery(s)
	return cmp.Or(lang.CheckWrittenQuery(s), err)
}

func checkGlob(s string) error {
	_, err := lang.ParseGlob(s)
	return cmp.Or(lang.CheckWritten(s), err)
}
