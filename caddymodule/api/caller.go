package api

import (
	"slices"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// MaxOfOwner bounds the subscriptions of one owner, if max_subscriptions does not.
const MaxOfOwner = 100

// Caller is who calls the subscription API, and what it may.
type Caller struct {
	Operator bool // by Caddy's admin endpoint: sees and changes everything

	Owner     string
	HasOwner  bool // sees only what is its own
	Tenant    string
	HasTenant bool // sees only what is its tenant's

	AllowPrivate  bool
	AllowInsecure bool // receivers with any certificate
	Max           int  // how many subscriptions it may have
}

// asking is who calls, as far as the pace of what is made by hand goes.
func (c *Caller) asking() paced {
	if c.Operator {
		return paced{Operator: true}
	}
	return paced{Owner: c.Owner, Tenant: c.Tenant}
}

// AsOperator is a call of who runs Sidehook.
func AsOperator(e *engine.Engine) *Call {
	return &Call{Caller: &Caller{Operator: true}, e: e}
}

// maySee reports whether c may see a kept subscription.
func (c *Caller) maySee(k *kept.Subscription) bool {
	return c.Operator || (!c.HasOwner || k.Owner == c.Owner) && (k.Tenant == c.Tenant)
}

// maySeeStatic reports whether c may see a subscription of the configuration:
// that is nobody's own.
func (c *Caller) maySeeStatic(s *webhook.Subscription) bool {
	return c.Operator || !c.HasOwner && (!c.HasTenant || s.Tenant == c.Tenant)
}

// maySeeEvent reports whether c may see an event: as a subscription of c would;
// and one of Sidehook's own, if c may see the subscription that it is about.
func (c *Call) maySeeEvent(ev *webhook.Event) (bool, error) {
	if c.Operator {
		return true, nil
	}
	if ev.Unowned || ev.Tenant != c.Tenant {
		return false, nil
	}
	if ev.Key.API != own.API {
		return true, nil
	}
	about, err := c.concernedBy(ev)
	if err != nil {
		return false, err
	}
	if k := c.e.Kept().Get(about); k != nil {
		return c.maySee(k), nil
	}
	return slices.ContainsFunc(c.statics(), func(s *webhook.Subscription) bool { return s.ID == about }), nil
}

// concernedBy returns the subscription that an event of Sidehook's own is about: the
// one that it tells of, or, of an example, the one that it was made for; "" if that
// is forgotten.
func (c *Call) concernedBy(ev *webhook.Event) (webhook.SubscriptionID, error) {
	if id, told := own.About(ev); told {
		return id, nil
	}
	made, err := c.e.Store.Deliveries(c.r.Context(), store.DeliveryQuery{Event: ev.ID, Max: 1})
	if err != nil || len(made) == 0 {
		return "", err
	}
	return made[0].Subscription, nil
}
