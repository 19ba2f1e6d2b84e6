package rules

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/rules/redact"
	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// Program is a compiled [Config]. It is read-only, and may be used by any
// number of goroutines.
type Program struct {
	api        string
	dryRun     bool
	override   *Override
	skipHeader string
	resources  []*resource
	related    []string  // names under which rules relate entities of resources
	outside    *resource // settings of the routes outside every resource
	table      route.Table[*endpoint]
	items      route.Table[*endpoint] // of GETs that show one entity
	methods    []string

	requestHeaders, responseHeaders, placeholders []string
	beginHeaders                                  []string          // of requestHeaders, what expressions read
	tenantHeaders                                 []string          // of those, what tenants are told by
	tenantFields                                  map[string]string // placeholders that are header fields, likewise

	scopes []Scope
}

// Kind says what a call on a route does.
type Kind string

const (
	Create Kind = "create"
	Update Kind = "update"
	Delete Kind = "delete"
	Upsert Kind = "upsert" // creates or updates: the state before tells
	Call   Kind = "call"   // outside every resource

	Seed    Kind = "seed"    // a page of a list showed the entity, of a crawl
	Observe Kind = "observe" // a GET of ours showed the entity, because of another exchange
)

// resource is a compiled [Resource].
type resource struct {
	name       string // may hold {parameters}
	dynamic    bool
	singular   bool
	collection *route.Pattern
	item       *route.Pattern // the path of one entity
	idParam    string         // the parameter of item that is the id; "" if there is one entity only
	parents    []string       // the parameters of collection that are no part of the name

	id      *lang.Query // in a response body; nil: found by itself
	idBelow *lang.Query // the same below the entity; nil: found by itself
	idNames []string
	idField string   // of an entity, what its path is made of
	called  []string // that, and idNames
	entity  *lang.Query
	wraps   []string // members that may hold the entity, in a request too: data, then its name
	opens   []string // those, and members that may hold it in an answer
	telling uint64   // lengths of idNames and wraps

	ignore         lang.Globs
	redact         redact.Paths
	keys           tree.Keys
	keyPaths       map[string]lang.Path
	version        *lang.Path
	representation string
	before, after  string
	trust          time.Duration
	success        *lang.Expr
	tenant, actor  *origin
	plain          map[webhook.Operation]string // "" earns nothing
	attributes     mapping.Lines                // of each event
	rules          []*rule
	refresh        []*refresh
	shown          *endpoint // the GET of one entity
	listed         *endpoint // the GET of all
}

// origin is where a tenant or an actor comes from: one of both is set.
type origin struct {
	placeholder string
	expr        *lang.Expr
	ofEntity    bool // reads the entity: an attribute, not part of the key
}

// endpoint is one method and path.
type endpoint struct {
	method  string
	pattern *route.Pattern
	place   string // JSON path in the configuration
	res     *resource
	kind    Kind
	named   bool // the path names the entity
	unsaid  bool // no line says that it is there
	id      *lang.Expr
	each    *lang.Expr
	lines   []*line
	plain   extras // of the plain scope
}

// line is one `on` line; the usual routes have one without a scope, and so have
// those outside resources: what they earn is their first rule.
type line struct {
	when   *lang.Expr
	id     *lang.Expr // outside resources
	each   *lang.Expr // outside resources
	rules  []*rule
	extras // of what the line earns, or else its part of the plain scope's
	scope  string
}

// rule is a compiled [Rule].
type rule struct {
	scope    string
	instead  bool
	on       webhook.Operation // "": both
	each     *lang.Expr
	eachKey  []string // names of the key of its elements
	when, id *lang.Expr
	extras
}

type extras struct {
	related     []relatedExpr
	attributes  mapping.Lines
	emitUnknown bool
	description string
}

type relatedExpr struct {
	name     string
	expr     *lang.Expr
	resource string // "": it is no entity
}

// Scope is something that a rule can earn.
type Scope struct {
	// Name is the scope; where a path parameter is part of it, it stands in
	// braces, as in {collection}.created.
	Name        string
	Description string
	Resource    string
}

// API returns the name of the api.
func (p *Program) API() string { return p.api }

// SkipHeader returns the canonical name of the header that holds a skip key.
func (p *Program) SkipHeader() string { return p.skipHeader }

// Resources returns the names of everything that events can be about, sorted.
// Names that are taken from the path, like {collection}, are left out: which of
// them are in use only the calls tell, and nothing is named as they are written.
func (p *Program) Resources() []string {
	var names []string
	for _, s := range p.scopes {
		if !nameParam.MatchString(s.Resource) {
			names = append(names, s.Resource)
		}
	}
	return eachOnce(names)
}

// MayName reports whether a resource's name that is taken from the path may come
// to be name.
func (p *Program) MayName(name string) bool {
	for _, s := range p.scopes {
		if !nameParam.MatchString(s.Resource) {
			continue
		}
		pattern := strings.Builder{}
		rest := s.Resource
		for at := nameParam.FindStringIndex(rest); at != nil; at = nameParam.FindStringIndex(rest) {
			pattern.WriteString(regexp.QuoteMeta(rest[:at[0]]) + "(?s:.+)")
			rest = rest[at[1]:]
		}
		if regexp.MustCompile("^" + pattern.String() + regexp.QuoteMeta(rest) + "$").MatchString(name) {
			return true
		}
	}
	return false
}

// Scopes returns everything that a rule can earn, gaps included, by name.
func (p *Program) Scopes() []Scope { return slices.Clone(p.scopes) }

// Earns reports whether some scope that a rule can earn is selected by pattern.
func (p *Program) Earns(pattern webhook.Pattern) bool {
	return slices.ContainsFunc(p.scopes, func(s Scope) bool { return pattern.MayMatch(s.Name) })
}

// Placeholders returns the Caddy placeholders, without braces, that tenant and
// actor name: what a capture must keep the values of.
func (p *Program) Placeholders() []string { return slices.Clone(p.placeholders) }

// RequestHeaders returns the canonical names of the request's header fields
// that a capture must keep: what expressions read, and what deriving needs.
func (p *Program) RequestHeaders() []string { return slices.Clone(p.requestHeaders) }

// BeginHeaders is [Program.RequestHeaders] for what is kept before a call is
// forwarded: only what expressions read.
func (p *Program) BeginHeaders() []string { return slices.Clone(p.beginHeaders) }

// ResponseHeaders is [Program.RequestHeaders] for the response.
func (p *Program) ResponseHeaders() []string { return slices.Clone(p.responseHeaders) }

// Canonical returns c as JSON that is the same for the same configuration, for
// [webhook.NewConfigID].
func (c *Config) Canonical() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		return nil // cannot be: only text, numbers and lists
	}
	return b
}
