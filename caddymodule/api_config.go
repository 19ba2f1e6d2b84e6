package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/api"
	"github.com/sidehook/sidehook/caddymodule/caller"
	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/webhook"
)

func init() {
	caddy.RegisterModule(new(API))
	httpcaddyfile.RegisterDirective("sidehook_api", parseAPIDirective)
	httpcaddyfile.RegisterDirectiveOrder("sidehook_api", httpcaddyfile.Before, "respond")
}

// API serves the subscription API on a site, behind whatever authenticates
// there. Its routes begin where it stands: under a path of its own it stands in
// handle_path.
//
//	handle_path /webhooks/* {
//		sidehook_api {
//			owner {http.auth.user.id}
//			tenant request.header["X-Space-Id"]
//		}
//	}
type API struct {
	// Owner is one placeholder, or an expression over the request, that tells who
	// calls; each caller sees and changes only what it made. A call for which it
	// is empty is refused. Default: callers are not told apart, and somebody must
	// have been authenticated before (http.auth.user.id).
	Owner string `json:"owner,omitempty"`

	// Tenant is one placeholder, or an expression over the request, that tells
	// which tenant the caller is of: its subscriptions get, and it sees, the
	// events of that one only. A call for which it is empty is refused. Default:
	// only events that are of no tenant.
	Tenant string `json:"tenant,omitempty"`

	// AllowUnauthenticated serves everybody who can reach it.
	AllowUnauthenticated bool `json:"allow_unauthenticated,omitempty"`

	// AllowPrivate lets what is made through it be at private addresses, and at
	// http:// URLs. Default: public addresses and https:// only.
	AllowPrivate bool `json:"allow_private,omitempty"`

	// AllowInsecureSkipVerify lets what is made through it have
	// insecure_skip_verify: its receiver may have any certificate, and who is in
	// between can read its webhooks. Default: certificates are verified.
	AllowInsecureSkipVerify bool `json:"allow_insecure_skip_verify,omitempty"`

	// MaxSubscriptions is how many each caller may have, or "none": as many as
	// there may be in all. Default: 100.
	MaxSubscriptions *MaxCount `json:"max_subscriptions,omitempty"`

	// Dialect names the dialect of the app that is spoken here, in the place of our
	// own API. Default: none.
	Dialect string `json:"dialect,omitempty"`

	app    *App
	max    int               // subscriptions of one caller
	speaks *dialect.Compiled // nil: our own API
	owner  *caller.Expr
	tenant *caller.Expr
}

// CaddyModule implements [caddy.Module].
func (*API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sidehook_api", New: func() caddy.Module { return new(API) }}
}

// Provision implements [caddy.Provisioner].
func (a *API) Provision(ctx caddy.Context) (err error) {
	if a.owner, err = caller.Compile(a.Owner); err != nil {
		return fmt.Errorf("sidehook_api: owner: %w", err)
	}
	if a.tenant, err = caller.Compile(a.Tenant); err != nil {
		return fmt.Errorf("sidehook_api: tenant: %w", err)
	}
	if a.max, err = a.MaxSubscriptions.plain(api.MaxOfOwner, engine.MaxKept); err != nil {
		return fmt.Errorf("sidehook_api: max_subscriptions: %w", err)
	}
	loaded, err := ctx.App("sidehook")
	if err != nil {
		return err
	}
	a.app = loaded.(*App)
	if a.speaks, err = dialect.Named(a.Dialect, a.app.run.dialects); err != nil {
		return fmt.Errorf("sidehook_api: %w", err)
	}
	a.app.run.apis = append(a.app.run.apis, a)
	return nil
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler]. It answers every call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	who, bad := a.caller(r)
	if bad != nil && a.speaks == nil {
		answer.Problem(w, bad)
		return nil
	}
	e, release, err := a.app.lease(r.Context())
	if err != nil {
		answer.Problem(w, problem.New(http.StatusServiceUnavailable, "%s", err))
		return nil
	}
	defer release()
	if a.speaks != nil {
		a.speaks.Serve(api.ForDialect(e, who, r), w, r, bad)
		return nil
	}
	api.Serve(e, w, r, who, r.URL.Path, caller.Path(r))
	return nil
}

// caller tells who calls, or why the call is refused.
func (a *API) caller(r *http.Request) (api.Caller, *problem.Details) {
	who := api.Caller{
		HasOwner: a.owner != nil, HasTenant: a.tenant != nil,
		AllowPrivate: a.AllowPrivate, AllowInsecure: a.AllowInsecureSkipVerify, Max: a.max,
	}
	var err error
	if who.Owner, err = a.owner.Text(r); err != nil || who.HasOwner && who.Owner == "" {
		return who, problem.New(http.StatusUnauthorized, "it is not known who calls: authenticate")
	}
	if !who.HasOwner && !a.AllowUnauthenticated && caller.Placeholder(r, "http.auth.user.id") == "" {
		return who, problem.New(http.StatusUnauthorized,
			"nobody is authenticated; the operator puts an authenticating directive (like basic_auth) in front of sidehook_api, or tells it owner, or allow_unauthenticated")
	}
	if who.Tenant, err = a.tenant.Text(r); err != nil || who.HasTenant && (who.Tenant == "" || who.Tenant == webhook.AnyTenant) {
		return who, problem.New(http.StatusForbidden, "it is not known for which tenant the call is")
	}
	return who, nil
}

// parseAPIDirective reads the directive sidehook_api of a site.
func parseAPIDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	matched, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	a := new(API)
	if err := a.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	var paths []string
	if in := matched["path"]; in != nil {
		if err := json.Unmarshal(in, &paths); err != nil {
			return nil, err
		}
	}
	if err := a.checkPaths(paths); err != nil {
		h.Reset()
		h.Next() // the line that is wrong
		return nil, h.WrapErr(err)
	}
	return h.NewRoute(matched, a), nil
}

// checkPaths returns an error that says what to write if a is for paths at which it has
// nothing: matching takes nothing off a path.
func (a *API) checkPaths(paths []string) error {
	if a.Dialect != "" { // it has paths of its own
		return nil
	}
	for _, path := range paths {
		first := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '*' })
		if len(first) > 0 && !api.Begins(first[0]) {
			below := strings.TrimRight(path, "/*")
			return fmt.Errorf("sidehook_api has nothing at %s: its routes begin where it stands, so that a call of %s/subscriptions would find none; write handle_path %s/* { sidehook_api { … } }", path, below, below)
		}
	}
	return nil
}

// UnmarshalCaddyfile implements [caddyfile.Unmarshaler]. The matcher is gone
// already:
//
//	sidehook_api {
//		owner EXPR
//		tenant EXPR
//		allow_unauthenticated
//		allow_private
//		allow_insecure_skip_verify
//		max_subscriptions COUNT|none
//		dialect NAME
//	}
func (a *API) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	l, err := directive.Read(d)
	if err != nil {
		return err
	}
	if args := l.Args(); len(args) > 0 {
		return args[0].Errf("unexpected %q: write sidehook_api { … }; under a path of its own put it in handle_path /webhooks/* { … }", args[0].Text)
	}
	if err := apiOptions.Parse(l.Block, a, "sidehook_api"); err != nil {
		return err
	}
	if a.Owner != "" && a.AllowUnauthenticated {
		return l.Errf("owner and allow_unauthenticated exclude each other: an owner is who was authenticated")
	}
	return nil
}

// apiOptions are the words of the block of sidehook_api.
var apiOptions = directive.Options[*API]{
	"owner":                 {Usage: "owner {http.auth.user.id}", Parse: func(l *directive.Line, a *API) error { return parseCaller(l, &a.Owner) }},
	"tenant":                {Usage: `tenant request.header["X-Space-Id"]`, Parse: func(l *directive.Line, a *API) error { return parseCaller(l, &a.Tenant) }},
	"allow_unauthenticated": {Usage: "allow_unauthenticated", Parse: func(l *directive.Line, a *API) error { a.AllowUnauthenticated = true; return l.Flag() }},
	"allow_private":         {Usage: "allow_private", Parse: func(l *directive.Line, a *API) error { a.AllowPrivate = true; return l.Flag() }},
	"allow_insecure_skip_verify": {Usage: "allow_insecure_skip_verify", Parse: func(l *directive.Line, a *API) error {
		a.AllowInsecureSkipVerify = true
		return l.Flag()
	}},
	"max_subscriptions": {Usage: "max_subscriptions 1000, or max_subscriptions none", Parse: parseMaxSubscriptions},
	"dialect":           {Usage: "dialect NAME", Parse: func(l *directive.Line, a *API) error { return l.One(&a.Dialect) }},
}

// parseCaller sets to to the arguments of l, which tell who calls.
func parseCaller(l *directive.Line, to *string) (err error) {
	if *to, err = l.PlaceholderOrExpression(); err != nil {
		return err
	}
	if _, err := caller.Compile(*to); err != nil {
		return l.Errf("%s: %w", l.Name(), err)
	}
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. Unknown fields are errors.
func (a *API) UnmarshalJSON(text []byte) error {
	type plain API
	return strict.Read(text, (*plain)(a))
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*API)(nil)
	_ caddyhttp.MiddlewareHandler = (*API)(nil)
	_ caddyfile.Unmarshaler       = (*API)(nil)
)
