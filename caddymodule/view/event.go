// Package view has the shapes in which a running server shows what is recorded:
// its endpoints write them, the command line reads them, and the OpenAPI document
// describes those of the subscription API. It knows the nouns and nothing of how
// they are kept.
package view

import (
	"encoding/json"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Event shows an event.
type Event struct {
	ID         webhook.EventID       `json:"id" jsonschema:"Id; that of its webhooks too."`
	Position   uint64                `json:"position" jsonschema:"Place in the order in which events were recorded."`
	Scope      string                `json:"scope" jsonschema:"What happened, like project.created."`
	Operation  webhook.Operation     `json:"operation,omitempty" jsonschema:"What was done to the entity; an event of Sidehook's own has none." enum:"created|updated|deleted|called|gap"`
	Entity     webhook.EntityKey     `json:"entity" jsonschema:"What it is about."`
	Sequence   uint64                `json:"sequence,omitempty" jsonschema:"Counts the changes of the entity, without holes."`
	Time       time.Time             `json:"time" jsonschema:"When the call ended that it comes of."`
	Recorded   time.Time             `json:"recorded" jsonschema:"When it was recorded."`
	Exchange   webhook.ExchangeID    `json:"exchange" jsonschema:"Id of the call that it comes of."`
	Cause      webhook.ExchangeID    `json:"cause,omitzero" jsonschema:"Id of the call because of which Sidehook looked."`
	Before     json.RawMessage       `json:"before,omitempty" jsonschema:"The entity before, if there was one and it is known."`
	After      json.RawMessage       `json:"after,omitempty" jsonschema:"The entity after, if there is one and it is known."`
	Changes    []webhook.FieldChange `json:"changes,omitempty" jsonschema:"What an update changed."`
	Item       json.RawMessage       `json:"item,omitempty" jsonschema:"The element that earned it."`
	Related    []webhook.Related     `json:"related,omitempty" jsonschema:"Entities related to it."`
	Attributes json.RawMessage       `json:"attributes,omitempty" jsonschema:"What its rule says of it."`
	Tenant     string                `json:"tenant,omitempty" jsonschema:"The tenant that may see it."`
	Unowned    bool                  `json:"unowned,omitempty" jsonschema:"Its tenant could not be told: nobody but the operator sees it."`
	Actor      string                `json:"actor,omitempty" jsonschema:"Who made the call."`
	Params     map[string]string     `json:"params,omitempty" jsonschema:"Parameters of the path of the call."`
	Request    webhook.EventRequest  `json:"request" jsonschema:"The call."`
	SkipKey    string                `json:"skip_key,omitempty" jsonschema:"The skip key that the call carried."`
	Provenance webhook.Provenance    `json:"provenance,omitzero" jsonschema:"How its before and after are known; an event of Sidehook's own, and an example, has none."`
	Gap        *webhook.Gap          `json:"gap,omitempty" jsonschema:"What may have been missed, and why."`
	DryRun     bool                  `json:"dry_run,omitempty" jsonschema:"It is shown, and never delivered."`
}

// OfEvent shows e.
func OfEvent(e *webhook.Event) Event {
	known := e.Provenance
	if known.Confidence == "" { // no call shows what it tells
		known = webhook.Provenance{}
	}
	return Event{
		ID: e.ID, Position: e.Position, Scope: e.Scope, Operation: e.Operation, Entity: e.Key,
		Sequence: e.Sequence, Time: e.Time, Recorded: e.Recorded, Exchange: e.Exchange, Cause: e.Cause,
		Before: e.Before, After: e.After, Changes: e.Changes, Item: e.Item, Related: e.Related,
		Attributes: e.Attrs, Tenant: e.Tenant, Unowned: e.Unowned, Actor: e.Actor, Params: e.Params,
		Request: e.Request, SkipKey: e.SkipKey, Provenance: known, Gap: e.Gap, DryRun: e.DryRun,
	}
}
