package api

import (
	"encoding/json"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/internal/openapi"
)

// sentEvent is the standard payload, for the document: what a receiver gets that
// has asked for no other. Package rules writes it.
type sentEvent struct {
	Type      string          `json:"type" jsonschema:"Name of the event: its scope."`
	Timestamp time.Time       `json:"timestamp" jsonschema:"When it happened."`
	Data      json.RawMessage `json:"data" jsonschema:"The entity as it is since the change, or as it was before it was deleted: what the schema of the event type describes (listEventTypes). null: it is not known."`
	Previous  json.RawMessage `json:"previous,omitempty" jsonschema:"Of an update, where it is known: the old values of the fields that have changed, nested as in data."`
	Entity    sentEntity      `json:"entity" jsonschema:"What it is about."`
}

type sentEntity struct {
	Type     string `json:"type" jsonschema:"What kind of thing it is."`
	ID       string `json:"id" jsonschema:"Its id."`
	Sequence uint64 `json:"sequence,omitempty" jsonschema:"Counts the changes of the entity: what is lower than what you have is older. Events of one change have the same."`
}

const aboutSent = "A POST to the url of a subscription. Answer 2xx within its timeout, and do the work behind that. " +
	"An event may come more than once, with the same webhook-id: do it once.\n\n" +
	"Verify it first, as Standard Webhooks 1.0.0 says (there are libraries): webhook-signature has, parted by spaces, one signature for each secret that signs now. " +
	"v1, and base64 is the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`, the body byte for byte as it came; the key is what follows whsec_ in the secret, base64 decoded. " +
	"With sign ed25519 it is v1a, and base64, for a public key. Refuse what was signed more than five minutes ago.\n\n" +
	"With chunk, data is a list of such events, each with its id. Other values of payload, content_type and sign send other bodies and headers."

// describeSent describes what receivers get; body is that of a sentEvent. It stands
// there whole: generators of clients leave out components that only receivers need.
func describeSent(body *jsonschema.Schema) map[string]map[string]*openapi.Operation {
	op := &openapi.Operation{
		ID: "receiveEvent", Summary: "What a receiver gets", Description: aboutSent, Tags: []string{"receivers"},
		Body: &openapi.RequestBody{Required: true, Content: map[string]openapi.Media{"application/json": {Schema: body}}},
		Responses: map[string]*openapi.Response{
			"2XX":     {Description: "It is accepted. A webhook-delivery header of disable ends the subscription all the same."},
			"410":     {Description: "The receiver wants nothing more: the subscription is gone until it is resumed, and what it is owed is held."},
			"429":     {Description: "The whole subscription waits as long as Retry-After says, else a minute. 502, 503 and 504 with Retry-After mean the same. No attempt is spent."},
			"default": {Description: "It is tried again, as retry says; redirects are not followed. With webhook-delivery: abort-message this one is not."},
		},
	}
	for _, h := range []struct{ name, about string }{
		{"webhook-id", "Id of the event, or of the chunk: the same on each attempt and in a replay."},
		{"webhook-timestamp", "When this attempt was made, in seconds since 1970."},
		{"webhook-signature", "One signature for each secret that signs, parted by spaces."},
		{"webhook-attempt", "1 for the first request that is made for it."},
	} {
		op.Parameters = append(op.Parameters, &openapi.Parameter{
			Name: h.name, In: "header", Description: h.about, Required: true, Schema: &jsonschema.Schema{Type: "string"},
		})
	}
	return map[string]map[string]*openapi.Operation{"event": {"post": op}}
}
