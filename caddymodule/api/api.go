// Package api is the subscription API over an engine: for callers, each of whom sees
// its own, and for the operator, who sees everything.
//
// Begin with routes.go: it has a line for each route, of which the router and the OpenAPI
// document are made, and its head says how to add one. api.go answers a call: it finds the
// route and reads the body. What a caller may see is in caller.go. A body is read by its
// fields in document.go, and probe.go says what is wrong with each of them; create.go, change.go,
// subscriptions.go and secrets.go keep what comes of it.
package api

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/words"
)

// Call is one call of the subscription API.
type Call struct {
	*Caller
	e    *engine.Engine
	r    *http.Request
	id   string // of the path
	verb string // of the path
	list string // which list is asked for, if one is
	path string // that the client asked for
	body []byte
}

// apiAnswer is the answer of a call that went well.
type apiAnswer struct {
	status   int // 0: 200
	body     any // nil: none
	etag     string
	location string
	replayed bool
}

// Serve answers one call of who. path is that below the API, asked the one
// that the client asked for.
func Serve(e *engine.Engine, w http.ResponseWriter, r *http.Request, who Caller, path, asked string) {
	c := &Call{Caller: &who, e: e, r: r, path: strings.TrimSuffix(asked, "/")}
	got, err := c.answer(w, strings.Trim(path, "/"))
	if err != nil {
		answer.Problem(w, told(e, err, r, asked))
		return
	}
	if got.etag != "" {
		w.Header().Set("ETag", got.etag)
	}
	if got.location != "" {
		w.Header().Set("Location", got.location)
	}
	if got.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	if got.body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer.JSON(w, cmp.Or(got.status, http.StatusOK), "application/json", got.body)
}

func (c *Call) answer(w http.ResponseWriter, path string) (apiAnswer, error) {
	route, bad := c.route(path)
	if bad != nil {
		return apiAnswer{}, bad
	}
	c.list = route.path
	if bad := sameOrigin(c.r); bad != nil {
		return apiAnswer{}, bad
	}
	if err := c.knownParameters(route); err != nil {
		return apiAnswer{}, err
	}
	if err := c.readBody(w, route); err != nil {
		return apiAnswer{}, err
	}
	return route.handle(c)
}

// knownParameters refuses a query that names what the route does not have: a
// filter that is misspelt would select everything.
func (c *Call) knownParameters(route *apiRoute) error {
	var known []string
	most := map[string]int{"dir": 1} // the admin endpoint's own
	for _, p := range route.query {
		known = append(known, p.Name)
		if most[p.Name] = 1; p.Schema.Type == "array" {
			most[p.Name] = mostScopes
		}
	}
	for name, values := range c.r.URL.Query() {
		switch {
		case most[name] == 0, name == "dir" && !c.Operator:
			return problem.WrongParameter(name, "%s", unknownParameter(name, known))
		case len(values) > most[name]:
			return problem.WrongParameter(name, "it is there %d times: %d may be", len(values), most[name])
		}
	}
	return nil
}

// mostScopes bounds the patterns of scopes that one call may give: each is held
// against each event.
const mostScopes = 100

func unknownParameter(name string, known []string) string {
	if len(known) == 0 {
		return fmt.Sprintf("there is no parameter %s: this call has none", name)
	}
	if near := words.Nearest(name, known); near != "" {
		return fmt.Sprintf("there is no parameter %s: did you mean %s?", name, near)
	}
	return fmt.Sprintf("there is no parameter %s: there are %s", name, strings.Join(known, ", "))
}

// route finds the route of a path and notes its parts.
func (c *Call) route(path string) (*apiRoute, *problem.Details) {
	var allow []string
	for i := range apiRoutes {
		id, ok := matchRoute(apiRoutes[i].path, path)
		if !ok {
			continue
		}
		if method := apiRoutes[i].method; method == c.r.Method || method == http.MethodGet && c.r.Method == http.MethodHead {
			c.id, c.verb = id, path[strings.LastIndex(path, "/")+1:]
			return &apiRoutes[i], nil
		}
		allow = append(allow, apiRoutes[i].method)
	}
	if len(allow) == 0 {
		return nil, problem.New(http.StatusNotFound,
			"there is nothing at /%s: /openapi.json says what there is; if those are below a path, the operator puts sidehook_api in handle_path", path)
	}
	slices.Sort(allow)
	return nil, answer.NotAllowed(c.r.Method, allow)
}

// Begins reports whether the path of some route begins with a name, or with what starts
// as it does.
func Begins(name string) bool {
	return slices.ContainsFunc(apiRoutes, func(r apiRoute) bool { return strings.HasPrefix(r.path, name) })
}

// matchRoute reports whether path is that of a route, and returns its {id}.
func matchRoute(pattern, path string) (id string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", false
	}
	for i := range want {
		switch {
		case want[i] == "{id}" && got[i] != "":
			id = got[i]
		case want[i] != got[i]:
			return "", false
		}
	}
	return id, true
}

// sameOrigin refuses what a page of another origin makes a browser do: that
// comes with the user's cookies, but not with the user's will.
func sameOrigin(r *http.Request) *problem.Details {
	as := *r
	as.Method = http.MethodPost // reads too
	if err := http.NewCrossOriginProtection().Check(&as); err != nil {
		return problem.New(http.StatusForbidden, "the call comes from a page of another origin")
	}
	return nil
}

// readBody reads the body of a write, which is JSON.
func (c *Call) readBody(w http.ResponseWriter, route *apiRoute) error {
	if !route.writes() {
		return nil
	}
	var err error
	if c.body, err = answer.Body(w, c.r); err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if kind == "application/json" || kind == "application/merge-patch+json" || kind == "" && len(c.body) == 0 {
		return c.noFields(route)
	}
	p := problem.New(http.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json")
	p.Header = http.Header{"Accept-Patch": {"application/merge-patch+json"}}
	return p
}

// noFields refuses fields where the route has none.
func (c *Call) noFields(route *apiRoute) error {
	if route.body != "" {
		return nil
	}
	doc, err := c.readDocument()
	for name := range doc {
		return problem.WrongField("/"+name, "there is no field %s: this call has none", name)
	}
	return err
}
