package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/caddymodule/eventtype"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/internal/openapi"
	"github.com/sidehook/sidehook/internal/shape"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// apiEventType is an event type as the API shows it.
type apiEventType struct {
	Scope       string             `json:"scope" jsonschema:"Its name. What is in braces stands for a part of the path of the call, as in {collection}.created: subscribe to it with *, as in *.created."`
	API         string             `json:"api" jsonschema:"The api whose calls earn it."`
	Resource    string             `json:"resource" jsonschema:"What its events are about."`
	Description string             `json:"description" jsonschema:"What it says, in words."`
	Parameters  []string           `json:"parameters,omitempty" jsonschema:"What stands in braces in its scope."`
	Learned     bool               `json:"learned" jsonschema:"Whether there were events of it, so that its schema says something."`
	Schema      *jsonschema.Schema `json:"schema" jsonschema:"JSON Schema (2020-12) of data in the standard payload, as far as events have shown it. Events may have more."`
	Example     any                `json:"example" jsonschema:"A standard payload that fits the schema. No value in it is somebody's."`
}

// jsonSchema is the dialect that schemas are written in.
const jsonSchema = "https://json-schema.org/draft/2020-12/schema"

func (c *Call) listEventTypes() (apiAnswer, error) {
	page, err := c.page()
	if err != nil {
		return apiAnswer{}, err
	}
	patterns, err := c.scopes()
	if err != nil {
		return apiAnswer{}, err
	}
	list, resource := apiList{Data: []any{}}, c.r.URL.Query().Get("resource")
	for _, t := range c.eventTypes() {
		if t.Key() <= page.id || !selectsType(&t, patterns, resource) {
			continue
		}
		if len(list.Data) == page.limit {
			list.Next = c.next(cursor{position: 1, id: page.id})
			break
		}
		shown, err := c.viewEventType(&t)
		if err != nil {
			return apiAnswer{}, err
		}
		list.Data, page.id = append(list.Data, shown), t.Key()
	}
	if len(list.Data) == 0 {
		return c.nothing(&apiFilter{apiPage: page, scopes: patterns, resource: resource})
	}
	return apiAnswer{body: list}, nil
}

// selectsType reports whether t is of a resource and earns what a pattern selects.
func selectsType(t *eventtype.Type, patterns []webhook.Pattern, resource string) bool {
	return (resource == "" || t.Resource == resource) && matches(patterns, t.ExampleScope())
}

// ownTypes are the events of Sidehook's own.
var ownTypes = []eventtype.Type{
	{API: own.API, Scope: rules.Scope{Name: exampleScope, Resource: own.Resource, Description: "A test that somebody asked for. It goes to the subscription that is tested, whatever its scopes are."}},
	{API: own.API, Scope: rules.Scope{Name: own.Failing, Resource: own.Resource, Description: "Nothing was accepted by a subscription's receiver for a fifth, or three fifths, of its disable_after. Select it by a pattern that begins with sidehook."}},
	{API: own.API, Scope: rules.Scope{Name: own.Disabled, Resource: own.Resource, Description: "What its receiver did, or did not, has stopped a subscription. Select it by a pattern that begins with sidehook."}},
}

// eventTypes returns those there are: what rules earn, and Sidehook's own.
func (c *Call) eventTypes() []eventtype.Type {
	all := append(c.e.Current().EventTypes(), ownTypes...)
	slices.SortFunc(all, func(a, b eventtype.Type) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}

// FindEventType returns the type of a scope: as it is declared, or as an event
// has it.
func (c *Call) FindEventType(scope string) *eventtype.Type {
	var found *eventtype.Type
	for _, t := range c.eventTypes() {
		if t.Name == scope {
			return &t
		}
		if found == nil && eventtype.Fills(t.Name, scope) {
			found = &t
		}
	}
	return found
}

func (c *Call) readEventType() (apiAnswer, error) {
	t := c.FindEventType(c.id)
	if t == nil {
		return apiAnswer{}, problem.New(http.StatusNotFound, "no rule earns %s: GET /event_types lists what there is", c.id)
	}
	shown, err := c.viewEventType(t)
	return apiAnswer{body: shown}, err
}

func (c *Call) viewEventType(t *eventtype.Type) (v apiEventType, err error) {
	v = apiEventType{Scope: t.Name, API: t.API, Resource: t.Resource, Description: t.Describe()}
	for _, p := range eventtype.Parameter.FindAllString(t.Name, -1) {
		v.Parameters = append(v.Parameters, strings.Trim(p, "{}"))
	}
	var data any
	if v.Schema, data, v.Learned, err = c.knownOf(t, c.group()); err != nil {
		return v, err
	}
	v.Schema.Schema, v.Schema.Title = jsonSchema, t.Name
	v.Example = exampleOf(t, t.ExampleScope(), data)
	return v, nil
}

// group is whom the caller may be told of.
func (c *Call) group() uint64 {
	if c.Operator {
		return shape.Everybody
	}
	return eventtype.GroupOf(c.Tenant, false)
}

// knownOf returns the schema of t's data and an example of it, as they may be
// told to a group.
func (c *Call) knownOf(t *eventtype.Type, group uint64) (schema *jsonschema.Schema, example any, learned bool, err error) {
	switch {
	case t.Name == exampleScope:
		return &jsonschema.Schema{Type: "object", Required: []string{"example"}, Properties: map[string]*jsonschema.Schema{
			"example": {Type: "boolean"}, "subscription": {Type: "string"},
		}}, map[string]any{"example": true, "subscription": "sub_example"}, true, nil
	case t.API == own.API:
		schema, err = openapi.NewSchemas(apiTypes()).Of(reflect.TypeFor[own.Told]())
		return schema, own.ExampleOf(t.Name), true, err
	case strings.HasSuffix(t.Name, webhook.GapSuffix):
		schema, err = openapi.NewSchemas(apiTypes()).Of(reflect.TypeFor[webhook.Gap]())
		return schema, webhook.Gap{Reason: webhook.GapUnknownOutcome, Detail: "an example", From: own.ExampleTime, To: own.ExampleTime}, true, err
	}
	s, err := c.e.Learned.ShapeOf(t)
	return s.Schema(group), s.Example(group), s.Known(group), err
}

// examplePayload is the standard payload, as examples have it.
type examplePayload struct {
	Type      string        `json:"type"`
	Timestamp time.Time     `json:"timestamp"`
	Data      any           `json:"data"`
	Entity    exampleEntity `json:"entity"`
}

type exampleEntity struct {
	Type     string `json:"type"`
	ID       string `json:"id"`
	Sequence int    `json:"sequence"`
}

func exampleOf(t *eventtype.Type, scope string, data any) examplePayload {
	return examplePayload{Type: scope, Timestamp: own.ExampleTime, Data: data, Entity: exampleEntity{t.ExampleResource(), own.ExampleID, 1}}
}

// ExampleEvent is what a test of type t, or of none, tells: its resource, id and
// data.
func (c *Call) ExampleEvent(t *eventtype.Type, k *kept.Subscription) (resource, id string, data json.RawMessage, err error) {
	if t == nil || t.Name == exampleScope {
		data, err = json.Marshal(map[string]any{"example": true, "subscription": k.ID})
		return "subscription", string(k.ID), data, err
	}
	_, example, _, err := c.knownOf(t, eventtype.GroupOf(k.Tenant, false))
	if err == nil {
		data, err = json.Marshal(example)
	}
	return t.ExampleResource(), own.ExampleID, data, err
}
