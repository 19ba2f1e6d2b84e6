package caddymodule

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/webhook"
)

// apiCaller is who calls the subscription API, and what it may.
type apiCaller struct {
	operator bool // by Caddy's admin endpoint: sees and changes everything

	owner     string
	hasOwner  bool // sees only what is its own
	tenant    string
	hasTenant bool // sees only what is its tenant's

	allowPrivate  bool
	allowInsecure bool // receivers with any certificate
	max           int  // how many subscriptions it may have
}

// caller tells who calls, or why the call is refused.
func (a *API) caller(r *http.Request) (apiCaller, *problem.Details) {
	who := apiCaller{
		hasOwner: a.owner != nil, hasTenant: a.tenant != nil,
		allowPrivate: a.AllowPrivate, allowInsecure: a.AllowInsecureSkipVerify, max: a.max,
	}
	var err error
	if who.owner, err = a.owner.text(r); err != nil || who.hasOwner && who.owner == "" {
		return who, problem.New(http.StatusUnauthorized, "it is not known who calls: authenticate")
	}
	if !who.hasOwner && !a.AllowUnauthenticated && placeholderOf(r, "http.auth.user.id") == "" {
		return who, problem.New(http.StatusUnauthorized,
			"nobody is authenticated; the operator puts an authenticating directive (like basic_auth) in front of sidehook_api, or tells it owner, or allow_unauthenticated")
	}
	if who.tenant, err = a.tenant.text(r); err != nil || who.hasTenant && (who.tenant == "" || who.tenant == webhook.AnyTenant) {
		return who, problem.New(http.StatusForbidden, "it is not known for which tenant the call is")
	}
	return who, nil
}

// text returns what c tells of r; "" for what is not there.
func (c *callerExpr) text(r *http.Request) (string, error) {
	if c == nil {
		return "", nil
	}
	if c.placeholder != "" {
		return placeholderOf(r, c.placeholder), nil
	}
	v, err := c.expr.Eval(requestVars{r}, nil)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case int64, bool:
		return fmt.Sprint(v), nil
	}
	return "", nil
}

func placeholderOf(r *http.Request, name string) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	text, _ := repl.GetString(name)
	return text
}

// requestVars gives expressions what is known of a request but its body. A
// header or a parameter that comes twice is not there: one of both may be forged.
type requestVars struct{ r *http.Request }

// Lookup implements [lang.Vars].
func (v requestVars) Lookup(name string) any {
	if name != "request" {
		return nil
	}
	header, query := map[string]any{}, map[string]any{}
	for name, values := range v.r.Header {
		if len(values) == 1 {
			header[name] = values[0]
		}
	}
	for name, values := range v.r.URL.Query() {
		if len(values) == 1 {
			query[name] = values[0]
		}
	}
	return map[string]any{"method": v.r.Method, "path": v.r.URL.EscapedPath(), "header": header, "query": query}
}

// maySee reports whether c may see a kept subscription.
func (c *apiCaller) maySee(k *keptSubscription) bool {
	return c.operator || (!c.hasOwner || k.Owner == c.owner) && (k.Tenant == c.tenant)
}

// maySeeStatic reports whether c may see a subscription of the configuration:
// that is nobody's own.
func (c *apiCaller) maySeeStatic(s *webhook.Subscription) bool {
	return c.operator || !c.hasOwner && (!c.hasTenant || s.Tenant == c.tenant)
}

// maySeeEvent reports whether c may see an event: as a subscription of c would;
// and one of Sidehook's own, if c may see the subscription that it is about.
func (c *apiCall) maySeeEvent(ev *webhook.Event) (bool, error) {
	if c.operator {
		return true, nil
	}
	if ev.Unowned || ev.Tenant != c.tenant {
		return false, nil
	}
	if ev.Key.API != ownAPI {
		return true, nil
	}
	about, err := c.e.concernedBy(c.r.Context(), ev)
	if err != nil {
		return false, err
	}
	if k := c.e.kept.Load().get(about); k != nil {
		return c.maySee(k), nil
	}
	return slices.ContainsFunc(c.statics(), func(s *webhook.Subscription) bool { return s.ID == about }), nil
}
