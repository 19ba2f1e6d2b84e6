package caddymodule

import (
	"regexp"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"

	"github.com/sidehook/sidehook/rules"
)

// parseHandlerDirective reads the directive sidehook of a site:
//
//	sidehook [matcher] [api] {
//		…
//	}
func parseHandlerDirective(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	l, err := handler.parse(h.Dispenser)
	if err != nil {
		return nil, err
	}
	return handler, checkAgainst(h.State, &handler.Config, l)
}

// UnmarshalCaddyfile implements [caddyfile.Unmarshaler]. The matcher is gone
// already.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	_, err := h.parse(d)
	return err
}

// parse reads the directive and returns its lines.
func (h *Handler) parse(d *caddyfile.Dispenser) (*optionLine, error) {
	d.Next()
	l, err := readLine(d)
	if err != nil {
		return nil, err
	}
	return l, h.parseLine(l)
}

func (h *Handler) parseLine(l *optionLine) error {
	l.usage = "sidehook [matcher] [api] { … }"
	args := l.args()
	if len(args) > 1 {
		return args[1].errf("unexpected %q: write %s", args[1].Text, l.usage)
	}
	if len(args) == 1 {
		h.API = args[0].Text
		if !apiName.MatchString(h.API) {
			return args[0].errf("api %q: a name is letters, digits, _ and -", h.API)
		}
	}
	if err := handlerOptions.parse(l.block, h, "sidehook"); err != nil {
		return err
	}
	if len(h.Resources) == 0 && len(h.On) == 0 {
		return l.errf("sidehook captures nothing: write resource NAME /path, or on METHOD /path emit SCOPE, in its block")
	}
	return checkRules(&h.Config, l)
}

var apiName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// handlerOptions are the words of the handler's block.
var handlerOptions = withDefaults(options[*Handler]{
	"origin":          {usage: "origin http://localhost:3000", parse: parseOrigin},
	"credential":      {usage: "credential Authorization {env.SERVICE_TOKEN}", parse: parseCredential},
	"fetch":           {usage: "fetch 300ms 16", parse: parseFetch},
	"max_body":        {usage: "max_body 1MiB", parse: parseMaxBody},
	"on_client_abort": {usage: "on_client_abort continue, or cancel", parse: parseOnClientAbort},
	"strict":          {usage: "strict", parse: func(l *optionLine, h *Handler) error { h.Strict = true; return l.flag() }},
	"dry_run":         {usage: "dry_run", parse: func(l *optionLine, h *Handler) error { h.DryRun = true; return l.flag() }},
	"verbs":           {usage: "verbs created updated deleted", parse: parseVerbs},
	"override":        {usage: "override header X-HTTP-Method-Override, or override field _method", parse: parseOverride},
	"skip_header":     {usage: "skip_header Webhook-Skip-Key", parse: parseSkipHeader},
	"resource":        {usage: "resource project /api/projects", parse: func(l *optionLine, h *Handler) error { return parseResource(l, &h.Config) }, many: true},
	"on":              {usage: onUsage, parse: func(l *optionLine, h *Handler) error { return parseOutsideOn(l, &h.Config) }, many: true},
}, func(h *Handler) *rules.Defaults { return &h.Defaults })

func parseOrigin(l *optionLine, h *Handler) error {
	if err := l.one(&h.Origin); err != nil {
		return err
	}
	if err := checkOrigin(h.Origin); err != nil {
		return l.words[1].errf("%w", err)
	}
	return nil
}

func parseCredential(l *optionLine, h *Handler) (err error) {
	h.Credential, err = parseHeaderValue(l)
	return err
}

// parseHeaderValue reads a header and its value.
func parseHeaderValue(l *optionLine) (*Credential, error) {
	args, err := l.take(2, 0)
	if err != nil {
		return nil, err
	}
	if len(args) > 2 {
		return nil, args[2].errf("unexpected %q: write a value with spaces in quotes, credential %s %q", args[2].Text, args[0].Text, textOf(args[1:]))
	}
	c := &Credential{Header: args[0].Text, Value: args[1].Text}
	if found := shorthandIn(c.Value); found != "" {
		return nil, args[1].errf("credential is read when Caddy starts, and %s is a part of a request: write {env.NAME}, or {file./path} with an absolute path", found)
	}
	if !headerName.MatchString(c.Header) {
		return nil, args[0].errf("credential %q: write a header name first, like %s", args[0].Text, l.usage)
	}
	return c, nil
}

func parseFetch(l *optionLine, h *Handler) error {
	args, err := l.take(1, 2)
	if err != nil {
		return err
	}
	h.Fetch = new(FetchLimits)
	if err := args[0].duration(&h.Fetch.Timeout); err != nil || len(args) < 2 {
		return err
	}
	return args[1].number("fetch", &h.Fetch.Concurrency, 1)
}

func parseMaxBody(l *optionLine, h *Handler) error {
	args, err := l.take(1, 1)
	if err != nil {
		return err
	}
	n, err := humanize.ParseBytes(args[0].Text)
	if err != nil || n == 0 || n > mostBody {
		return args[0].errf("max_body %q: write a size up to 8MiB, like 1MiB; %s", args[0].Text, whyMostBody)
	}
	h.MaxBody = int64(n)
	return nil
}

func parseOnClientAbort(l *optionLine, h *Handler) error {
	return l.oneOf(&h.OnClientAbort, abortContinue, abortCancel)
}

func parseVerbs(l *optionLine, h *Handler) error {
	args, err := l.take(3, 3)
	if err != nil {
		return err
	}
	for _, w := range args {
		if !apiName.MatchString(w.Text) {
			return w.errf("verb %q: write one part of a scope, letters, digits, _ and -, as in %s", w.Text, l.usage)
		}
		h.Verbs = append(h.Verbs, w.Text)
	}
	return nil
}

func parseOverride(l *optionLine, h *Handler) error {
	args, err := l.take(2, 2)
	if err != nil {
		return err
	}
	h.Override = new(rules.Override)
	switch args[0].Text {
	case "header":
		h.Override.Header = args[1].Text
		if !headerName.MatchString(args[1].Text) {
			return args[1].errf("override header %q is no header name: write %s", args[1].Text, l.usage)
		}
	case "field":
		h.Override.Field = args[1].Text
	default:
		return args[0].among("override", "header", "field")
	}
	return nil
}

func parseSkipHeader(l *optionLine, h *Handler) error {
	if err := l.one(&h.SkipHeader); err != nil {
		return err
	}
	if !headerName.MatchString(h.SkipHeader) {
		return l.words[1].errf("skip_header %q is no header name: write %s", h.SkipHeader, l.usage)
	}
	return nil
}

// headerName matches a field name (RFC 9110, section 5.1).
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
