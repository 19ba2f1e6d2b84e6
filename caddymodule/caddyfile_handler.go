package caddymodule

import (
	"regexp"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"
	"golang.org/x/net/http/httpguts"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/subscription"
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
	h.Sources.note(l)
	h.Credential, err = subscription.ParseCredential(l)
	return err
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
	return args[1].Number("fetch", &h.Fetch.Concurrency)
}

func parseMaxBody(l *directive.Line, h *Handler) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	n, err := humanize.ParseBytes(args[0].Text)
	if err != nil || n == 0 || n > capture.MostBody {
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
		if !httpguts.ValidHeaderFieldName(args[1].Text) {
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
	if !httpguts.ValidHeaderFieldName(h.SkipHeader) {
		return l.Words[1].Errf("skip_header %q is no header name: write %s", h.SkipHeader, l.Usage)
	}
	return nil
}
