package caddymodule

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/route"
)

// dialect is a compiled [Dialect].
type dialect struct {
	accept   []format.Format
	failure  *rules.Mapping // nil: the problem itself
	envelope *rules.Mapping // nil: none
	table    route.Table[*dialectRoute]
	methods  []string
}

type dialectRoute struct {
	action *dialectAction
	refuse []dialectRefusal
	fields []dialectField
	filter string
	status int            // 0: our own answer
	reply  *rules.Mapping // nil: none
}

// dialectRefusal refuses calls of which when is true.
type dialectRefusal struct {
	problem *problem.Details
	when    *lang.Expr
}

// dialectField is a field of ours and where it comes from.
type dialectField struct {
	names       []string // of ours, outermost first
	expr        *lang.Expr
	theirs      string // the name in the body, if it is simply that; {resource} stands for one
	one         bool   // it is a list of that alone
	perResource bool
}

// dialectAction is something of our API that a route may stand for.
type dialectAction struct {
	method, path string
	one          bool     // of one subscription
	pages        bool     // answers page by page
	result       string   // the name of what it answers
	fields       []string // beside which it takes none; nil: any of a subscription
	status       bool     // takes the status too
}

var dialectActions = map[string]*dialectAction{
	"list":    {method: http.MethodGet, path: "subscriptions", pages: true, result: "subscriptions", fields: []string{}},
	"create":  {method: http.MethodPost, path: "subscriptions", result: "subscription"},
	"read":    {method: http.MethodGet, path: "subscriptions/{id}", one: true, result: "subscription", fields: []string{}},
	"change":  {method: http.MethodPatch, path: "subscriptions/{id}", one: true, result: "subscription", status: true},
	"delete":  {method: http.MethodDelete, path: "subscriptions/{id}", one: true, fields: []string{}},
	"pause":   {method: http.MethodPost, path: "subscriptions/{id}/pause", one: true, result: "subscription", fields: []string{}},
	"resume":  {method: http.MethodPost, path: "subscriptions/{id}/resume", one: true, result: "subscription", fields: []string{}},
	"release": {method: http.MethodPost, path: "subscriptions/{id}/release", one: true, result: "subscription", fields: []string{}},
	"rotate":  {method: http.MethodPost, path: "subscriptions/{id}/rotate", one: true, result: "subscription", fields: []string{"secret", "grace"}},
	"test":    {method: http.MethodPost, path: "subscriptions/{id}/test", one: true, fields: []string{"scope"}},
	"types":   {method: http.MethodGet, path: "event_types", pages: true, result: "types", fields: []string{}},
}

var routeMethod = regexp.MustCompile(`^[A-Z]+$`)

// perResourceFields are those that may be otherwise for each resource.
var perResourceFields = slices.Sorted(slices.Values(slices.DeleteFunc(fieldNames(reflect.TypeFor[subscription.ForResource]()),
	func(name string) bool { return name == "filter" || name == "headers" })))

// compileDialects compiles the dialects of the app.
func (a *App) compileDialects() error {
	a.run.dialects = make(map[string]*dialect, len(a.Dialects))
	for _, name := range slices.Sorted(maps.Keys(a.Dialects)) {
		d := a.Dialects[name]
		if d == nil {
			return fmt.Errorf("dialect %s: it is null: write its routes", name)
		}
		var err error
		if a.run.dialects[name], err = d.compile(); err != nil {
			return fmt.Errorf("dialect %s: %w", name, err)
		}
	}
	return nil
}

// dialect returns the dialect of a name; "" is nil, our own.
func (a *App) dialect(name string) (*dialect, error) {
	if d := a.run.dialects[name]; d != nil || name == "" {
		return d, nil
	}
	known := slices.Sorted(maps.Keys(a.run.dialects))
	if near := words.Nearest(name, known); near != "" {
		return nil, fmt.Errorf("dialect %q is not declared: did you mean %s?", name, near)
	}
	return nil, fmt.Errorf("dialect %q is not declared: declare it with dialect %s { … }, in sidehook of the global options", name, name)
}

// compile says what is wrong with d, or returns it ready for use.
func (d *Dialect) compile() (*dialect, error) {
	out := &dialect{accept: d.Accept}
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
func (d *dialect) add(r *DialectRoute) error {
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

func (r *DialectRoute) compile() (*dialectRoute, error) {
	if !routeMethod.MatchString(r.Method) {
		return nil, fmt.Errorf("%q is no method: write one in capitals, like POST", r.Method)
	}
	out := &dialectRoute{action: dialectActions[r.Action], filter: r.Filter}
	if out.action == nil {
		return nil, fmt.Errorf("there is no action %q: write %s", r.Action, words.OrList(slices.Sorted(maps.Keys(dialectActions))))
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
			if !slices.ContainsFunc(out.fields, func(f dialectField) bool { return f.names[0] == name }) {
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

func (f *DialectRefusal) compile() (out dialectRefusal, err error) {
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
func compileReply(p *rules.Payload, more ...string) (*rules.Mapping, error) {
	if p == nil {
		return nil, nil
	}
	m, err := rules.CompileMapping(*p, lang.EnvDialect)
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

// field compiles one field of an action.
func (a *dialectAction) field(f rules.Field) (out dialectField, err error) {
	out.names = strings.Split(f.Key, ".")
	if err := a.checkName(out.names[0]); err != nil {
		return out, err
	}
	if f.Expr == "" {
		return out, fmt.Errorf("it has no value: write an expression, like request.body.%s", out.names[0])
	}
	if out.expr, err = lang.Compile(f.Expr, lang.EnvDialect); err != nil {
		return out, err
	}
	reads := out.expr.Reads()
	if i := slices.Index(reads, "resource"); i >= 0 {
		if !slices.Contains(perResourceFields, out.names[0]) {
			return out, fmt.Errorf("it cannot differ by resource: only %s can", words.OrList(perResourceFields))
		}
		out.perResource = true
		reads = slices.Delete(reads, i, i+1)
	}
	out.theirs, out.one = passedOn(f.Expr)
	return out, onlyReads(reads)
}

// passed matches an expression that is a member of the body, and brackets those
// in it.
var (
	passed   = regexp.MustCompile(`^request\.body((?:\.\w+|\["[\w-]+"\]|\[resource\])+)$`)
	brackets = strings.NewReplacer(`["`, ".", `"]`, "", "[resource]", ".{resource}")
)

// passedOn returns the name of the member of the body that expr passes on as it
// came, "" if it does not; one says that it makes a list of it.
func passedOn(expr string) (theirs string, one bool) {
	expr = strings.TrimSpace(expr)
	if inner, is := strings.CutPrefix(expr, "[request.body"); is {
		expr, one = "request.body"+strings.TrimSuffix(inner, "]"), true
	}
	m := passed.FindStringSubmatch(expr)
	if m == nil {
		return "", false
	}
	return strings.TrimPrefix(brackets.Replace(m[1]), "."), one
}

func (a *dialectAction) checkName(name string) error {
	if name == "filter" {
		return fmt.Errorf("no filter is made of what a subscriber sends: write filter EXPR, over the event and subscription.options")
	}
	known := a.fields
	if known == nil {
		known = append(slices.DeleteFunc(slices.Clone(apiFields), func(f string) bool { return f == "filter" }), "secret", insecureField)
		if a.status {
			known = append(known, "status")
		}
		slices.Sort(known)
	}
	if slices.Contains(known, name) {
		return nil
	}
	if len(known) == 0 {
		return fmt.Errorf("this action takes no fields")
	}
	return fmt.Errorf("there is no such field: there are %s", words.OrList(known))
}
