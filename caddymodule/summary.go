package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/look"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// summary is what `sidehook check` says of a configuration.
type summary struct{ strings.Builder }

// handler adds the resources of h, with their routes and scopes.
func (s *summary) handler(h *settings.Handler) error {
	var c rules.Config
	if err := json.Unmarshal(h.Canonical, &c); err != nil {
		return fmt.Errorf("read the configuration of a handler again: %w", err)
	}
	note := ""
	if c.DryRun {
		note = " (dry run: nothing is delivered)"
	}
	fmt.Fprintf(s, "api %s%s\n", h.Program.API(), note)
	for i := range c.Resources {
		r := &c.Resources[i]
		fmt.Fprintf(s, "  resource %s\n", r.Name)
		for _, line := range ruleset.Routes(r) {
			fmt.Fprintf(s, "    %s\n", line)
		}
		s.scopes("    earns  ", earned(h.Program, r.Name))
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
func (s *summary) subscriptions(app *App, set *settings.Set) {
	known := set.Handlers.Scopes()
	for i, sub := range set.Subscriptions {
		fmt.Fprintf(s, "subscription %s → %s\n", sub.ID, app.Subscriptions[i].URL)
		var gets []string
		for _, name := range known {
			if slices.ContainsFunc(sub.Scopes, func(p webhook.Pattern) bool { return p.MayMatch(name) }) {
				gets = append(gets, name)
			}
		}
		s.scopes("    gets   ", gets)
		s.limits(sub)
		s.reach(app.Subscriptions[i].Egress, app.Egress, sub.InsecureSkipVerify)
	}
	for _, a := range app.run.apis {
		s.api(a, app.Egress)
	}
	if len(set.Subscriptions) == 0 {
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
	if len(sub.SkipKeys) > 0 {
		fmt.Fprintf(s, "    if     its call does not have the skip key %s\n", words.OrList(sub.SkipKeys))
	}
	if sub.ViewCheck {
		s.WriteString("    if     a GET with its credential shows the entity\n")
	}
	if q := strings.TrimPrefix(look.Path("", sub), "?"); q != "" {
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
		{"GET", look.Path("", sub), look.Path("", v)},
	} {
		if line.whole != line.here {
			fmt.Fprintf(s, "           %s %s\n", line.name, line.here)
		}
	}
}
