package views

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// Headers are request header fields that choose a version of what an API
// shows.
var Headers = []string{
	"Accept-Version", "Api-Version", "X-Api-Version", "X-Version", "X-Github-Api-Version", "Notion-Version",
	"Stripe-Version", "X-Ms-Version", "Accept-Profile", "X-Timezone", "Timezone",
}

// Profile stands for the version of an API that a request asks for.
func Profile(h webhook.Header, carried string) string {
	var parts []string
	for _, name := range Headers {
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
	return Stands(parts)
}

// DependsOnLanguage reports whether an answer says that it does (RFC 9110 §12.5.5).
func DependsOnLanguage(h webhook.Header) bool {
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

// SplitQuery parts a raw query into what is the call's own and what a GET of ours
// must carry too.
func SplitQuery(query string) (own, carried string) {
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

// Short returns a query as views have it.
func Short(query string) string {
	if len(query) > 64 || strings.ContainsAny(query, " ") {
		return Stands([]string{query})
	}
	return query
}

// Stands returns a few letters that stand for parts, "" for none.
func Stands(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	h := fnv.New64a()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s", len(p), p)
	}
	return fmt.Sprintf("%x", h.Sum64())
}
