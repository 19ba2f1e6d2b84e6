package subscription

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/rules"
)

// Masked stands where a secret is that is not shown.
const Masked = "[secret]"

// Insecure is the field that callers may give only where the operator lets them:
// receivers with any certificate.
const Insecure = "insecure_skip_verify"

// OperatorFields are the fields of [Settings] that only the admin endpoint takes.
var OperatorFields = []string{"allow_private", Insecure}

// CallerFields are the others: none reads the environment or a file, or reaches what
// a stranger must not.
var CallerFields = slices.DeleteFunc(strict.Names(reflect.TypeFor[Settings]()), func(name string) bool {
	return slices.Contains(OperatorFields, name)
})

// Settings are what callers of the API may give and read of a subscription, under
// the names that the configuration has for them.
type Settings struct {
	URL                string                     `json:"url" jsonschema:"Where webhooks go, with https://." format:"uri"`
	Scopes             []string                   `json:"scopes" jsonschema:"Patterns of event names, of which listEventTypes tells: * is one part, ** the rest. What begins with sidehook. is selected only by patterns that do." bounds:"1|100"`
	Filter             string                     `json:"filter,omitempty" jsonschema:"Expression over the event, like entity.budget > 10000: only events for which it is true, or cannot be known, are delivered. Names: entity, before, changes, previous, scope, operation, id, resource, tenant, actor, time, request, related, item and more; ==, !=, <, >, and, or, not, in, contains, matches." bounds:"0|2000"`
	OnChange           []string                   `json:"on_change,omitempty" jsonschema:"Paths: updates that change none of them are not delivered."`
	Fields             []string                   `json:"fields,omitempty" jsonschema:"Paths of the entity that it gets, like status or owner.email. Default: all."`
	SkipKeys           []string                   `json:"skip_keys,omitempty" jsonschema:"Events of calls that carry one of these in Webhook-Skip-Key are not delivered."`
	Payload            string                     `json:"payload,omitempty" jsonschema:"standard (see webhooks in this document), full (with what else is known), thin (without the entity), cloudevents, cloudevents_binary, or a payload that the operator has declared. Default: standard."`
	ContentType        string                     `json:"content_type,omitempty" jsonschema:"How the body is written. Default: json." enum:"json|form"`
	Sign               *Sign                      `json:"sign,omitempty" jsonschema:"How deliveries are signed. Default: standard."`
	Headers            []Header                   `json:"headers,omitempty" jsonschema:"Sent with each delivery; in a value {scope} and other names of the event stand for what they are. Values of headers that usually carry a secret are shown as [secret]." bounds:"0|20"`
	Timeout            rules.Duration             `json:"timeout,omitempty" jsonschema:"Bounds one attempt. Default: 10s."`
	Retry              *Retry                     `json:"retry,omitempty" jsonschema:"How long to wait after each failed attempt, like [5s, 5m]; or none, short, standard or long. What is given here waits 1s at least each time. Default: standard."`
	Order              string                     `json:"order,omitempty" jsonschema:"Which deliveries wait for each other. Default: entity." enum:"none|entity|entity hold|subscription"`
	Concurrency        int                        `json:"concurrency,omitempty" jsonschema:"How many deliveries may be in flight at once. Default: 8." bounds:"0|1000"`
	Rate               string                     `json:"rate,omitempty" jsonschema:"How many requests are made to it, as 50/s, 100/m, 1000/h or none. Default: none."`
	Chunk              *Chunk                     `json:"chunk,omitempty" jsonschema:"Sends the events of one call, of one scope and resource, together."`
	PauseAfter         int                        `json:"pause_after,omitempty" jsonschema:"Pauses it after so many failed attempts in a row. Default: never." bounds:"0|1000000"`
	DeleteAfter        int                        `json:"delete_after,omitempty" jsonschema:"Ends it after so many attempts in a row without an answer in time. Default: never." bounds:"0|1000000"`
	DisableAfter       *DisableTime               `json:"disable_after,omitempty" jsonschema:"Disables it when nothing was accepted for so long, or none. Default: 5d."`
	Options            map[string]json.RawMessage `json:"options,omitempty" jsonschema:"What its payload, filter and headers see as options."`
	For                map[string]*ForResource    `json:"for,omitempty" jsonschema:"What is otherwise for the events of a resource, by its name."`
	ViewCheck          bool                       `json:"view_check,omitempty" jsonschema:"Delivers only what a GET of the entity with credential can see when it is delivered."`
	Credential         *Credential                `json:"credential,omitempty" jsonschema:"A header with which the API is asked as you. Its value is kept encrypted, and shown as [secret]."`
	Expand             []string                   `json:"expand,omitempty" jsonschema:"Sends the entity as a GET with credential shows it, with these in its query parameter expand." bounds:"0|100"`
	Query              map[string][]string        `json:"query,omitempty" jsonschema:"Sends the entity as a GET with credential shows it, with these query parameters: values are joined by commas, or sent one by one if the name ends in []."`
	Related            map[string]*RelatedView    `json:"related,omitempty" jsonschema:"What a GET with credential asks for of entities that are related to the event's, by their names there: such an entity is sent as that GET shows it, null if it shows none."`
	AllowPrivate       bool                       `json:"allow_private,omitempty" jsonschema:"It may be at a private address, and at an http:// URL."`
	InsecureSkipVerify bool                       `json:"insecure_skip_verify,omitempty" jsonschema:"Any certificate of the receiver is accepted."`
}
