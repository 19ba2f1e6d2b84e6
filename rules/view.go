package rules

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// Kinds of views.
const (
	viewGet    = "get"
	viewAnswer = "answer"
	viewEcho   = "echo" // an answer that shows what the request set, and nothing else
	viewSent   = "sent" // the request's body
	viewSet    = "set"  // nothing: somebody set a few fields, and was not shown the rest
	viewSaid   = "said" // an answer to what makes or replaces an entity that shows what was set, and nothing else
)

// byService is who a GET was made as, where it was not the caller.
const byService = "service"

// view says how an entity was looked at. What another view does not show is not
// gone, and what only another one shows is not new.
type view struct {
	kind     string
	as       string // stands for who looked; "": nobody in particular
	profile  string // stands for the version that was asked for
	language string // where the answer depends on it
	query    string // of the call, where that may choose what is shown

	less bool // it showed less than others did; only in views
	old  bool // something may have been done since that the later ones need not show; only in views
}

// String returns v in the form that snapshots have it in.
func (v view) String() string {
	var b strings.Builder
	b.WriteString(v.kind)
	if v.less {
		b.WriteByte('-')
	}
	if v.old {
		b.WriteByte('~')
	}
	for _, part := range [...]struct{ mark, text string }{{"#", v.as}, {";", v.profile}, {"@", v.language}, {"?", v.query}} {
		if part.text != "" {
			b.WriteString(part.mark + part.text)
		}
	}
	return b.String()
}

// plain returns v without what is only in views.
func (v view) plain() view {
	v.less, v.old = false, false
	return v
}

func parseView(s string) (v view) {
	s, v.query, _ = strings.Cut(s, "?")
	s, v.language, _ = strings.Cut(s, "@")
	s, v.profile, _ = strings.Cut(s, ";")
	v.kind, v.as, _ = strings.Cut(s, "#")
	v.kind, v.old = strings.CutSuffix(v.kind, "~")
	v.kind, v.less = strings.CutSuffix(v.kind, "-")
	return v
}

// alike reports whether two views show the same values of what both show.
func (v view) alike(w view) bool { return v.profile == w.profile && v.language == w.language }

// shows reports whether v shows whatever w shows. An API is taken to show no
// more in the answer to a call than in that to a GET, nor to its callers more
// than to the service. What only repeats a request shows nothing else.
func (v view) shows(w view) bool {
	return !v.narrow() && !v.old && v.kind != viewSaid && v.alike(w) && v.query == w.query &&
		(v.as == w.as || v.as == byService && v.kind == viewGet) && (v.kind == w.kind || v.kind == viewGet)
}

// narrow reports whether v shows no more of an entity than what a call set.
func (v view) narrow() bool { return v.kind == viewEcho || v.kind == viewSet }

// maxViews bounds how many views of one entity are remembered.
const maxViews = 8

// views are the views that have contributed to a state, the last one first,
// with spaces between them.
type views string

// all goes through the views of vs.
func (vs views) all(yield func(view) bool) {
	for s := range strings.SplitSeq(string(vs), " ") {
		if s != "" && !yield(parseView(s)) {
			return
		}
	}
}

// last returns the view that was added last.
func (vs views) last() view {
	first, _, _ := strings.Cut(string(vs), " ")
	v := parseView(first)
	v.less, v.old = false, false
	return v
}

// with returns vs with v as the last. A view that showed less once may do so again.
func (vs views) with(v view) views {
	if s := v.String(); vs == "" || string(vs) == s {
		return views(s)
	}
	list, plain := make([]view, 1, maxViews), v.plain()
	for w := range vs.all {
		if w.plain() == plain {
			v.less = v.less || w.less
			continue
		}
		if w.old = w.old && !v.shows(w); len(list) < maxViews {
			list = append(list, w)
		}
	}
	list[0] = v
	return joinViews(list)
}

// lessBut returns vs with all but v as ones that may show less.
func (vs views) lessBut(v view) views {
	var list []view
	for w := range vs.all {
		w.less = w.less || w.plain() != v
		list = append(list, w)
	}
	return joinViews(list)
}

// old returns vs with all of them as old.
func (vs views) old() views {
	var list []view
	for w := range vs.all {
		w.old = true
		list = append(list, w)
	}
	return joinViews(list)
}

// oldBut returns vs with those as old that show what the last one does not.
func (vs views) oldBut() views {
	var list []view
	last := vs.last()
	for w := range vs.all {
		w.old = w.old || len(list) > 0 && !last.shows(w)
		list = append(list, w)
	}
	return joinViews(list)
}

func joinViews(list []view) views {
	var b strings.Builder
	for i, v := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.String())
	}
	return views(b.String())
}

// only reports whether v is the only one of vs.
func (vs views) only(v view) bool {
	return vs != "" && strings.IndexByte(string(vs), ' ') < 0 && parseView(string(vs)) == v
}

// onlyBy reports whether nobody but as looked.
func (vs views) onlyBy(as string) bool {
	for v := range vs.all {
		if v.as != as {
			return false
		}
	}
	return true
}

// whole reports whether as looked, and was shown whatever others were, as far as
// that is known.
func (vs views) whole(as string) bool {
	looked := false
	for v := range vs.all {
		if v.as == as && (v.less || v.old) {
			return false
		}
		looked = looked || v.as == as
	}
	return looked
}

// has reports whether the view v is one of vs, and showed whatever others did, as
// far as that is known.
func (vs views) has(v view) bool {
	for w := range vs.all {
		if w == v {
			return true
		}
	}
	return false
}

// show reports whether one of vs shows whatever v shows.
func (vs views) show(v view) bool {
	for w := range vs.all {
		if w.shows(v) {
			return true
		}
	}
	return false
}

// by reports whether one of vs, and no narrow one, is who's or the service's.
func (vs views) by(who string) bool {
	for v := range vs.all {
		if !v.narrow() && !v.old && (v.as == who || v.as == byService) {
			return true
		}
	}
	return false
}

// fetched reports whether one of vs is a GET's.
func (vs views) fetched() bool {
	for v := range vs.all {
		if v.kind == viewGet {
			return true
		}
	}
	return false
}

// allOld reports whether nobody has looked since something may have been done.
func (vs views) allOld() bool {
	for v := range vs.all {
		if !v.old {
			return false
		}
	}
	return vs != ""
}

// echo reports whether all of vs are echoes.
func (vs views) echo() bool {
	for v := range vs.all {
		if v.kind != viewEcho {
			return false
		}
	}
	return true
}

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
		if said := c.req.Get(name); said != nil && c.reqKind != isPatch && c.e.res.find(c.res).Get(name) == nil {
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
