package caddymodule

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/look"
	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/rules"
)

// Defaults of DESIGN.md §4, and what all captures of the process may hold.
const (
	defaultFetchTimeout = 300 * time.Millisecond
	defaultFetchMax     = 16
	defaultMaxBody      = 1 << 20
	captureMemory       = 64 << 20
)

// captureBudget bounds the bodies that all handlers of the process hold.
var captureBudget = capture.NewBudget(captureMemory)

// Provision compiles the rules and makes h known to the app.
func (h *Handler) Provision(ctx caddy.Context) error {
	program, err := rules.Compile(&h.Config)
	if err != nil {
		return fmt.Errorf("sidehook handler of api %s: %w", cmp.Or(h.API, rules.DefaultAPI), err)
	}
	if err := h.check(); err != nil {
		return fmt.Errorf("sidehook handler of api %s: %w", program.API(), err)
	}
	service, err := h.service()
	if err != nil {
		return fmt.Errorf("sidehook handler of api %s: %w", program.API(), h.Sources.at("credential", err))
	}
	loaded, err := ctx.App("sidehook")
	if err != nil {
		return err
	}
	app := loaded.(*App)
	o := h.options(program)
	o.Logger = ctx.Slogger()
	if h.Origin != "" {
		o.Origin = capture.NewOrigin(h.Origin, service, o.FetchMax)
		h.looks = look.NewOrigin(h.Origin, service, &o)
	}
	registered := app.register(program, &h.Config)
	o.Config = registered.Config
	o.Lease = app.line
	h.live = capture.New(o)
	registered.Live, registered.Looks = h.live, h.looks
	return nil
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.live.Serve(w, r, next)
}

// Cleanup closes the connections to the origin.
func (h *Handler) Cleanup() error {
	if h.live != nil {
		h.live.Origin.Close()
		h.looks.Close()
	}
	return nil
}

// service returns the header with which Origin is asked; empty if there is none.
func (h *Handler) service() (http.Header, error) {
	out := make(http.Header)
	if h.Credential == nil {
		return out, nil
	}
	value, err := source.Read(h.Credential.Value)
	if err != nil {
		return nil, fmt.Errorf("credential %s: %w", h.Credential.Header, err)
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return nil, fmt.Errorf("credential %s: its value has a line break in it", h.Credential.Header)
	}
	out.Set(h.Credential.Header, value)
	return out, nil
}

// options returns what h says of its request path, defaults filled in.
func (h *Handler) options(program *rules.Program) capture.Options {
	o := capture.Options{
		Program: program, Budget: captureBudget,
		FetchTimeout: defaultFetchTimeout, FetchMax: defaultFetchMax,
		MaxBody:      cmp.Or(h.MaxBody, defaultMaxBody),
		CancelOnGone: h.OnClientAbort == abortCancel, Strict: h.Strict,
	}
	if h.Override != nil {
		o.OverrideHeader = http.CanonicalHeaderKey(h.Override.Header)
	}
	if h.Fetch != nil {
		o.FetchTimeout = cmp.Or(time.Duration(h.Fetch.Timeout), defaultFetchTimeout)
		o.FetchMax = cmp.Or(h.Fetch.Concurrency, defaultFetchMax)
	}
	return o
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
