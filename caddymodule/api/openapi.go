package api

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/internal/openapi"
	"github.com/sidehook/sidehook/internal/version"
)

// apiReader is for whom a document is.
type apiReader int

const (
	forCaller   apiReader = iota
	forInsecure           // a caller who may have receivers with any certificate
	forOperator
)

// may reports whether somebody may set a field.
func (who apiReader) may(field string) bool {
	return who == forOperator || who == forInsecure && field == subscription.Insecure ||
		!slices.Contains(subscription.OperatorFields, field) && !slices.Contains(operatorOnce, field)
}

// apiDocuments are the documents, made when they are first asked for.
var apiDocuments = [...]func() (*openapi.Document, error){
	forCaller:   sync.OnceValues(func() (*openapi.Document, error) { return describeAPI(forCaller) }),
	forInsecure: sync.OnceValues(func() (*openapi.Document, error) { return describeAPI(forInsecure) }),
	forOperator: sync.OnceValues(func() (*openapi.Document, error) { return describeAPI(forOperator) }),
}

func (c *Call) readOpenAPI() (apiAnswer, error) {
	which := forCaller
	switch {
	case c.Operator:
		which = forOperator
	case c.AllowInsecure:
		which = forInsecure
	}
	made, err := apiDocuments[which]()
	if err != nil {
		return apiAnswer{}, err
	}
	doc := *made
	doc.Servers = []openapi.Server{{URL: cmp.Or(strings.TrimSuffix(c.path, "/openapi.json"), "/")}}
	return apiAnswer{body: doc}, nil
}

// describeAPI returns the document of the API: as callers see it, or as the
// operator does under the admin endpoint.
func describeAPI(who apiReader) (*openapi.Document, error) {
	schemas := openapi.NewSchemas(apiTypes())
	for _, shape := range apiShapes() {
		if err := schemas.Name(shape.name, shape.of, shape.closed); err != nil {
			return nil, fmt.Errorf("describe %s: %w", shape.name, err)
		}
	}
	schemas.Add("OpenAPI", &jsonschema.Schema{Type: "object"})
	if err := describeSettings(schemas, who); err != nil {
		return nil, err
	}
	doc := &openapi.Document{
		OpenAPI: openapi.Version,
		Info: openapi.Info{
			Title: "Sidehook subscriptions", Version: version.Number, Description: aboutAPI,
			License: &openapi.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Paths: map[string]map[string]*openapi.Operation{},
	}
	doc.Components.Responses = map[string]*openapi.Response{}
	for i := range apiRoutes {
		r := &apiRoutes[i]
		at := doc.Paths["/"+r.path]
		if at == nil {
			at = map[string]*openapi.Operation{}
			doc.Paths["/"+r.path] = at
		}
		at[strings.ToLower(r.method)] = r.describe(schemas, doc.Components.Responses, who == forOperator)
	}
	sent, err := schemas.Of(reflect.TypeFor[sentEvent]())
	if err != nil {
		return nil, fmt.Errorf("describe what is sent: %w", err)
	}
	doc.Webhooks = describeSent(sent)
	doc.Components.Schemas = schemas.Named()
	return doc, nil
}

const aboutAPI = "Make and manage webhook subscriptions, and see what happened and what was sent. " +
	"Who calls is told by whatever authenticates in front of it. Every refusal is a problem (RFC 9457). " +
	"Answers may get more fields in later versions: pass over those that you do not know."

// describeSettings adds what may be written: of a new subscription, and of a
// change to one.
func describeSettings(schemas *openapi.Schemas, who apiReader) error {
	settings, err := schemas.Of(reflect.TypeFor[subscription.Settings]())
	if err != nil {
		return fmt.Errorf("describe the settings: %w", err)
	}
	once, err := schemas.Of(reflect.TypeFor[givenOnce]())
	if err != nil {
		return fmt.Errorf("describe the settings: %w", err)
	}
	patch := settings.CloneSchemas()
	patch.Properties = map[string]*jsonschema.Schema{}
	for _, name := range settings.PropertyOrder {
		if !who.may(name) {
			delete(settings.Properties, name)
			continue
		}
		patch.Properties[name] = openapi.Nullable(settings.Properties[name])
	}
	patch.Properties["status"] = &jsonschema.Schema{
		Type: "string", Enum: []any{"active", "paused"},
		Description: "paused holds what it is owed, active goes on: as pause and resume do.",
	}
	patch.Required, patch.MinProperties = nil, nil
	for name, p := range once.Properties {
		if who.may(name) {
			settings.Properties[name] = p
		}
	}
	schemas.Add("NewSubscription", settings)
	schemas.Add("SubscriptionPatch", patch)
	return nil
}
