package rules

import (
	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// look returns how the answer to a call, or a GET (obs), looked at the entity.
func (c *call) look(kind string, obs *webhook.Observation) views.View {
	q := &c.x.Request
	own, carried := views.SplitQuery(q.Query)
	v := views.View{Kind: kind, As: c.vars.viewer(), Profile: views.Profile(q.Header, carried)}
	if kind == views.Answer {
		if more := c.expands(); more != "" {
			own += "&" + more
		}
		if own != "" {
			v.Query = views.Short(own)
		}
	}
	h := c.x.Response.Header
	if obs != nil {
		h = obs.Header
		if obs.Service {
			v.As = views.Service
		}
	}
	if views.DependsOnLanguage(h) {
		v.Language = views.Stands(q.Header["Accept-Language"])
	}
	return v
}

// expands returns what the request's body says of how the answer is to show the entity:
// forms that have nothing in the query say it there (Stripe's expand[]).
func (c *call) expands() string {
	for _, name := range [...]string{"expand", "populate", "include", "embed"} {
		if said := c.req.Get(name); said != nil && c.reqKind != content.IsPatch && c.e.res.find(c.res).Get(name) == nil {
			return name + "=" + string(said.Shared())
		}
	}
	return ""
}

// viewer stands for who made the call, as far as that may decide what an API
// shows: the actor where one is configured, else the credential.
func (v *callVars) viewer() string {
	if a := v.m.e.res.actor; a != nil && !a.ofEntity {
		if name := v.actorOf(v); name != "" {
			return views.Stands([]string{"actor", name})
		}
	}
	if len(v.req.Caller) == 0 {
		return ""
	}
	return views.Stands([]string{string(v.req.Caller)})
}
