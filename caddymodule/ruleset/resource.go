// Package ruleset reads what the block of the directive sidehook says of an API
// into [rules.Config]: resources (resource.go), what is earned (emit.go), what may
// stand in a resource and for all of them (defaults.go), and bodies (mapping.go).
// It says at which line a rule is wrong (place.go), and whether two blocks say the
// same of one resource (alike.go). The options of the handler itself are not its
// business.
package ruleset

import (
	"regexp"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/route"
)

// ResourceOptions are the words of a resource's block.
var ResourceOptions = WithDefaults(directive.Options[*rules.Resource]{
	"item":    {Usage: "item {id}", Parse: parseItem},
	"id":      {Usage: "id data.projectId", Parse: func(l *directive.Line, r *rules.Resource) error { return l.Checked(&r.ID, checkQuery) }},
	"create":  {Usage: "create POST bulk", Parse: parseRouteOf, Many: true},
	"update":  {Usage: "update POST {id}", Parse: parseRouteOf, Many: true},
	"upsert":  {Usage: "upsert PUT {id}", Parse: parseRouteOf, Many: true},
	"delete":  {Usage: "delete POST {id}/trash", Parse: parseRouteOf, Many: true},
	"created": {Usage: "created project.new, or created none", Parse: func(l *directive.Line, r *rules.Resource) error { return parseRename(l, &r.Created) }},
	"updated": {Usage: "updated project.changed, or updated none", Parse: func(l *directive.Line, r *rules.Resource) error { return parseRename(l, &r.Updated) }},
	"deleted": {Usage: "deleted project.removed, or deleted none", Parse: func(l *directive.Line, r *rules.Resource) error { return parseRename(l, &r.Deleted) }},
	"emit":    {Usage: emitUsage, Parse: parseResourceEmit, Many: true},
	"on":      {Usage: OnUsage, Parse: parseResourceOn, Many: true},
	"refresh": {Usage: "refresh customer after.customer_id", Parse: parseRefresh, Many: true},
}, func(r *rules.Resource) *rules.Defaults { return &r.Defaults })

// ParseResource reads
//
//	resource NAME PATH [singular] {
//		…
//	}
func ParseResource(l *directive.Line, c *rules.Config) error {
	args := l.Args()
	if len(args) < 2 {
		return l.Errf("resource wants a name and a path: write %s", l.Usage)
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
			return args[len(args)-1].Errf("unexpected %q: write %s, or singular behind it for a path that is the one entity itself", args[len(args)-1].Text, l.Usage)
		}
		r.Singular = true
	}
	for _, other := range c.Resources {
		if other.Name == r.Name {
			return args[0].Errf("resource %s is declared twice in this block: put it together", r.Name)
		}
	}
	if err := ResourceOptions.Parse(l.Block, &r, "resource "+r.Name); err != nil {
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

func checkResourceName(w directive.Word) error {
	if err := w.NoShorthand(); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(w.Text, "/"):
		return w.Errf("resource wants its name first: write resource NAME %s", w.Text)
	case !resourceName.MatchString(w.Text):
		return w.Errf("resource name %q: write letters, digits, _ and -, like project, with dots between parts, like project.payment; {collection} is a part of the path", w.Text)
	}
	return nil
}

func parseItem(l *directive.Line, r *rules.Resource) error {
	if err := l.One(&r.Item); err != nil {
		return err
	}
	if r.Singular {
		return l.Errf("resource %s is singular: its path is the one entity, so leave out item", r.Name)
	}
	return checkRoutePath(l.Words[1], r.Path)
}

// parseRefresh reads
//
//	refresh RESOURCE EXPR
func parseRefresh(l *directive.Line, r *rules.Resource) (err error) {
	if err := l.NoBlock(); err != nil {
		return err
	}
	if len(l.Words) < 3 {
		return l.Errf("refresh wants a resource and an expression that gives the id: write %s", l.Usage)
	}
	f := rules.Refresh{Resource: l.Words[1].Text}
	if !resourceName.MatchString(f.Resource) || strings.Contains(f.Resource, "{") || stateField.MatchString(f.Resource) {
		return l.Words[1].Errf("refresh %s: write the name of a resource, like %s", f.Resource, l.Usage)
	}
	f.ID, err = l.Expression(2, len(l.Words), lang.EnvRule)
	r.Refresh = append(r.Refresh, f)
	return err
}

// parseRename sets to to the scope, or none, that takes the place of a plain one.
func parseRename(l *directive.Line, to *string) error {
	_, err := parseScope(l, 1, to)
	if err != nil {
		return err
	}
	return l.One(to)
}

// parseRouteOf reads a line that is an operation's name and a route:
//
//	update METHOD PATH
func parseRouteOf(l *directive.Line, r *rules.Resource) error {
	args, err := l.Take(2, 2)
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
		r.On = append(r.On, rules.Route{Method: m, Path: args[1].Text, Operation: l.Name()})
	}
	return nil
}

// knownMethods are methods that may change something.
var knownMethods = []string{"POST", "PUT", "PATCH", "DELETE", "GET"}

// methodsOf returns the methods that w names: one, or several joined by |.
func methodsOf(w directive.Word) ([]string, error) {
	all := strings.Split(w.Text, "|")
	for i, m := range all {
		switch up := strings.ToUpper(m); {
		case m == "":
			return nil, w.Errf("method %q: write one like POST, or several like PUT|PATCH", w.Text)
		case up == "HEAD" || up == "OPTIONS" || up == "CONNECT" || up == "TRACE":
			return nil, w.Errf("a %s changes nothing: write a method like POST, or several like PUT|PATCH", up)
		case strings.HasPrefix(m, "/"):
			return nil, w.Errf("the method is missing before %s: write POST %s", m, m)
		case strings.Trim(up, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "":
			return nil, w.Errf("method %q: write one like POST, or several like PUT|PATCH", w.Text)
		case m != up:
			return nil, w.Errf("method %q: write it in capitals, %s", m, up)
		}
		for _, known := range knownMethods {
			if m != known && words.Distance(m, known) == 1 {
				return nil, w.Errf("method %q: did you mean %s?", m, known)
			}
			if i > 0 && m == all[0] {
				return nil, w.Errf("method %q: %s stands twice", w.Text, m)
			}
		}
	}
	return all, nil
}

// checkRoutePath checks w as a path of a route below base; "" is outside of all
// resources, where only an absolute path can be.
func checkRoutePath(w directive.Word, base string) error {
	if err := w.NoShorthand(); err != nil {
		return err
	}
	path := w.Text
	switch {
	case path == "":
		return w.Errf("the path is empty: write one like /api/projects")
	case strings.Contains(path, "://"):
		return w.Errf("path %q: leave out the scheme and the host; the site block has them", path)
	case strings.Contains(path, "*"):
		return w.Errf("path %q: write a parameter like {id} for one part; * stands for nothing here", path)
	case !strings.HasPrefix(path, "/") && base == "":
		return w.Errf("path %q: begin it with a slash, /%s", path, path)
	case !strings.HasPrefix(path, "/"):
		path = strings.TrimSuffix(base, "/") + "/" + path
	}
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, ":"); ok && name != "" {
			return w.Errf("path %q: write a parameter in braces, {%s}", w.Text, name)
		}
	}
	_, err := route.Parse(path)
	if err != nil {
		return w.Errf("%w", err)
	}
	return nil
}
