package rules

import (
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// ConfigError says what is wrong with a configuration, and what to write
// instead.
type ConfigError struct {
	Path    string // JSON path, like resources[0].emit[1].when
	Problem string
}

// Error returns the place and the problem.
func (e *ConfigError) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + ": " + e.Problem
}

// Header fields that deriving itself reads.
var (
	derivedRequest = []string{
		"Content-Type", "Content-Encoding", "Prefer", "If-Match", "If-None-Match", "Idempotency-Key", "X-Idempotency-Key",
		"X-Fields", "X-Goog-Fieldmask", "Accept", "Accept-Language",
	}
	derivedResponse = []string{
		"Content-Type", "Content-Encoding", "Location", "Content-Location", "Etag", "Last-Modified",
		"Preference-Applied", "Retry-After", "Idempotent-Replayed", "Idempotency-Replayed", "X-Idempotent-Replayed", "Age",
		"Vary", "Content-Language", "Odata-Entityid",
	}
	credentials = regexp.MustCompile(`(?i)^(proxy-)?authorization$|^(set-)?cookie2?$|api-?key|secret|password|(^|-)(auth|access|session|csrf|xsrf|id)?-?token$|^dpop$|signature|(auth|subscription)-key$|client-cert$|authentication-info$|^jwt$|^sig$|-credential$`)
	headerName  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	placeholder = regexp.MustCompile(`^\{[a-zA-Z][^{}\s]*\}$`)
	methodName  = regexp.MustCompile(`^[A-Z]+$`)
)

// Compile checks c whole and makes it ready for use. An error is a
// [*ConfigError].
func Compile(c *Config) (*Program, error) {
	k := &compiler{
		c: c,
		p: &Program{api: c.API, dryRun: c.DryRun, override: c.Override, skipHeader: c.SkipHeader},
	}
	if err := k.compile(); err != nil {
		return nil, err
	}
	return k.p, nil
}

type compiler struct {
	c         *Config
	p         *Program
	endpoints []*endpoint
	reqH      []string
	resH      []string
}

func bad(path, format string, args ...any) error {
	return &ConfigError{path, fmt.Sprintf(format, args...)}
}

func (k *compiler) compile() error {
	switch k.p.api {
	case "":
		k.p.api = DefaultAPI
	case "sidehook":
		return bad("api", "sidehook is kept for Sidehook's own events: name the api otherwise, like shop")
	}
	if err := k.handler(); err != nil {
		return err
	}
	outside, err := k.settings("", k.c.Defaults, Defaults{})
	if err != nil {
		return err
	}
	k.p.outside = outside
	for i := range k.c.Resources {
		if err := k.resource(fmt.Sprintf("resources[%d]", i), &k.c.Resources[i]); err != nil {
			return err
		}
	}
	for i := range k.c.On {
		if err := k.outside(fmt.Sprintf("on[%d]", i), &k.c.On[i]); err != nil {
			return err
		}
	}
	for i, r := range k.p.resources {
		k.lists(fmt.Sprintf("resources[%d]", i), r)
	}
	if err := k.refreshes(); err != nil {
		return err
	}
	k.finish()
	return nil
}

// handler checks what stands in the handler only.
func (k *compiler) handler() error {
	if k.p.skipHeader == "" {
		k.p.skipHeader = defaultSkipHeader
	}
	if !headerName.MatchString(k.p.skipHeader) {
		return bad("skip_header", "%q is no name of a header: write one like %s", k.p.skipHeader, defaultSkipHeader)
	}
	if err := CheckField(k.p.skipHeader); err != nil {
		return bad("skip_header", "%v", err)
	}
	k.p.skipHeader = textproto.CanonicalMIMEHeaderKey(k.p.skipHeader)
	if v := k.c.Verbs; len(v) > 0 {
		if len(v) != 3 {
			return bad("verbs", "want three words, for created, updated and deleted; got %d", len(v))
		}
		for i, word := range v {
			if err := webhook.CheckScope(word); err != nil || strings.ContainsAny(word, "./") {
				return bad(fmt.Sprintf("verbs[%d]", i), "%q is not one part of a scope: write a word like created", word)
			}
		}
	}
	return k.overridden()
}

func (k *compiler) overridden() error {
	o := k.c.Override
	switch {
	case o == nil:
		return nil
	case (o.Header == "") == (o.Field == ""):
		return bad("override", "write either a header, like X-HTTP-Method-Override, or a form field, like _method")
	case o.Header == "":
		return nil
	case !headerName.MatchString(o.Header):
		return bad("override.header", "%q is no name of a header: write one like X-HTTP-Method-Override", o.Header)
	}
	if err := CheckField(o.Header); err != nil {
		return bad("override.header", "%v", err)
	}
	k.p.override = &Override{Header: textproto.CanonicalMIMEHeaderKey(o.Header)}
	k.reqH = append(k.reqH, k.p.override.Header)
	return nil
}

// expr compiles text, nil for "", and notes the headers that it reads.
func (k *compiler) expr(place, text string, env lang.Environment) (*lang.Expr, error) {
	if text == "" {
		return nil, nil
	}
	x, err := lang.Compile(text, env)
	if err != nil {
		return nil, bad(place, "%v", err)
	}
	req, res := x.Headers()
	for _, h := range slices.Concat(req, res) {
		if err := CheckField(h); err != nil {
			return nil, bad(place, "%v", err)
		}
	}
	k.reqH, k.resH = append(k.reqH, req...), append(k.resH, res...)
	return x, nil
}

// CheckField is an error if a field of a header may hold what proves who somebody is.
func CheckField(name string) error {
	if !credentials.MatchString(name) {
		return nil
	}
	return neverKept("the header " + name)
}

// CheckPlaceholder is [CheckField] for a placeholder of Caddy, without braces.
func CheckPlaceholder(name string) error {
	if cookie, ok := strings.CutPrefix(name, "http.request.cookie."); ok {
		return neverKept("the cookie " + cookie)
	}
	if field, ok := strings.CutPrefix(name, headerPlaceholder); ok {
		return CheckField(field)
	}
	if parameter, ok := strings.CutPrefix(name, "http.request.uri.query."); ok && credentials.MatchString(strings.ReplaceAll(parameter, "_", "-")) {
		return neverKept("the parameter " + parameter)
	}
	return nil
}

func neverKept(what string) error {
	return fmt.Errorf("%s may hold a credential, and those are never kept; "+
		"use what Caddy's authentication found out, like {http.auth.user.id} for tenant, actor or owner", what)
}

// condition is expr, for what is to be true or false.
func (k *compiler) condition(place, text string, env lang.Environment) (*lang.Expr, error) {
	x, err := k.expr(place, text, env)
	if x == nil || err != nil {
		return nil, err
	}
	if err := x.CheckCondition(); err != nil {
		return nil, bad(place, "%v", err)
	}
	return x, nil
}

var readsBody = regexp.MustCompile(`request\s*\??\.\s*body|request\s*\[`)

// origin compiles a tenant or an actor.
func (k *compiler) origin(place, text string) (*origin, error) {
	if text == "" {
		return nil, nil
	}
	if placeholder.MatchString(text) {
		name := text[1 : len(text)-1]
		if err := CheckPlaceholder(name); err != nil {
			return nil, bad(place, "%v", err)
		}
		k.p.placeholders = append(k.p.placeholders, name)
		return &origin{placeholder: name}, nil
	}
	x, err := k.expr(place, text, lang.EnvRequest)
	if err != nil {
		return nil, err
	}
	o := &origin{expr: x}
	for _, n := range x.Reads() {
		switch n {
		case "entity", "before", "after":
			o.ofEntity = true
		case "actor":
			if strings.HasSuffix(place, "actor") {
				return nil, bad(place, "an actor cannot be read from itself: write request.header[\"…\"] or a placeholder")
			}
		}
	}
	if strings.HasSuffix(place, "tenant") && !o.ofEntity && readsBody.MatchString(text) {
		return nil, bad(place, "a tenant read from the request's body is not known for a delete: read a header, the path, or the entity, like entity.space_id")
	}
	return o, nil
}

func join(place, name string) string {
	if place == "" {
		return name
	}
	return place + "." + name
}
