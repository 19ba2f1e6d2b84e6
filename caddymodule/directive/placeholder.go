package directive

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// arrived matches a request placeholder of Caddy: what the user wrote, or what
// Caddy made of a shorthand such as {path}.
var arrived = regexp.MustCompile(`\{http\.[^{}\s]*\}`)

// loaded matches a placeholder that is known when Caddy starts.
var loaded = regexp.MustCompile(`\{(env|file|system)\.[^{}\s]*\}`)

func (w Word) loadedInExpr(placeholder string) error {
	if name, ok := strings.CutPrefix(placeholder, "{env."); ok {
		return w.Errf("an expression cannot read the placeholder %s: write \"{$%s\", with the quotes, which is replaced when the Caddyfile is read", placeholder, name)
	}
	return w.Errf("an expression cannot read the placeholder %s: write its value", placeholder)
}

// Loaded returns the first placeholder of text that is known when Caddy starts, such
// as {env.NAME}; "" if there is none.
func Loaded(text string) string { return loaded.FindString(text) }

// NotLoaded is an error if w has such a placeholder: it is taken as it is.
func (w Word) NotLoaded() error {
	found := Loaded(w.Text)
	if found == "" {
		return nil
	}
	if name, ok := strings.CutPrefix(found, "{env."); ok {
		return w.Errf("%s is not replaced here: write {$%s, which is replaced when the Caddyfile is read", found, name)
	}
	return w.Errf("%s is not replaced here: write its value", found)
}

// typed matches beginnings of placeholders that have a shorthand with a part
// chosen by the user.
var typed = []struct{ long, short string }{
	{"http.request.header.", "header."},
	{"http.request.cookie.", "cookie."},
	{"http.request.host.labels.", "labels."},
	{"http.request.uri.path.file.", "file."},
	{"http.request.uri.path.", "path."},
	{"http.request.uri.query.", "query."},
	{"http.regexp.", "re."},
	{"http.vars.", "vars."},
	{"http.reverse_proxy.", "rp."},
	{"http.intercept.", "resp."},
	{"http.error.", "err."},
	{"http.matchers.file.", "file_match."},
}

// shorthand returns what the user may have typed where placeholder arrived,
// with braces; or placeholder itself if it has no shorthand.
func shorthand(placeholder string) string {
	if short := httpcaddyfile.WasReplacedPlaceholderShorthand(placeholder); short != "" {
		return short
	}
	inner := strings.Trim(placeholder, "{}")
	for _, p := range typed {
		if rest, ok := strings.CutPrefix(inner, p.long); ok {
			return "{" + p.short + rest + "}"
		}
	}
	return placeholder
}

// Shorthand returns what the user may have typed where the first request
// placeholder of text arrived, with braces; "" if there is none.
func Shorthand(text string) string {
	if found := arrived.FindString(text); found != "" {
		return shorthand(found)
	}
	return ""
}

// instead says how an expression reads what a placeholder stands for.
var instead = map[string]string{
	"{method}": "request.method", "{path}": "request.path", "{uri}": "request.path",
	"{query}": "request.query", "{http.auth.user.id}": "actor, with the option actor {http.auth.user.id}",
}

func (w Word) placeholderInExpr() error {
	found := shorthand(arrived.FindString(w.Text))
	write := "request.method, request.path, request.query, request.header[\"X-Name\"] or request.body"
	if known := instead[found]; known != "" {
		write = known
	} else if name, ok := strings.CutPrefix(found, "{header."); ok {
		write = fmt.Sprintf("request.header[%q]", strings.TrimSuffix(name, "}"))
	}
	return w.Errf("an expression cannot read the placeholder %s: write %s", found, write)
}

// NoShorthand is an error if w has a placeholder that Caddy made of a
// shorthand.
func (w Word) NoShorthand() error {
	long := arrived.FindString(w.Text)
	if long == "" {
		return nil
	}
	short := shorthand(long)
	if short == long {
		return w.Errf("%s is a placeholder of Caddy, not a path parameter: write a name, like {id}", long)
	}
	return w.Errf("%s is a shorthand of Caddy and arrives as %s: give the path parameter another name, like %s",
		short, long, paramLike(short))
}

// paramLike returns a name for a path parameter that is no shorthand of Caddy
// and reminds of short.
func paramLike(short string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(strings.Trim(short, "{}%?")))
	return "{" + name + "_name}"
}
