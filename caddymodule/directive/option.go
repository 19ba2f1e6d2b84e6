package directive

import (
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/words"
)

// Option is one word of the language and how its line is read.
type Option[T any] struct {
	Usage string // an example, for errors
	Parse func(l *Line, to T) error
	Many  bool // may stand more than once in a block
}

// Options are the words that may stand in one kind of block.
type Options[T any] map[string]Option[T]

// And returns the words of o and of more.
func (o Options[T]) And(more Options[T]) Options[T] {
	all := maps.Clone(o)
	maps.Copy(all, more)
	return all
}

// Parse reads the lines of a block into to. where names the block in errors.
func (o Options[T]) Parse(lines []*Line, to T, where string) error {
	seen := make(map[string]int)
	for _, l := range lines {
		opt, known := o[l.Name()]
		switch {
		case !known:
			return o.unknown(l, where)
		case seen[l.Name()] > 0 && !opt.Many:
			return l.Errf("%s stands twice in %s, first in line %d: write it once", l.Name(), where, seen[l.Name()])
		}
		seen[l.Name()] = l.Words[0].Line
		l.Usage = opt.Usage
		if err := opt.Parse(l, to); err != nil {
			return err
		}
	}
	return nil
}

// unknown says what may have been meant by the first word of l.
func (o Options[T]) unknown(l *Line, where string) error {
	name := l.Name()
	if place, ok := places[name]; ok {
		return l.Errf("%q does not stand in %s: it stands in %s", name, where, place)
	}
	if slices.Contains(siteDirectives, name) {
		return l.Errf("%q is a directive of the site, and no option in %s: write it outside of sidehook; if it is outside, a { above has no } of its own", name, where)
	}
	if near := words.Nearest(name, slices.Sorted(maps.Keys(o))); near != "" {
		return l.Errf("unknown option %q in %s: did you mean %s?", name, where, near)
	}
	return l.Errf("unknown option %q in %s: it takes %s", name, where, words.OrList(slices.Sorted(maps.Keys(o))))
}

// siteDirectives are those of Caddy's that stand beside sidehook, and so are
// read as its options where a block above them is not closed.
var siteDirectives = strings.Fields(`abort basic_auth bind encode error file_server forward_auth handle handle_errors
	handle_path import intercept log map php_fastcgi redir request_body request_header respond reverse_proxy rewrite
	root route sidehook sidehook_api templates tls tracing try_files uri vars`)

// Placed returns the words of which an error says where they stand.
func Placed() []string { return slices.Sorted(maps.Keys(places)) }

// places says where the words stand that are easily put in the wrong block.
var places = map[string]string{
	"resource":     "sidehook of a site",
	"subscription": "sidehook of the global options",
	"payload":      "sidehook of the global options, and a subscription names one",
	"store":        "sidehook of the global options",
	"journal":      "sidehook of the global options",
	"retention":    "sidehook of the global options",
	"hold_for":     "sidehook of the global options",
	"scopes":       "a subscription, in sidehook of the global options",
	"secret":       "a subscription, in sidehook of the global options",
	"filter":       "a subscription, in sidehook of the global options",
	"on_change":    "a subscription, in sidehook of the global options",
	"fields":       "a subscription, in sidehook of the global options",
	"sign":         "a subscription, in sidehook of the global options",
	"retry":        "a subscription, in sidehook of the global options",
	"rate":         "a subscription, in sidehook of the global options",
	"chunk":        "a subscription, in sidehook of the global options",
	"delete_after": "a subscription, in sidehook of the global options",
	"for":          "a subscription, in sidehook of the global options",
	"skip_keys":    "a subscription, in sidehook of the global options",
	"emit":         "a resource, or in the block of on",
	"item":         "a resource",
	"create":       "a resource; outside one write on METHOD PATH",
	"update":       "a resource; outside one write on METHOD PATH",
	"upsert":       "a resource; outside one write on METHOD PATH",
	"delete":       "a resource; outside one write on METHOD PATH",
	"created":      "a resource; verbs renames it for all resources",
	"updated":      "a resource; verbs renames it for all resources",
	"deleted":      "a resource; verbs renames it for all resources",
	"refresh":      "a resource",
	"related":      "the block of emit or on",
	"unknown":      "the block of emit or on",
	"description":  "the block of emit or on",
	"attributes":   "sidehook of a site, a resource, or the block of emit or on",
	"when":         "the line of emit or on, and last in it",
	"each":         "the line of emit or on",
	"origin":       "sidehook of a site, outside its resources",
	"credential":   "sidehook of a site, outside its resources, and in a subscription",
	"egress":       "sidehook of the global options, and in a subscription",
	"proxy":        "egress, in sidehook of the global options or in a subscription",
	"resolvers":    "egress, in sidehook of the global options or in a subscription",
	"trusted_ca":   "egress, in sidehook of the global options or in a subscription",
	"view_check":   "a subscription, in sidehook of the global options",
	"expand":       "a subscription, in sidehook of the global options",
	"query":        "a subscription, in sidehook of the global options",
	"fetch":        "sidehook of a site, outside its resources",
	"max_body":     "sidehook of a site, outside its resources",
	"verbs":        "sidehook of a site, outside its resources",
	"override":     "sidehook of a site, outside its resources",
	"skip_header":  "sidehook of a site, outside its resources",
	"strict":       "sidehook of a site, outside its resources",
	"dry_run":      "sidehook of a site, outside its resources",

	"client_certificate": "egress, in sidehook of the global options or in a subscription",

	"disable_after":   "a subscription, in sidehook of the global options",
	"on_client_abort": "sidehook of a site, outside its resources",
	"encryption_key":  "sidehook of the global options",
	"owner":           "sidehook_api of a site",

	"allow_unauthenticated":      "sidehook_api of a site",
	"allow_insecure_skip_verify": "sidehook_api of a site",
	"max_subscriptions":          "sidehook_api of a site",

	"dialect":  "sidehook of the global options, and sidehook_api names one",
	"accept":   "a dialect, in sidehook of the global options",
	"envelope": "a dialect, in sidehook of the global options",
	"field":    "the block of route, in a dialect",
	"refuse":   "the block of route, in a dialect",
	"reply":    "the block of route, in a dialect",
}
