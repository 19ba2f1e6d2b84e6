// Package subscription is what is written of one subscription, in the Caddyfile, in
// JSON or through the API: who gets which events, where and how. It is read and
// checked here, and made a [webhook.Subscription].
//
// [Subscription] has the fields (subscription.go), [Settings] those of them that callers of
// the API may give and read (settings.go). The words of the Caddyfile are in
// caddyfile*.go, what is refused in check.go. build.go makes it ready for use, with what it
// reads from the environment and from files; for what came through the API, which reads
// neither, stranger.go does. shown.go is what may be shown of it.
package subscription

import (
	"encoding/json"
	"time"

	"github.com/sidehook/sidehook/rules"
)

// Subscription says who wants which events, where, and how. Its name is what
// it is known by: when it leaves the configuration what it is owed is held, and
// when the name comes back delivery goes on.
type Subscription struct {
	Name string `json:"name"`

	// URL is where its webhooks are sent by POST.
	URL string `json:"url"`

	// Scopes are patterns of event names: * is one part, ** the rest.
	Scopes []string `json:"scopes"`

	// Tenant is the one tenant whose events it gets; * is all. Default: *.
	Tenant string `json:"tenant,omitempty"`

	// Filter is an expression over the event: only those for which it is true,
	// or cannot be known, are delivered.
	Filter string `json:"filter,omitempty"`

	// OnChange lists paths: updates that change none of them are not delivered.
	OnChange []string `json:"on_change,omitempty"`

	// Fields lists the paths of the entity that it gets. Default: all.
	Fields []string `json:"fields,omitempty"`

	// SkipKeys lists values of the skip header: events of calls that carry one
	// of them are not delivered.
	SkipKeys []string `json:"skip_keys,omitempty"`

	// Payload is the shape of the body: standard, full, thin, cloudevents
	// (CloudEvents 1.0 in structured mode), cloudevents_binary (its attributes as
	// headers), or one of the app's payloads. Default: standard.
	Payload string `json:"payload,omitempty"`

	// ContentType is json or form. Default: json.
	ContentType string `json:"content_type,omitempty"`

	// Sign says how deliveries are signed. Default: standard.
	Sign *Sign `json:"sign,omitempty"`

	// Secrets sign, newest first, five at most. {env.NAME} and {file./path} are
	// read when the configuration is loaded; anything else is the secret itself,
	// and visible in the configuration.
	Secrets []string `json:"secrets,omitempty"`

	// Headers are sent with each delivery.
	Headers []Header `json:"headers,omitempty"`

	// Timeout bounds one attempt, connecting and the answer's body included.
	// Default: 10s.
	Timeout rules.Duration `json:"timeout,omitempty"`

	// Retry lists how long to wait after each failed attempt, or is none, or names
	// a schedule: short, standard or long.
	// Default: standard, which is 5s 5m 30m 2h 5h 10h 14h 20h 24h.
	Retry *Retry `json:"retry,omitempty"`

	// Order says which deliveries wait for each other: none, those of one
	// entity, or those of the subscription. Behind one whose schedule ran out the
	// next is attempted; with "entity hold", none is until that one is released or
	// retried. Default: entity.
	Order string `json:"order,omitempty"`

	// Concurrency is how many deliveries may be in flight at once. Default: 8.
	Concurrency int `json:"concurrency,omitempty"`

	// Rate bounds how many requests are made to it in a second, a minute or an
	// hour, as 50/s, 100/m or 1000/h, retries included. They are spread evenly:
	// after a rest of any length, no more than a tenth of a second's worth, or
	// one, go out at once. What has to wait spends no attempt. Default: none.
	Rate string `json:"rate,omitempty"`

	// Chunk makes webhooks that carry the events of one call, of one scope and
	// resource, together, as an array in data. Default: each event is a webhook of
	// its own.
	Chunk *Chunk `json:"chunk,omitempty"`

	// PauseAfter pauses it after so many failed attempts in a row.
	// Default: never.
	PauseAfter int `json:"pause_after,omitempty"`

	// DeleteAfter ends it after so many attempts in a row that had no answer
	// within the timeout. One of the configuration cannot be deleted but there: it
	// is disabled, and what it is owed is held. Default: never.
	DeleteAfter int `json:"delete_after,omitempty"`

	// DisableAfter disables it when nothing was accepted for so long, although at
	// least ten attempts were made; what it is owed is held. Before, at a fifth and
	// at three fifths of the time, an event sidehook.subscription.failing warns of
	// it, and sidehook.subscription.disabled tells of it. Default: 5d, or as long as
	// Retry takes, if that is longer.
	DisableAfter *DisableTime `json:"disable_after,omitempty"`

	// Options is what payloads, filters and templates see as subscription.options:
	// an object, in JSON at most 16 KiB. Default: none.
	Options map[string]json.RawMessage `json:"options,omitempty"`

	// ViewCheck delivers only what its owner may see: before each delivery a GET of
	// the entity with Credential, at the origin of the api, must succeed. 403 and
	// 404 make the delivery not_visible; a 404 within a minute of the change is tried
	// again. Of a deleted entity the last answer within 30 days decides.
	ViewCheck bool `json:"view_check,omitempty"`

	// Credential is whom the API is asked as. {env.NAME} and {file./path} in its
	// value are read when the configuration is loaded.
	Credential *Credential `json:"credential,omitempty"`

	// Expand makes the payload's entity from such a GET, with these in its query
	// parameter expand, separated by commas. A subscription of the configuration
	// without a credential asks with that of the handler.
	Expand []string `json:"expand,omitempty"`

	// Query makes the payload's entity from such a GET with these parameters: the
	// values of one are separated by commas, or if its name ends in [] each gets a
	// parameter of its own.
	Query map[string][]string `json:"query,omitempty"`

	// Related says what a GET asks for of entities that rules relate to an event's,
	// by the names that the rules give them. An entity that the GET does not show is
	// null.
	Related map[string]*RelatedView `json:"related,omitempty"`

	// For replaces options for the events of some resources, by their names.
	For map[string]*ForResource `json:"for,omitempty"`

	// Egress says how its receiver is reached; what is left out is as for all.
	Egress *Egress `json:"egress,omitempty"`

	// AllowPrivate lets it be at a private address. A subscription of the
	// configuration may be anywhere, whether this is set or not.
	AllowPrivate bool `json:"allow_private,omitempty"`

	// InsecureSkipVerify accepts any certificate of the receiver: for tests.
	InsecureSkipVerify bool `json:"insecure_skip_verify,omitempty"`

	// Source is where it stands in the file from which this configuration was adapted,
	// like Caddyfile:4. Errors say it; nothing else comes of it.
	Source string `json:"source,omitempty"`
}

// String names s, and says where it stands if that is known.
func (s *Subscription) String() string {
	if s.Source == "" {
		return "subscription " + s.Name
	}
	return "subscription " + s.Name + " (" + s.Source + ")"
}

// RelatedView is what is asked for of a related entity.
type RelatedView struct {
	// Expand and Query are as in the subscription.
	Expand []string            `json:"expand,omitempty"`
	Query  map[string][]string `json:"query,omitempty"`
}

// Sign says how deliveries are signed.
type Sign struct {
	// Scheme is standard (Standard Webhooks), ed25519 (the same, with a key that
	// signs and a public one that verifies), hmac or none.
	Scheme string `json:"scheme" jsonschema:"standard (Standard Webhooks), ed25519 (the same, with a key that signs and a public one that verifies), hmac or none." enum:"standard|ed25519|hmac|none"`

	// Header carries the signature of hmac.
	Header string `json:"header,omitempty" jsonschema:"The header that carries the signature of hmac."`

	// Encoding of the signature of hmac: hex or base64.
	Encoding string `json:"encoding,omitempty" jsonschema:"How the signature of hmac is written." enum:"hex|base64"`

	// Over is a template of the text that hmac signs. Default: {body}.
	Over string `json:"over,omitempty" jsonschema:"Template of the text that hmac signs. Default: {body}."`

	// As is a template of the header's value. Default: {signature}.
	As string `json:"as,omitempty" jsonschema:"Template of the header's value. Default: {signature}."`

	// Join is what stands between the signatures where receivers expect several,
	// one for each secret: "," makes v1=a,b of v1={signature}, and ",v1=" makes
	// v1=a,v1=b. Default: there is one signature; the oldest secret makes it.
	Join string `json:"join,omitempty" jsonschema:"What stands between the signatures of hmac where receivers expect several, one for each secret, like a comma. Default: one secret signs."`
}

// Header is one header field; Value is a template with names in braces, like
// {scope}. {env.NAME} and {file./path} are read when the configuration is loaded.
type Header struct {
	Name  string `json:"name" jsonschema:"Name of the header."`
	Value string `json:"value" jsonschema:"Template of its value, with names in braces, like {scope}."`
}

// Bounds and defaults of subscriptions.
const (
	MaxSecrets     = 5
	MaxRetry       = 50 // waits of a schedule
	maxConcurrency = 1000
	maxTimeout     = 5 * time.Minute
	maxOptions     = 16 << 10

	defaultTimeout     = 10 * time.Second
	defaultConcurrency = 8
)

// None switches off what takes it.
const None = "none"

// BuiltinPayloads are the payloads that need no configuration.
var BuiltinPayloads = []string{"standard", "full", "thin", "cloudevents", "cloudevents_binary"}
