package rules

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/webhook"
)

// look returns how the answer to a call, or a GET (obs), looked at the entity.
func (c *call) look(kind string, obs *webhook.Observation) view {
	q := &c.x.Request
	own, carried := splitView(q.Query)
	v := view{kind: kind, as: c.vars.viewer(), profile: profileOf(q.Header, carried)}
	if kind == viewAnswer {
		if more := c.expands(); more != "" {
			own += "&" + more
		}
		if own != "" {
			v.query = short(own)
		}
	}
	h := c.x.Response.Header
	if obs != nil {
		h = obs.Header
		if obs.Service {
			v.as = byService
		}
	}
	if dependsOnLanguage(h) {
		v.language = stands(q.Header["Accept-Language"])
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
			return stands([]string{"actor", name})
		}
	}
	if len(v.req.Caller) == 0 {
		return ""
	}
	return stands([]string{string(v.req.Caller)})
}

// viewHeaders are request header fields that choose a version of what an API
// shows.
var viewHeaders = []string{
	"Accept-Version", "Api-Version", "X-Api-Version", "X-Version", "X-Github-Api-Version", "Notion-Version",
	"Stripe-Version", "X-Ms-Version", "Accept-Profile", "X-Timezone", "Timezone",
}

func profileOf(h webhook.Header, carried string) string {
	var parts []string
	for _, name := range viewHeaders {
		if v := h[name]; len(v) > 0 {
			parts = append(append(parts, name), v...)
		}
	}
	if a := h.Get("Accept"); strings.Contains(a, "/vnd.") || strings.Contains(a, "version=") || strings.Contains(a, "profile=") {
		parts = append(parts, "Accept", a)
	}
	if carried != "" {
		parts = append(parts, "?", carried)
	}
	return stands(parts)
}

// dependsOnLanguage reports whether an answer says that it does (RFC 9110 §12.5.5).
func dependsOnLanguage(h webhook.Header) bool {
	if len(h["Content-Language"]) > 0 {
		return true
	}
	return slices.ContainsFunc(h["Vary"], func(v string) bool { return strings.Contains(strings.ToLower(v), "accept-language") })
}

// viewParameters are query parameters that choose how an entity is shown, or
// whose it is: a GET of ours must have them too.
var viewParameters = map[string]bool{
	"api-version": true, "api_version": true, "apiversion": true, "locale": true, "lang": true, "language": true,
	"hl": true, "tz": true, "timezone": true, "currency": true, "units": true, "unit_system": true, "tenant": true, "tenant_id": true, "tenantid": true,
}

// splitView parts a raw query into what is the call's own and what a GET of ours
// must carry too.
func splitView(query string) (own, carried string) {
	if query == "" {
		return "", ""
	}
	var mine, more []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if viewParameters[strings.ToLower(name)] {
			more = append(more, part)
		} else {
			mine = append(mine, part)
		}
	}
	return strings.Join(mine, "&"), strings.Join(more, "&")
}

// short returns a query as views have it.
func short(query string) string {
	if len(query) > 64 || strings.ContainsAny(query, " ") {
		return stands([]string{query})
	}
	return query
}

// stands returns a few letters that stand for parts, "" for none.
func stands(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	h := fnv.New64a()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s", len(p), p)
	}
	return fmt.Sprintf("%x", h.Sum64())
}
