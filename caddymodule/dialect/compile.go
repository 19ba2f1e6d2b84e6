package dialect

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/rules/route"
)

// Compiled is a [Dialect] ready for use.
type Compiled struct {
	accept   []format.Format
	failure  *mapping.Mapping // nil: the problem itself
	envelope *mapping.Mapping // nil: none
	table    route.Table[*compiledRoute]
	methods  []string
}

type compiledRoute struct {
	action *action
	refuse []refusal
	fields []field
	filter string
	status int              // 0: our own answer
	reply  *mapping.Mapping // nil: none
}

// refusal refuses calls of which when is true.
type refusal struct {
	problem *problem.Details
	when    *lang.Expr
}

var routeMethod = regexp.MustCompile(`^[A-Z]+$`)

// CompileAll compiles dialects, by their names.
func CompileAll(of map[string]*Dialect) (map[string]*Compiled, error) {
	out := make(map[string]*Compiled, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		d := of[name]
		if d == nil {
			return nil, fmt.Errorf("dialect %s: it is null: write its routes", name)
		}
		var err error
		if out[name], err = d.Compile(); err != nil {
			return nil, fmt.Errorf("dialect %s: %w", name, err)
		}
	}
	return out, nil
}

// Named returns the dialect of a name among all; "" is nil, our own.
func Named(name string, all map[string]*Compiled) (*Compiled, error) {
	if d := all[name]; d != nil || name == "" {
		return d, nil
	}
	known := slices.Sorted(maps.Keys(all))
	if near := words.Nearest(name, known); near != "" {
		return nil, fmt.Errorf("dialect %q is not declared: did you mean %s?", name, near)
	}
	return nil, fmt.Errorf("dialect %q is not declared: declare it with dialect %s { … }, in sidehook of the global options", name, name)
}

// Compile says what is wrong with d, or returns it ready for use.
func (d *Dialect) Compile() (*Compiled, error) {
	out := &Compiled{accept: d.Accept}
	for _, f := range d.Accept {
		if !slices.Contains(format.All, f) {
			return nil, fmt.Errorf("accept: there is no format %q: write json, form, xml or yaml", f)
		}
	}
	if len(d.Accept) == 0 {
		out.accept = []format.Format{format.JSON}
	}
	if !slices.ContainsFunc(out.accept, format.Format.Writes) {
		return nil, fmt.Errorf("accept: no answer can be a form: write json, xml or yaml too")
	}
	var err error
	if out.failure, err = compileReply(d.Error, "error"); err != nil {
		return nil, fmt.Errorf("error: %w", err)
	}
	if out.envelope, err = compileReply(d.Envelope, "reply"); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	if len(d.Routes) == 0 {
		return nil, fmt.Errorf("it has no routes: write one like route POST /webhooks create { … }")
	}
	for _, r := range d.Routes {
		if err := out.add(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add compiles a route and adds it.
func (d *Compiled) add(r *Route) error {
	if r == nil {
		return fmt.Errorf("a route is null: write one with method, path and action")
	}
	at := func(err error) error { return fmt.Errorf("route %s %s: %w", r.Method, r.Path, err) }
	compiled, err := r.compile()
	if err != nil {
		return at(err)
	}
	p, err := route.Parse(r.Path)
	if err != nil {
		return at(err)
	}
	if has := slices.Contains(p.Params(), "id"); compiled.action.one && !has {
		return at(fmt.Errorf("%s is about one subscription: write {id} where the path has its id", r.Action))
	}
	if _, taken := d.table.Put(r.Method, p, compiled); taken {
		return at(fmt.Errorf("it stands twice: write it once"))
	}
	if !slices.Contains(d.methods, r.Method) {
		d.methods = append(d.methods, r.Method)
		slices.Sort(d.methods)
	}
	return nil
}

func (r *Route) compile() (*compiledRoute, error) {
	if !routeMethod.MatchString(r.Method) {
		return nil, fmt.Errorf("%q is no method: write one in capitals, like POST", r.Method)
	}
	out := &compiledRoute{action: actions[r.Action], filter: r.Filter}
	if out.action == nil {
		return nil, fmt.Errorf("there is no action %q: write %s", r.Action, words.OrList(slices.Sorted(maps.Keys(actions))))
	}
	if r.Filter != "" {
		if r.Action != "create" {
			return nil, fmt.Errorf("filter: it is for what is created: write it in a route that creates")
		}
		if _, err := lang.Compile(r.Filter, lang.EnvEvent); err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
	}
	for _, f := range r.Refuse {
		refusal, err := f.compile()
		if err != nil {
			return nil, fmt.Errorf("refuse: %w", err)
		}
		out.refuse = append(out.refuse, refusal)
	}
	for _, f := range r.Fields {
		field, err := out.action.field(f)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Key, err)
		}
		out.fields = append(out.fields, field)
	}
	if r.Action == "create" {
		for _, name := range []string{"url", "scopes"} {
			if !slices.ContainsFunc(out.fields, func(f field) bool { return f.names[0] == name }) {
				return nil, fmt.Errorf("a subscription needs %s: write a line like field %s request.body.%s", name, name, name)
			}
		}
	}
	if r.Reply == nil {
		return out, nil
	}
	if out.status = r.Reply.Status; out.status < 200 || out.status > 299 {
		return nil, fmt.Errorf("reply %d: write a status from 200 to 299; what is refused is answered by error", out.status)
	}
	var err error
	if out.reply, err = compileReply(r.Reply.Body, "types", out.action.result); err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	return out, nil
}

func (f *Refusal) compile() (out refusal, err error) {
	switch {
	case f.Status < 400 || f.Status > 499:
		return out, fmt.Errorf("%d is no status that blames the call: write one from 400 to 499, like 422", f.Status)
	case f.Detail == "":
		return out, fmt.Errorf("it does not say why: write a text, like \"url is missing\"")
	case f.When == "":
		return out, fmt.Errorf("it does not say when: write when and an expression, like when request.body.url == nil")
	}
	if out.when, err = lang.Compile(f.When, lang.EnvDialect); err != nil {
		return out, err
	}
	out.problem = problem.New(f.Status, "%s", f.Detail)
	return out, onlyReads(out.when.Reads(), "types")
}

// compileReply compiles a body over the call and more names.
func compileReply(p *mapping.Payload, more ...string) (*mapping.Mapping, error) {
	if p == nil {
		return nil, nil
	}
	m, err := mapping.Compile(*p, lang.EnvDialect)
	if err != nil {
		return nil, err
	}
	return m, onlyReads(m.Reads(), more...)
}

// onlyReads is an error if something but the call and more is read.
func onlyReads(names []string, more ...string) error {
	known := []string{"request", "params"}
	for _, name := range more {
		if name != "" && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("it reads %s: here are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}
