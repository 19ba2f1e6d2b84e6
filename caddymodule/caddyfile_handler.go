package caddymodule

import (
	"regexp"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/rules"
)

// parseHandlerDirective reads the directive sidehook of a site:
//
//	sidehook [matcher] [API] {
//		…
//	}
func parseHandlerDirective(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	l, err := handler.parse(h.Dispenser)
	if err != nil {
		return nil, err
	}
	return handler, ruleset.CheckAgainst(h.State, &handler.Config, l)
}

// UnmarshalCaddyfile implements [caddyfile.Unmarshaler]. The matcher is gone
// already.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	_, err := h.parse(d)
	return err
}

// parse reads the directive and returns its lines.
func (h *Handler) parse(d *caddyfile.Dispenser) (*directive.Line, error) {
	d.Next()
	l, err := directive.Read(d)
	if err != nil {
		return nil, err
	}
	return l, h.parseLine(l)
}

func (h *Handler) parseLine(l *directive.Line) error {
	l.Usage = "sidehook [matcher] [api] { … }"
	args := l.Args()
	if len(args) > 1 {
		return args[1].Errf("unexpected %q: write %s", args[1].Text, l.Usage)
	}
	if len(args) == 1 {
		h.API = args[0].Text
		if !apiName.MatchString(h.API) {
			return args[0].Errf("api %q: a name is letters, digits, _ and -", h.API)
		}
	}
	if err := handlerOptions.Parse(l.Block, h, "sidehook"); err != nil {
		return err
	}
	if len(h.Resources) == 0 && len(h.On) == 0 {
		return l.Errf("sidehook captures nothing: write resource NAME /path, or on METHOD /path emit SCOPE, in its block")
	}
	return ruleset.Check(&h.Config, l)
}

var apiName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// handlerOptions are the words of the handler's block.
var handlerOptions = ruleset.WithDefaults(directive.Options[*Handler]{
	"origin":          {Usage: "origin http://localhost:3000", Parse: parseOrigin},
	"credential":      {Usage: "credential Authorization {env.SERVICE_TOKEN}", Parse: parseCredential},
	"fetch":           {Usage: "fetch 300ms 16", Parse: parseFetch},
	"max_body":        {Usage: "max_body 1MiB", Parse: parseMaxBody},
	"on_client_abort": {Usage: "on_client_abort continue, or cancel", Parse: parseOnClientAbort},
	"strict":          {Usage: "strict", Parse: func(l *directive.Line, h *Handler) error { h.Strict = true; return l.Flag() }},
	"dry_run":         {Usage: "dry_run", Parse: func(l *directive.Line, h *Handler) error { h.DryRun = true; return l.Flag() }},
	"verbs":           {Usage: "verbs created updated deleted", Parse: parseVerbs},
	"override":        {Usage: "override header X-HTTP-Method-Override, or override field _method", Parse: parseOverride},
	"skip_header":     {Usage: "skip_header Webhook-Skip-Key", Parse: parseSkipHeader},
	"resource":        {Usage: "resource project /api/projects", Parse: func(l *directive.Line, h *Handler) error { return ruleset.ParseResource(l, &h.Config) }, Many: true},
	"on":              {Usage: ruleset.OnUsage, Parse: func(l *directive.Line, h *Handler) error { return ruleset.ParseOn(l, &h.Config) }, Many: true},
}, func(h *Handler) *rules.Defaults { return &h.Defaults })

func parseOrigin(l *directive.Line, h *Handler) error {
	if err := l.One(&h.Origin); err != nil {
		return err
	}
	if err := checkOrigin(h.Origin); err != nil {
		return l.Words[1].Errf("%w", err)
	}
	return nil
}

func parseCredential(l *directive.Line, h *Handler) (err error) {
	h.Credential, err = parseHeaderValue(l)
	return err
}

// parseHeaderValue reads a header and its value.
func parseHeaderValue(l *directive.Line) (*Credential, error) {
	args, err := l.Take(2, 0)
	if err != nil {
		return nil, err
	}
	if len(args) > 2 {
		return nil, args[2].Errf("unexpected %q: write a value with spaces in quotes, credential %s %q", args[2].Text, args[0].Text, directive.Text(args[1:]))
	}
	c := &Credential{Header: args[0].Text, Value: args[1].Text}
	if found := directive.Shorthand(c.Value); found != "" {
		return nil, args[1].Errf("credential is read when Caddy starts, and %s is a part of a request: write {env.NAME}, or {file./path} with an absolute path", found)
	}
	if !headerName.MatchString(c.Header) {
		return nil, args[0].Errf("credential %q: write a header name first, like %s", args[0].Text, l.Usage)
	}
	return c, nil
}

func parseFetch(l *directive.Line, h *Handler) error {
	args, err := l.Take(1, 2)
	if err != nil {
		return err
	}
	h.Fetch = new(FetchLimits)
	if err := args[0].Duration(&h.Fetch.Timeout); err != nil || len(args) < 2 {
		return err
	}
	return args[1].Number("fetch", &h.Fetch.Concurrency, 1)
}

func parseMaxBody(l *directive.Line, h *Handler) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	n, err := humanize.ParseBytes(args[0].Text)
	if err != nil || n == 0 || n > mostBody {
		return args[0].Errf("max_body %q: write a size up to 8MiB, like 1MiB; %s", args[0].Text, whyMostBody)
	}
	h.MaxBody = int64(n)
	return nil
}

func parseOnClientAbort(l *directive.Line, h *Handler) error {
	return l.OneOf(&h.OnClientAbort, abortContinue, abortCancel)
}

func parseVerbs(l *directive.Line, h *Handler) error {
	args, err := l.Take(3, 3)
	if err != nil {
		return err
	}
	for _, w := range args {
		if !apiName.MatchString(w.Text) {
			return w.Errf("verb %q: write one part of a scope, letters, digits, _ and -, as in %s", w.Text, l.Usage)
		}
		h.Verbs = append(h.Verbs, w.Text)
	}
	return nil
}

func parseOverride(l *directive.Line, h *Handler) error {
	args, err := l.Take(2, 2)
	if err != nil {
		return err
	}
	h.Override = new(rules.Override)
	switch args[0].Text {
	case "header":
		h.Override.Header = args[1].Text
		if !headerName.MatchString(args[1].Text) {
			return args[1].Errf("override header %q is no header name: write %s", args[1].Text, l.Usage)
		}
	case "field":
		h.Override.Field = args[1].Text
	default:
		return args[0].Among("override", "header", "field")
	}
	return nil
}

func parseSkipHeader(l *directive.Line, h *Handler) error {
	if err := l.One(&h.SkipHeader); err != nil {
		return err
	}
	if !headerName.MatchString(h.SkipHeader) {
		return l.Words[1].Errf("skip_header %q is no header name: write %s", h.SkipHeader, l.Usage)
	}
	return nil
}

// headerName matches a field name (RFC 9110, section 5.1).
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
