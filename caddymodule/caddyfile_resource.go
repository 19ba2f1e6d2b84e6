package caddymodule

import (
	"regexp"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/route"
)

// resourceOptions are the words of a resource's block.
var resourceOptions = withDefaults(options[*rules.Resource]{
	"item":    {usage: "item {id}", parse: parseItem},
	"id":      {usage: "id data.projectId", parse: func(l *optionLine, r *rules.Resource) error { return l.checked(&r.ID, checkQuery) }},
	"create":  {usage: "create POST bulk", parse: parseRouteOf, many: true},
	"update":  {usage: "update POST {id}", parse: parseRouteOf, many: true},
	"upsert":  {usage: "upsert PUT {id}", parse: parseRouteOf, many: true},
	"delete":  {usage: "delete POST {id}/trash", parse: parseRouteOf, many: true},
	"created": {usage: "created project.new, or created none", parse: func(l *optionLine, r *rules.Resource) error { return parseRename(l, &r.Created) }},
	"updated": {usage: "updated project.changed, or updated none", parse: func(l *optionLine, r *rules.Resource) error { return parseRename(l, &r.Updated) }},
	"deleted": {usage: "deleted project.removed, or deleted none", parse: func(l *optionLine, r *rules.Resource) error { return parseRename(l, &r.Deleted) }},
	"emit":    {usage: emitUsage, parse: parseResourceEmit, many: true},
	"on":      {usage: onUsage, parse: parseResourceOn, many: true},
	"refresh": {usage: "refresh customer after.customer_id", parse: parseRefresh, many: true},
}, func(r *rules.Resource) *rules.Defaults { return &r.Defaults })

// parseResource reads
//
//	resource NAME PATH [singular] {
//		…
//	}
func parseResource(l *optionLine, c *rules.Config) error {
	args := l.args()
	if len(args) < 2 {
		return l.errf("resource wants a name and a path: write %s", l.usage)
	}
	r := rules.Resource{Name: args[0].Text, Path: args[1].Text}
	if err := checkResourceName(args[0]); err != nil {
		return err
	}
	if err := checkRoutePath(args[1], ""); err != nil {
		return err
	}
	if len(args) > 2 {
		if args[2].Text != "singular" || len(args) > 3 {
			return args[len(args)-1].errf("unexpected %q: write %s, or singular behind it for a path that is the one entity itself", args[len(args)-1].Text, l.usage)
		}
		r.Singular = true
	}
	for _, other := range c.Resources {
		if other.Name == r.Name {
			return args[0].errf("resource %s is declared twice in this block: put it together", r.Name)
		}
	}
	if err := resourceOptions.parse(l.block, &r, "resource "+r.Name); err != nil {
		return err
	}
	c.Resources = append(c.Resources, r)
	return nil
}

// resourceName matches a name, which begins the resource's scopes and is made
// like them, from what stands there and from what the path gives.
var resourceName = regexp.MustCompile(`^` + namePart + `([./]` + namePart + `)*$`)

const namePart = `([A-Za-z0-9_-]|\{[a-z_][a-z0-9_]*\})+`

// stateField matches the beginning of an expression.
var stateField = regexp.MustCompile(`^(after|before|entity)\.`)

func checkResourceName(w word) error {
	if err := w.noShorthand(); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(w.Text, "/"):
		return w.errf("resource wants its name first: write resource NAME %s", w.Text)
	case !resourceName.MatchString(w.Text):
		return w.errf("resource name %q: write letters, digits, _ and -, like project, with dots between parts, like project.payment; {collection} is a part of the path", w.Text)
	}
	return nil
}

func parseItem(l *optionLine, r *rules.Resource) error {
	if err := l.one(&r.Item); err != nil {
		return err
	}
	if r.Singular {
		return l.errf("resource %s is singular: its path is the one entity, so leave out item", r.Name)
	}
	return checkRoutePath(l.words[1], r.Path)
}

// parseRefresh reads
//
//	refresh RESOURCE EXPR
func parseRefresh(l *optionLine, r *rules.Resource) (err error) {
	if err := l.noBlock(); err != nil {
		return err
	}
	if len(l.words) < 3 {
		return l.errf("refresh wants a resource and an expression that gives the id: write %s", l.usage)
	}
	f := rules.Refresh{Resource: l.words[1].Text}
	if !resourceName.MatchString(f.Resource) || strings.Contains(f.Resource, "{") || stateField.MatchString(f.Resource) {
		return l.words[1].errf("refresh %s: write the name of a resource, like %s", f.Resource, l.usage)
	}
	f.ID, err = l.expression(2, len(l.words), lang.EnvRule)
	r.Refresh = append(r.Refresh, f)
	return err
}

// parseRename sets to to the scope, or none, that takes the place of a plain one.
func parseRename(l *optionLine, to *string) error {
	_, err := parseScope(l, 1, to)
	if err != nil {
		return err
	}
	return l.one(to)
}

// parseRouteOf reads a line that is an operation's name and a route:
//
//	update METHOD PATH
func parseRouteOf(l *optionLine, r *rules.Resource) error {
	args, err := l.take(2, 2)
	if err != nil {
		return err
	}
	methods, err := methodsOf(args[0])
	if err != nil {
		return err
	}
	if err := checkRoutePath(args[1], r.Path); err != nil {
		return err
	}
	for _, m := range methods {
		r.On = append(r.On, rules.Route{Method: m, Path: args[1].Text, Operation: l.name()})
	}
	return nil
}

// knownMethods are methods that may change something.
var knownMethods = []string{"POST", "PUT", "PATCH", "DELETE", "GET"}

// methodsOf returns the methods that w names: one, or several joined by |.
func methodsOf(w word) ([]string, error) {
	all := strings.Split(w.Text, "|")
	for i, m := range all {
		switch up := strings.ToUpper(m); {
		case m == "":
			return nil, w.errf("method %q: write one like POST, or several like PUT|PATCH", w.Text)
		case up == "HEAD" || up == "OPTIONS" || up == "CONNECT" || up == "TRACE":
			return nil, w.errf("a %s changes nothing: write a method like POST, or several like PUT|PATCH", up)
		case strings.HasPrefix(m, "/"):
			return nil, w.errf("the method is missing before %s: write POST %s", m, m)
		case strings.Trim(up, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "":
			return nil, w.errf("method %q: write one like POST, or several like PUT|PATCH", w.Text)
		case m != up:
			return nil, w.errf("method %q: write it in capitals, %s", m, up)
		}
		for _, known := range knownMethods {
			if m != known && words.Distance(m, known) == 1 {
				return nil, w.errf("method %q: did you mean %s?", m, known)
			}
			if i > 0 && m == all[0] {
				return nil, w.errf("method %q: %s stands twice", w.Text, m)
			}
		}
	}
	return all, nil
}

// checkRoutePath checks w as a path of a route below base; "" is outside of all
// resources, where only an absolute path can be.
func checkRoutePath(w word, base string) error {
	if err := w.noShorthand(); err != nil {
		return err
	}
	path := w.Text
	switch {
	case path == "":
		return w.errf("the path is empty: write one like /api/projects")
	case strings.Contains(path, "://"):
		return w.errf("path %q: leave out the scheme and the host; the site block has them", path)
	case strings.Contains(path, "*"):
		return w.errf("path %q: write a parameter like {id} for one part; * stands for nothing here", path)
	case !strings.HasPrefix(path, "/") && base == "":
		return w.errf("path %q: begin it with a slash, /%s", path, path)
	case !strings.HasPrefix(path, "/"):
		path = strings.TrimSuffix(base, "/") + "/" + path
	}
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, ":"); ok && name != "" {
			return w.errf("path %q: write a parameter in braces, {%s}", w.Text, name)
		}
	}
	_, err := route.Parse(path)
	if err != nil {
		return w.errf("%w", err)
	}
	return nil
}
