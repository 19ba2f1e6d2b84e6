package caddymodule

import (
	"net/http"
	"slices"

	"github.com/sidehook/sidehook/caddymodule/caller"
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
	if who.owner, err = a.owner.Text(r); err != nil || who.hasOwner && who.owner == "" {
		return who, problem.New(http.StatusUnauthorized, "it is not known who calls: authenticate")
	}
	if !who.hasOwner && !a.AllowUnauthenticated && caller.Placeholder(r, "http.auth.user.id") == "" {
		return who, problem.New(http.StatusUnauthorized,
			"nobody is authenticated; the operator puts an authenticating directive (like basic_auth) in front of sidehook_api, or tells it owner, or allow_unauthenticated")
	}
	if who.tenant, err = a.tenant.Text(r); err != nil || who.hasTenant && (who.tenant == "" || who.tenant == webhook.AnyTenant) {
		return who, problem.New(http.StatusForbidden, "it is not known for which tenant the call is")
	}
	return who, nil
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
