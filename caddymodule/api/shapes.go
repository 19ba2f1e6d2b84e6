package api

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/view"
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
			{Type: "array", Items: duration, MaxItems: new(subscription.MaxRetry)},
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
