package ruleset

import (
	"cmp"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// DefaultOptions may stand in the handler, for all resources, or in a resource.
var DefaultOptions = directive.Options[*rules.Defaults]{
	"tenant":         {Usage: `tenant request.header["X-Tenant"], or tenant {http.auth.user.id}`, Parse: parseTenant},
	"actor":          {Usage: "actor {http.auth.user.id}", Parse: parseActor},
	"entity":         {Usage: "entity data", Parse: func(l *directive.Line, d *rules.Defaults) error { return l.Checked(&d.Entity, checkQuery) }},
	"ignore":         {Usage: "ignore updated_at times_count", Parse: func(l *directive.Line, d *rules.Defaults) error { return l.CheckedList(&d.Ignore, CheckGlob) }, Many: true},
	"redact":         {Usage: "redact password bank.iban", Parse: func(l *directive.Line, d *rules.Defaults) error { return l.CheckedList(&d.Redact, CheckGlob) }, Many: true},
	"version":        {Usage: "version updated_at", Parse: func(l *directive.Line, d *rules.Defaults) error { return l.Checked(&d.Version, checkPath) }},
	"key":            {Usage: "key links.id", Parse: func(l *directive.Line, d *rules.Defaults) error { return l.CheckedList(&d.Keys, checkPath) }, Many: true},
	"representation": {Usage: "representation auto, full or partial", Parse: parseRepresentation},
	"before":         {Usage: "before auto, snapshot, fetch or none", Parse: parseBefore},
	"after":          {Usage: "after auto, response, fetch or request", Parse: parseAfter},
	"trust":          {Usage: "trust 10m", Parse: parseTrust},
	"success":        {Usage: "success response.status == 200", Parse: parseSuccess},
	"attributes":     {Usage: "attributes { KEY EXPR }", Parse: func(l *directive.Line, d *rules.Defaults) error { return parseAttributes(l, &d.Attributes) }},
	"default":        {Usage: "default none", Parse: func(l *directive.Line, d *rules.Defaults) error { return l.OneOf(&d.Default, "none") }},
}

// WithDefaults adds the DefaultOptions to own.
func WithDefaults[T any](own directive.Options[T], defaults func(T) *rules.Defaults) directive.Options[T] {
	for name, opt := range DefaultOptions {
		own[name] = directive.Option[T]{Usage: opt.Usage, Many: opt.Many, Parse: func(l *directive.Line, to T) error {
			return opt.Parse(l, defaults(to))
		}}
	}
	return own
}

func parseTenant(l *directive.Line, d *rules.Defaults) (err error) {
	d.Tenant, err = l.PlaceholderOrExpression()
	return err
}

func parseActor(l *directive.Line, d *rules.Defaults) (err error) {
	d.Actor, err = l.PlaceholderOrExpression()
	return err
}

func parseSuccess(l *directive.Line, d *rules.Defaults) (err error) {
	if err := l.NoBlock(); err != nil {
		return err
	}
	d.Success, err = l.Condition(1, len(l.Words), lang.EnvSuccess)
	return err
}

func parseRepresentation(l *directive.Line, d *rules.Defaults) error {
	return l.OneOf(&d.Representation, "auto", "full", "partial")
}

func parseBefore(l *directive.Line, d *rules.Defaults) error {
	return l.OneOf(&d.Before, "auto", "snapshot", "fetch", "none")
}

func parseAfter(l *directive.Line, d *rules.Defaults) error {
	return l.OneOf(&d.After, "auto", "response", "fetch", "request")
}

func parseTrust(l *directive.Line, d *rules.Defaults) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	return args[0].Duration(&d.Trust)
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

// CheckGlob says what is wrong with a path that names any number of values.
func CheckGlob(s string) error {
	_, err := lang.ParseGlob(s)
	return cmp.Or(lang.CheckWritten(s), err)
}
