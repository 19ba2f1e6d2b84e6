package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// summary is what `sidehook check` says of a configuration.
type summary struct{ strings.Builder }

// handler adds the resources of h, with their routes and scopes.
func (s *summary) handler(h *handlerSettings) error {
	var c rules.Config
	if err := json.Unmarshal(h.canonical, &c); err != nil {
		return fmt.Errorf("read the configuration of a handler again: %w", err)
	}
	note := ""
	if c.DryRun {
		note = " (dry run: nothing is delivered)"
	}
	fmt.Fprintf(s, "api %s%s\n", h.program.API(), note)
	for i := range c.Resources {
		r := &c.Resources[i]
		fmt.Fprintf(s, "  resource %s\n", r.Name)
		for _, line := range routesOf(r) {
			fmt.Fprintf(s, "    %s\n", line)
		}
		s.scopes("    earns  ", earned(h.program, r.Name))
		for _, f := range r.Refresh {
			fmt.Fprintf(s, "    refreshes %s %s\n", f.Resource, f.ID)
		}
	}
	for _, r := range c.On {
		fmt.Fprintf(s, "  on %s %s\n", r.Method, r.Path)
		s.scopes("    earns  ", scopesOfRoute(r))
	}
	return nil
}

// scopes adds one line for each scope.
func (s *summary) scopes(label string, names []string) {
	for _, name := range names {
		fmt.Fprintf(s, "%s%s\n", label, name)
		label = strings.Repeat(" ", len(label))
	}
}

// routesOf returns the calls that are captured for r, a line for each path.
func routesOf(r *rules.Resource) []string {
	item := cmp.Or(r.Item, "{id}")
	usual := []rules.Route{
		{Method: "POST", Path: r.Path, Operation: "create"},
		{Method: "PUT", Path: item, Operation: "update"},
		{Method: "PATCH", Path: item, Operation: "update"},
		{Method: "DELETE", Path: item, Operation: "delete"},
	}
	if r.Singular {
		usual = usual[1:]
		for i := range usual {
			usual[i].Path = r.Path
		}
	}
	type call struct{ operation, path string }
	methods := make(map[call][]string)
	var order []call
	taken := make(map[string]int) // method and path, to the last route that has them
	all := append(usual, r.On...)
	for i, route := range all {
		taken[route.Method+" "+below(r.Path, route.Path)] = i
	}
	for i, route := range all {
		c := call{cmp.Or(route.Operation, "update"), below(r.Path, route.Path)}
		if taken[route.Method+" "+c.path] != i {
			continue
		}
		if methods[c] == nil {
			order = append(order, c)
		}
		methods[c] = append(methods[c], route.Method)
	}
	lines := make([]string, len(order))
	for i, c := range order {
		lines[i] = fmt.Sprintf("%-6s %-10s %s", c.operation, strings.Join(methods[c], "|"), c.path)
	}
	return lines
}

// below returns path as it is in full, below base unless it is absolute.
func below(base, path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return strings.TrimSuffix(base, "/") + "/" + path
}

// earned returns the scopes of one resource, gaps left out.
func earned(p *rules.Program, resource string) []string {
	var names []string
	for _, sc := range p.Scopes() {
		if sc.Resource != resource || strings.HasSuffix(sc.Name, webhook.GapSuffix) {
			continue
		}
		if sc.Description != "" {
			sc.Name += "  (" + sc.Description + ")"
		}
		names = append(names, sc.Name)
	}
	return names
}

// scopesOfRoute returns the scopes of a route outside of all resources.
func scopesOfRoute(r rules.Route) []string {
	var names []string
	if r.Scope != "" {
		names = append(names, r.Scope)
	}
	for _, rule := range r.Emit {
		names = append(names, rule.Scope)
	}
	return names
}

// subscriptions adds who gets what.
func (s *summary) subscriptions(app *App, set *settings) {
	var programs []*rules.Program
	for _, h := range set.handlers {
		programs = append(programs, h.program)
	}
	known := allScopes(programs)
	for i, sub := range set.subscriptions {
		fmt.Fprintf(s, "subscription %s → %s\n", sub.ID, app.Subscriptions[i].URL)
		var gets []string
		for _, name := range known {
			if sub.Wants(name) || strings.Contains(name, "{") && wantsSome(sub, name) {
				gets = append(gets, name)
			}
		}
		s.scopes("    gets   ", gets)
		s.limits(sub)
	}
	if len(set.subscriptions) == 0 {
		s.WriteString("no subscriptions here: events are recorded, and delivered to those only that are made through the API\n")
	}
}

// limits adds what keeps some of the events of its scopes from sub.
func (s *summary) limits(sub *webhook.Subscription) {
	if sub.Tenant != webhook.AnyTenant {
		fmt.Fprintf(s, "    of     tenant %s\n", sub.Tenant)
	}
	if sub.Filter != "" {
		fmt.Fprintf(s, "    if     %s\n", sub.Filter)
	}
	if len(sub.OnChange) > 0 {
		fmt.Fprintf(s, "    if     an update changes %s\n", words.OrList(sub.OnChange))
	}
	if sub.ViewCheck {
		s.WriteString("    if     a GET with its credential shows the entity\n")
	}
	if q := strings.TrimPrefix(lookPath("", sub), "?"); q != "" {
		fmt.Fprintf(s, "    with   the entity as its own GET shows it: ?%s\n", q)
	}
	fmt.Fprintf(s, "    as     %s, signed: %s\n", sub.Payload, sub.Sign.Scheme)
	for _, resource := range slices.Sorted(maps.Keys(sub.For)) {
		fmt.Fprintf(s, "    for    %s, where otherwise:\n", resource)
		s.differs(sub, sub.For[resource])
	}
}

// differs adds what of v, which sub is for a resource, is not as in sub.
func (s *summary) differs(sub, v *webhook.Subscription) {
	for _, line := range []struct{ name, whole, here string }{
		{"filter", sub.Filter, v.Filter},
		{"on_change", strings.Join(sub.OnChange, " "), strings.Join(v.OnChange, " ")},
		{"fields", strings.Join(sub.Fields, " "), strings.Join(v.Fields, " ")},
		{"skip_keys", strings.Join(sub.SkipKeys, " "), strings.Join(v.SkipKeys, " ")},
		{"payload", sub.Payload, v.Payload},
		{"content_type", sub.ContentType, v.ContentType},
		{"timeout", sub.Timeout.String(), v.Timeout.String()},
		{"retry", fmt.Sprint(sub.Retry), fmt.Sprint(v.Retry)},
		{"order", string(sub.Order), string(v.Order)},
		{"GET", lookPath("", sub), lookPath("", v)},
	} {
		if line.whole != line.here {
			fmt.Fprintf(s, "           %s %s\n", line.name, line.here)
		}
	}
}

// wantsSome reports whether sub may want a scope whose parts in braces are
// taken from the path.
func wantsSome(sub *webhook.Subscription, scope string) bool {
	for _, p := range sub.Scopes {
		if mayMatch(strings.FieldsFunc(string(p), isSeparator), strings.FieldsFunc(scope, isSeparator)) {
			return true
		}
	}
	return false
}

func mayMatch(pattern, scope []string) bool {
	for i, want := range pattern {
		switch {
		case want == "**":
			return i < len(scope)
		case i >= len(scope):
			return false
		case want != "*" && want != scope[i] && !strings.HasPrefix(scope[i], "{"):
			return false
		}
	}
	return len(pattern) == len(scope)
}
