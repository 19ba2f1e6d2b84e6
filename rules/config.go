package rules

import (
	"time"

	"github.com/sidehook/sidehook/rules/mapping"
)

// Config is everything that decides what a handler captures and what events
// come of it. It is stored by its hash before the first exchange that names
// it, so it holds no secrets. Its JSON is the handler's JSON.
type Config struct {
	// API names the application behind the handler; several handlers of one
	// name form one api. Default: "default".
	API string `json:"api,omitempty"`

	// Resources declares the kinds of things that the API keeps.
	Resources []Resource `json:"resources,omitempty"`

	// On declares routes outside every resource: an event is earned by the call.
	On []Route `json:"on,omitempty"`

	// Verbs replaces the last parts of the plain scopes, in the order created,
	// updated, deleted.
	Verbs []string `json:"verbs,omitempty"`

	// Override names the header or the field of the body that carries the
	// effective method of a POST. Default: none, for a client could name any.
	Override *Override `json:"override,omitempty"`

	// SkipHeader is the request header whose value is compared with a
	// subscription's skip_keys. Default: Webhook-Skip-Key.
	SkipHeader string `json:"skip_header,omitempty"`

	// DryRun derives and shows events, and delivers none.
	DryRun bool `json:"dry_run,omitempty"`

	// Defaults for every resource that does not say otherwise.
	Defaults
}

// Defaults are the settings that may stand in the handler, for all resources,
// or in one resource.
type Defaults struct {
	// Tenant is an expression, or one Caddy placeholder like {http.auth.user.id}.
	// One that reads only request, params or actor is part of the entity's key.
	Tenant string `json:"tenant,omitempty"`

	// Actor is an expression or one Caddy placeholder: who did it.
	Actor string `json:"actor,omitempty"`

	// Entity is the path of the entity in a response body, like data. Default:
	// found by itself (the root, data, the resource's name, JSON:API, HAL).
	Entity string `json:"entity,omitempty"`

	// Ignore lists paths whose change alone earns nothing; * is one name, ** the rest.
	Ignore []string `json:"ignore,omitempty"`

	// Redact lists paths that are removed before anything is kept, wherever on their way lists and
	// envelopes are, in any case of letters, and in what patches, forms and queries name.
	Redact []string `json:"redact,omitempty"`

	// Version is the path of a value that grows with every change.
	Version string `json:"version,omitempty"`

	// Representation says what a field missing from an answer means: auto, full
	// (removed) or partial (nothing). Default: auto.
	Representation string `json:"representation,omitempty"`

	// Keys lists arrays whose elements have an identity: links.id compares the
	// elements of links by their id; with it, links.tags.name the tags of each.
	Keys []string `json:"keys,omitempty"`

	// Before says how the state before a call is found: auto, snapshot (no
	// GET) , fetch (always one GET) or none. Default: auto.
	Before string `json:"before,omitempty"`

	// After says how the state after a call is found: auto, response, fetch or
	// request. Default: auto.
	After string `json:"after,omitempty"`

	// Trust is how long a snapshot is believed without asking, in nanoseconds
	// or as text like 10m. Default: 10m.
	Trust Duration `json:"trust,omitempty"`

	// Success is an expression that replaces "the status is 2xx". A 4xx counts
	// only if the expression has that number: response.status in [200, 402].
	Success string `json:"success,omitempty"`

	// Attributes adds values to each event, plain ones and those of deletes too.
	// Of a key that several places have, the innermost counts: that of an emit or
	// on line, then the resource's.
	Attributes []Field `json:"attributes,omitempty"`

	// Default none: resources earn no plain scopes.
	Default string `json:"default,omitempty"`
}

// Resource is a declared kind of thing.
type Resource struct {
	// Name is the resource's name, and the first part of its plain scopes. A
	// name in braces, like {collection}, is taken from the path.
	Name string `json:"name"`

	// Path is the collection: POST creates; PUT, PATCH and DELETE there change
	// the entities that the call lists, and are a gap if it lists none.
	Path string `json:"path"`

	// Singular: the path is the one entity itself; with parameters, which are its id
	// then, one for each.
	Singular bool `json:"singular,omitempty"`

	// Item is the path of one entity, absolute with a leading slash, else below
	// Path. Default: {id}.
	Item string `json:"item,omitempty"`

	// ID is the path of the id in a response body. Default: found by itself.
	ID string `json:"id,omitempty"`

	// Created, Updated and Deleted rename the plain scopes; none drops one.
	Created string `json:"created,omitempty"`
	Updated string `json:"updated,omitempty"`
	Deleted string `json:"deleted,omitempty"`

	// Emit lists the rules considered for every create and update.
	Emit []Rule `json:"emit,omitempty"`

	// Refresh names entities of other resources that a change of this one may
	// change too: each is asked for by a GET after the change.
	Refresh []Refresh `json:"refresh,omitempty"`

	// On lists further routes, and those that replace the usual ones (same
	// method and path).
	On []Route `json:"on,omitempty"`

	Defaults
}

// Route names calls by method and path.
type Route struct {
	// Method is one HTTP method, in capitals.
	Method string `json:"method"`

	// Path is absolute with a leading slash, else below the resource's path.
	Path string `json:"path"`

	// Operation is create, update, delete or upsert. Default in a resource:
	// update; outside: the call earns its scopes and has no before.
	Operation string `json:"operation,omitempty"`

	// Each is an expression whose elements are the entities (or the items) that
	// the call is about.
	Each string `json:"each,omitempty"`

	// Scope is earned by the call itself, changed or not, in place of the plain
	// scope; only When limits it.
	Scope string `json:"scope,omitempty"`
	When  string `json:"when,omitempty"`

	// ID is an expression: the entity's id.
	ID string `json:"id,omitempty"`

	// Emit lists rules considered for this route only.
	Emit []Rule `json:"emit,omitempty"`

	Extras
}

// Refresh names entities that a change of another entity may change too, like
// the project whose progress a task moves. After the change a GET shows each of
// them, and what differs from its last known state is derived as an exchange of
// its own, which refreshes nothing.
type Refresh struct {
	// Resource is the name of a resource of the same handler.
	Resource string `json:"resource"`

	// ID is an expression over the change, like after.customer_id: the id of the
	// entity, or a list of ids. Null names none.
	ID string `json:"id"`
}

// Rule says when a create or an update earns a scope.
type Rule struct {
	Scope   string `json:"scope"`
	Instead bool   `json:"instead,omitempty"` // drops the plain scope
	On      string `json:"on,omitempty"`      // create or update; default both
	Each    string `json:"each,omitempty"`    // one event for each element
	When    string `json:"when,omitempty"`
	ID      string `json:"id,omitempty"` // expression: the entity's id, where it is not the route's

	Extras
}

// Extras is what an emit line may say in its block.
type Extras struct {
	// Related adds second entities or values to the event.
	Related []Related `json:"related,omitempty"`

	// Unknown says what to do if the rule's condition cannot be judged: skip or
	// emit. Default: skip.
	Unknown string `json:"unknown,omitempty"`

	// Description tells subscribers what the scope means.
	Description string `json:"description,omitempty"`

	// Attributes adds values to the event, under their names.
	Attributes []Field `json:"attributes,omitempty"`
}

// Related is a second entity or value of an event.
type Related struct {
	Name string `json:"name"`
	Expr string `json:"expr"`

	// Resource says of which resource an entity is, so that subscribers can have it
	// as a GET of their own shows it. Its id is where the resource has it. Default:
	// it is a value, and sent as it is.
	Resource string `json:"resource,omitempty"`
}

// What lines of a key and an expression come to, of attributes and of payloads.
type (
	Field   = mapping.Field
	Payload = mapping.Payload
)

// Override names where the effective method of a POST is found; exactly one
// field is set. A POST that stands for GET reads, and earns nothing.
type Override struct {
	// Header is the name of a header, like X-HTTP-Method-Override.
	Header string `json:"header,omitempty"`

	// Field is the name of a field of the body, a form or JSON, like _method; else
	// of the query.
	Field string `json:"field,omitempty"`
}

// Defaults of the language (DESIGN.md §4).
const (
	DefaultAPI        = "default"
	defaultSkipHeader = "Webhook-Skip-Key"
	defaultTrust      = Duration(10 * time.Minute)
)
