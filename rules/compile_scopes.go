package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

const gapDescription = "something may have changed that could not be seen"

// checkScope is [webhook.CheckScope] for a scope that may hold {parameters};
// it keeps off what is Sidehook's own.
func checkScope(scope string) error {
	plain := nameParam.ReplaceAllString(scope, "x")
	switch {
	case strings.HasSuffix(plain, webhook.GapSuffix):
		return fmt.Errorf("scope %q: names that end in .gap are kept for gaps", scope)
	case plain == "sidehook" || strings.HasPrefix(plain, "sidehook."):
		return fmt.Errorf("scope %q: names that begin with sidehook. are kept for Sidehook itself", scope)
	}
	return webhook.CheckScope(plain)
}

// scopeAt checks a scope that calls on path earn: its parameters must be there.
func scopeAt(place, scope string, path *route.Pattern) error {
	if err := checkScope(scope); err != nil {
		return bad(place, "%v", err)
	}
	if missing := lacks(path, scope); missing != "" {
		return bad(place, "scope %q: the path %s has no %s", scope, path, missing)
	}
	return nil
}

// lacks returns a parameter of scope that path does not have, or "".
func lacks(path *route.Pattern, scope string) string {
	for _, p := range nameParam.FindAllString(scope, -1) {
		if !slices.Contains(path.Params(), p[1:len(p)-1]) {
			return p
		}
	}
	return ""
}

// fills checks that a further path of r has the parameters that r's own name
// and scopes are made of.
func (r *resource) fills(place string, path *route.Pattern) error {
	scopes := []string{r.name}
	for _, s := range r.plain {
		scopes = append(scopes, s)
	}
	for _, rule := range r.rules {
		scopes = append(scopes, rule.scope)
	}
	slices.Sort(scopes)
	for _, s := range scopes {
		if p := lacks(path, s); p != "" {
			return bad(place, "the path %s has no %s, which the name %s is made of: write a path with %s in it", path, p, s, p)
		}
	}
	return nil
}

// finish fills the lists that other packages ask for.
func (k *compiler) finish() {
	p := k.p
	p.requestHeaders = eachOnce(slices.Concat(derivedRequest, views.Headers, k.reqH))
	p.responseHeaders = eachOnce(slices.Concat(derivedResponse, k.resH))
	p.beginHeaders = eachOnce(k.reqH)
	p.placeholders = eachOnce(p.placeholders)
	p.tellsTenant()
	for _, r := range p.resources {
		r.shown.plain.attributes = r.attributes
	}
	for _, e := range k.endpoints {
		e.plain = e.plainExtras()
		if !slices.Contains(p.methods, e.method) {
			p.methods = append(p.methods, e.method)
		}
		k.scopesOf(e)
	}
	slices.SortStableFunc(p.scopes, compareScopes)
	p.scopes = slices.CompactFunc(p.scopes, func(a, b Scope) bool { return a.Name == b.Name && a.Resource == b.Resource })
}

// eachOnce returns texts sorted, each once, in the same memory.
func eachOnce(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// plainExtras puts together what the resource and the lines without a scope say
// of the plain scope.
func (e *endpoint) plainExtras() extras {
	x := extras{attributes: e.res.attributes}
	for _, l := range e.lines {
		if l.scope == "" {
			x.related = append(x.related, l.related...)
			x.attributes = overlaid(x.attributes, l.attributes)
		}
	}
	return x
}

// compareScopes sorts by name; of two that are the same, a described one is first.
func compareScopes(a, b Scope) int {
	described := func(s Scope) int {
		if s.Description == "" {
			return 1
		}
		return 0
	}
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Resource, b.Resource), described(a)-described(b))
}

// scopesOf adds what calls on e can earn.
func (k *compiler) scopesOf(e *endpoint) {
	add := func(scope, description, resource string) {
		if scope != "" {
			k.p.scopes = append(k.p.scopes, Scope{scope, description, resource})
		}
	}
	plain, description := true, ""
	for _, l := range e.lines {
		for _, r := range l.rules {
			name := e.res.name
			if e.kind == Call {
				name = parentScope(r.scope)
				add(name+webhook.GapSuffix, gapDescription, name)
			}
			add(r.scope, r.description, name)
		}
		add(l.scope, l.description, e.res.name)
		plain, description = plain && l.scope == "", cmp.Or(description, l.description)
	}
	if e.kind == Call {
		return
	}
	add(e.res.name+webhook.GapSuffix, gapDescription, e.res.name)
	for _, op := range e.kind.operations() {
		if plain {
			add(e.res.plain[op], description, e.res.name)
		}
		for _, r := range e.res.rules {
			if op != webhook.Deleted && (r.on == "" || r.on == op) {
				add(r.scope, r.description, e.res.name)
			}
		}
	}
}

func (k Kind) operations() []webhook.Operation {
	switch k {
	case Create:
		return []webhook.Operation{webhook.Created}
	case Update:
		return []webhook.Operation{webhook.Updated}
	case Delete:
		return []webhook.Operation{webhook.Deleted}
	case Upsert:
		return []webhook.Operation{webhook.Created, webhook.Updated}
	}
	return nil
}

// parentScope returns a scope without its last part.
func parentScope(scope string) string {
	if i := strings.LastIndexAny(scope, "./"); i > 0 {
		return scope[:i]
	}
	return scope
}
