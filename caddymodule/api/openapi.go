package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/internal/openapi"
	"github.com/sidehook/sidehook/internal/version"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// apiTypes says how values are written that encoding/json does not write by
// their fields.
func apiTypes() map[reflect.Type]*jsonschema.Schema {
	text := func(format, pattern string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Format: format, Pattern: pattern}
	}
	duration := text("", `^([0-9]+(\.[0-9]+)?(d|h|m|s|ms|us|µs|ns))+$|^0$`)
	return map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[time.Time]():          text("date-time", ""),
		reflect.TypeFor[rules.Duration]():     duration,
		reflect.TypeFor[webhook.ExchangeID](): text("", ""),
		reflect.TypeFor[json.RawMessage]():    {},
		reflect.TypeFor[jsonschema.Schema]():  {Type: "object"},
		reflect.TypeFor[apiWhen]():            {OneOf: []*jsonschema.Schema{text("date-time", ""), {Type: "integer"}}},
		reflect.TypeFor[subscription.Retry](): {OneOf: []*jsonschema.Schema{
			{Type: "array", Items: duration, MaxItems: jsonschema.Ptr(subscription.MaxRetry)},
			{Type: "string", Enum: []any{"none", "short", "standard", "long"}},
		}},
		reflect.TypeFor[subscription.DisableTime](): {AnyOf: []*jsonschema.Schema{duration, {Type: "string", Enum: []any{subscription.None}}}},
	}
}

// apiShapes are the bodies, by the names that they have in the document; those
// that are part of another come first.
func apiShapes() []apiShape {
	return []apiShape{
		{"FieldProblem", reflect.TypeFor[problem.Field](), false},
		{"Problem", reflect.TypeFor[problem.Details](), false},
		{"Sign", reflect.TypeFor[subscription.Sign](), true},
		{"Header", reflect.TypeFor[subscription.Header](), true},
		{"Subscription", reflect.TypeFor[apiSubscription](), false},
		{"Rotation", reflect.TypeFor[apiRotation](), true},
		{"Test", reflect.TypeFor[apiTest](), true},
		{"EventType", reflect.TypeFor[apiEventType](), false},
		{"Sent", reflect.TypeFor[view.Sent](), false},
		{"EntityKey", reflect.TypeFor[webhook.EntityKey](), false},
		{"Event", reflect.TypeFor[view.Event](), false},
		{"Attempt", reflect.TypeFor[view.Attempt](), false},
		{"Delivery", reflect.TypeFor[view.Delivery](), false},
		{"Erasure", reflect.TypeFor[view.Erasure](), true},
		{"Erased", reflect.TypeFor[view.Erased](), false},
		{"NewReplay", reflect.TypeFor[apiReplay](), true},
		{"ReplayCount", reflect.TypeFor[view.ReplayCount](), false},
		{"Replay", reflect.TypeFor[view.Replay](), false},
	}
}

type apiShape struct {
	name   string
	of     reflect.Type
	closed bool // it is received: there is no field but those
}

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

// describe returns r as an operation; what it may answer with is added to
// responses.
func (r *apiRoute) describe(schemas *openapi.Schemas, responses map[string]*openapi.Response, operator bool) *openapi.Operation {
	op := &openapi.Operation{ID: r.id, Summary: r.about, Description: r.more, Responses: map[string]*openapi.Response{}}
	op.Tags = []string{strings.SplitN(r.path, "/", 2)[0]}
	op.Parameters = r.parameters(operator)
	if r.body != "" {
		op.Body = &openapi.RequestBody{
			Required: !r.optional,
			Content:  map[string]openapi.Media{"application/json": {Schema: openapi.Ref(r.body)}},
		}
	}
	op.Responses[strconv.Itoa(r.status)] = r.describeAnswer(schemas)
	for _, status := range r.problems(operator) {
		name := strings.ReplaceAll(http.StatusText(status), " ", "")
		responses[name] = &openapi.Response{
			Description: aboutStatus[status],
			Content:     map[string]openapi.Media{"application/problem+json": {Schema: openapi.Ref("Problem")}},
		}
		if status == http.StatusTooManyRequests {
			responses[name].Headers = map[string]*openapi.Header{
				"Retry-After": {Description: "Seconds to wait.", Schema: &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(1.0)}},
			}
		}
		op.Responses[strconv.Itoa(status)] = &openapi.Response{Ref: "#/components/responses/" + name}
	}
	return op
}

// aboutStatus says what each refusal means.
var aboutStatus = map[int]string{
	400: "The body or a parameter cannot be read.",
	401: "It is not known who calls.",
	403: "It is not known for which tenant, or the call comes from a page of another origin.",
	404: "There is none, or it is somebody else's.",
	409: "It stands in the Caddyfile, somebody else has changed it, there are too many, or it is not in a state for that.",
	412: "It is another version than If-Match says.",
	413: "The body is too large.",
	415: "The body is no JSON.",
	422: "A field is not right; all that are not are told.",
	429: "It comes too soon after others: Retry-After says how many seconds to wait.",
	500: "It went wrong here.",
	503: "Sidehook is starting or stopping.",
	507: "The disk is full: nothing was kept.",
}

// problems returns the statuses with which r may refuse.
func (r *apiRoute) problems(operator bool) []int {
	all := append([]int{400, 403, 500, 503}, r.refuses...)
	if !operator {
		all = append(all, 401)
	}
	if strings.Contains(r.path, "{id}") {
		all = append(all, 404)
	}
	if r.versioned {
		all = append(all, 412)
	}
	if r.writes() {
		all = append(all, 413, 415, 422)
	}
	if r.method != http.MethodGet {
		all = append(all, 507)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *apiRoute) parameters(operator bool) (all []*openapi.Parameter) {
	text := &jsonschema.Schema{Type: "string"}
	add := func(in, name, about string, schema *jsonschema.Schema) {
		all = append(all, &openapi.Parameter{Name: name, In: in, Description: about, Required: in == "path", Schema: schema})
	}
	if strings.Contains(r.path, "{id}") {
		add("path", "id", "Id of the "+strings.TrimSuffix(strings.SplitN(r.path, "/", 2)[0], "s")+".", text)
	}
	for _, p := range r.query {
		if operator || !p.operator {
			add("query", p.Name, p.About, p.Schema)
		}
	}
	if operator {
		add("query", "dir", "The data directory, where several are open.", text)
	}
	if r.versioned {
		add("header", "If-Match", "Do it to this version (ETag) only; else it is a 412.", text)
	}
	if r.repeats {
		add("header", "Idempotency-Key", "A repeat with the same key and body within 24 hours gets the same answer; with another body it is a 422.",
			&jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1), MaxLength: jsonschema.Ptr(255)})
	}
	return all
}

// describeAnswer describes the answer when all went well.
func (r *apiRoute) describeAnswer(schemas *openapi.Schemas) *openapi.Response {
	text := &jsonschema.Schema{Type: "string"}
	out := &openapi.Response{Description: r.about + "."}
	header := func(name, about string) {
		if out.Headers == nil {
			out.Headers = map[string]*openapi.Header{}
		}
		out.Headers[name] = &openapi.Header{Description: about, Schema: text}
	}
	if r.shows == "Subscription" && !r.list {
		header("ETag", "The version: of the settings and the status. Subscriptions of the Caddyfile have none.")
	}
	if r.status == http.StatusCreated {
		header("Location", "Where it is.")
	}
	if r.repeats {
		header("Idempotent-Replayed", "`true`: it was done by an earlier call with this Idempotency-Key.")
	}
	if r.shows == "" {
		return out
	}
	shows := r.shows
	if r.list {
		shows += "List"
		schemas.Add(shows, &jsonschema.Schema{
			Type: "object", Required: []string{"data"}, PropertyOrder: []string{"data", "next"},
			Properties: map[string]*jsonschema.Schema{
				"data": {Type: "array", Items: openapi.Ref(r.shows), Description: "The page."},
				"next": {Type: "string", Description: "Cursor of the next page. While it is there, there may be more, also behind a page with little or nothing in it."},
			},
		})
	}
	out.Content = map[string]openapi.Media{"application/json": {Schema: openapi.Ref(shows)}}
	return out
}
