package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/webhook"
)

var (
	nameParam    = regexp.MustCompile(`\{[a-z_][a-z0-9_]*\}`)
	caddyInWords = regexp.MustCompile(`\{http\.`)
)

func (k *compiler) resource(place string, c *Resource) error {
	r, err := k.settings(place, k.c.Defaults, c.Defaults)
	if err != nil {
		return err
	}
	r.name, r.singular = c.Name, c.Singular
	if err := k.named(place, c, r); err != nil {
		return err
	}
	if err := k.paths(place, c, r); err != nil {
		return err
	}
	if err := k.identity(place, c, r); err != nil {
		return err
	}
	if err := k.plainScopes(place, c, r); err != nil {
		return err
	}
	for i := range c.Emit {
		compiled, err := k.rule(fmt.Sprintf("%s.emit[%d]", place, i), &c.Emit[i], r, r.collection)
		if err != nil {
			return err
		}
		r.rules = append(r.rules, compiled)
	}
	k.p.resources = append(k.p.resources, r)
	k.item(place, r)
	if err := r.fills(join(place, "item"), r.item); err != nil {
		return err
	}
	for i := range c.On {
		if err := k.route(fmt.Sprintf("%s.on[%d]", place, i), &c.On[i], r); err != nil {
			return err
		}
	}
	return k.usual(place, r)
}

// named checks the resource's name.
func (k *compiler) named(place string, c *Resource, r *resource) error {
	if c.Name == "" {
		return bad(join(place, "name"), "a resource wants a name, like project")
	}
	if caddyInWords.MatchString(c.Name) {
		return bad(join(place, "name"), "Caddy replaced a shorthand by %s before it came here: give the parameter another name, like {kind}", c.Name)
	}
	r.dynamic = nameParam.MatchString(c.Name)
	if err := checkScope(c.Name); err != nil {
		return bad(join(place, "name"), "%v", err)
	}
	for _, other := range k.p.resources {
		if other.name == r.name {
			return bad(join(place, "name"), "resource %s is declared twice (%s and %s): add further paths to one of them, with lines like: on POST %s create",
				r.name, other.collection, c.Path, c.Path)
		}
	}
	return nil
}

func (k *compiler) paths(place string, c *Resource, r *resource) (err error) {
	if c.Path == "" {
		return bad(join(place, "path"), "a resource wants a path, like /api/projects")
	}
	if r.collection, err = route.Parse(c.Path); err != nil {
		return bad(join(place, "path"), "%v", err)
	}
	if err := scopeAt(join(place, "name"), r.name, r.collection); err != nil {
		return err
	}
	for _, name := range r.collection.Params() {
		if !strings.Contains(r.name, "{"+name+"}") {
			r.parents = append(r.parents, name)
		}
	}
	if c.Singular {
		if c.Item != "" {
			return bad(join(place, "item"), "a singular resource has no items: its path is the entity; leave item out")
		}
		r.item = r.collection
		if n := len(r.parents); n > 0 { // each of these has one: its id is theirs
			r.idParam, r.parents = r.parents[n-1], r.parents[:n-1]
		}
		return nil
	}
	item := c.Item
	if item == "" {
		item = "{id}"
	}
	if list, param := lastPart(c.Path); param == item && c.Item == "" || param != "" && absolute(c.Path, item) == c.Path {
		return bad(join(place, "path"), "the path of a resource is that of all its entities, and one has %s below it: write %s, or singular behind the path if it is the one entity itself", param, list)
	}
	if r.item, err = route.Parse(absolute(c.Path, item)); err != nil {
		return bad(join(place, "item"), "%v", err)
	}
	for _, name := range r.item.Params() {
		if name == "id" || !slices.Contains(r.collection.Params(), name) && r.idParam != "id" {
			r.idParam = name
		}
	}
	if r.idParam == "" {
		return bad(join(place, "item"), "the path %q has no parameter for the id: write one like {id}, or make the resource singular", item)
	}
	return nil
}

// lastPart cuts the last part off path if it is a parameter, like {id}; else
// param is "".
func lastPart(path string) (before, param string) {
	path = strings.TrimSuffix(path, "/")
	at := strings.LastIndexByte(path, '/')
	if at <= 0 || nameParam.FindString(path[at+1:]) != path[at+1:] {
		return path, ""
	}
	return path[:at], path[at+1:]
}

// absolute returns path as it is if absolute, else below the collection.
func absolute(collection, path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return strings.TrimSuffix(collection, "/") + "/" + path
}

// singular returns what one is called of what English calls orders or
// categories; "" for another word.
func singular(word string) string {
	if stem, ok := strings.CutSuffix(word, "ies"); ok {
		return stem + "y"
	}
	if stem, ok := strings.CutSuffix(word, "s"); ok && !strings.HasSuffix(stem, "s") {
		return stem
	}
	return ""
}

func (k *compiler) plainScopes(place string, c *Resource, r *resource) error {
	r.plain = make(map[webhook.Operation]string)
	verbs := k.c.Verbs
	if len(verbs) == 0 {
		verbs = []string{"created", "updated", "deleted"}
	}
	none := c.Default == "none" || k.c.Default == "none"
	for i, s := range []struct {
		op          webhook.Operation
		name, given string
	}{
		{webhook.Created, "created", c.Created},
		{webhook.Updated, "updated", c.Updated},
		{webhook.Deleted, "deleted", c.Deleted},
	} {
		switch {
		case s.given == "none" || s.given == "" && none:
			continue
		case s.given == "":
			s.given = r.name + "." + verbs[i]
		}
		if err := scopeAt(join(place, s.name), s.given, r.collection); err != nil {
			return err
		}
		r.plain[s.op] = s.given
	}
	return nil
}

// usual adds the routes that a resource has without saying so, where no line
// of its own has taken them.
func (k *compiler) usual(place string, r *resource) error {
	routes := []struct {
		method string
		at     *route.Pattern
		kind   Kind
	}{
		{"POST", r.collection, Create},
		{"PUT", r.item, Update},
		{"PATCH", r.item, Update},
		{"DELETE", r.item, Delete},
	}
	for _, u := range routes {
		e := &endpoint{method: u.method, pattern: u.at, place: place, res: r, kind: u.kind, lines: []*line{{}}}
		e.named = r.names(e.pattern)
		there, taken := k.p.table.Put(u.method, u.at, e)
		if taken && there.res == r {
			continue
		}
		if taken {
			return conflict(join(place, "path"), e, there)
		}
		k.endpoints = append(k.endpoints, e)
	}
	return nil
}

// lists adds the routes by which whole lists of entities are changed, on the path
// of the collection, where nothing else is there.
func (k *compiler) lists(place string, r *resource) {
	if r.singular || r.names(r.collection) {
		return
	}
	for _, u := range []struct {
		method string
		kind   Kind
	}{{"PUT", Update}, {"PATCH", Update}, {"DELETE", Delete}} {
		e := &endpoint{method: u.method, pattern: r.collection, place: place, res: r, kind: u.kind, unsaid: true, lines: []*line{{}}}
		if _, taken := k.p.table.Put(u.method, r.collection, e); !taken {
			k.endpoints = append(k.endpoints, e)
		}
	}
}

// names reports whether a call on pattern names the entity by its path.
func (r *resource) names(pattern *route.Pattern) bool {
	return r.singular || r.idParam != "" && slices.Contains(pattern.Params(), r.idParam)
}

func conflict(place string, e, there *endpoint) error {
	return bad(place, "%s %s of %s is as specific as %s %s of %s (%s): make one path more specific, or declare the route in one place only",
		e.method, e.pattern, e.owner(), there.method, there.pattern, there.owner(), there.place)
}

func (e *endpoint) owner() string {
	if e.kind == Call {
		return "an on line outside resources"
	}
	return "resource " + e.res.name
}
