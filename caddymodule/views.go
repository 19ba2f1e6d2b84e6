package caddymodule

import (
	"encoding/json"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// The shapes in which the admin endpoint shows what is recorded.

type eventView struct {
	ID         webhook.EventID       `json:"id" jsonschema:"Id; that of its webhooks too."`
	Position   uint64                `json:"position" jsonschema:"Place in the order in which events were recorded."`
	Scope      string                `json:"scope" jsonschema:"What happened, like project.created."`
	Operation  webhook.Operation     `json:"operation" jsonschema:"What was done to the entity." enum:"created|updated|deleted|called|gap"`
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
	Provenance webhook.Provenance    `json:"provenance" jsonschema:"How its before and after are known."`
	Gap        *webhook.Gap          `json:"gap,omitempty" jsonschema:"What may have been missed, and why."`
	DryRun     bool                  `json:"dry_run,omitempty" jsonschema:"It is shown, and never delivered."`
}

func viewEvent(e *webhook.Event) eventView {
	return eventView{
		ID: e.ID, Position: e.Position, Scope: e.Scope, Operation: e.Operation, Entity: e.Key,
		Sequence: e.Sequence, Time: e.Time, Recorded: e.Recorded, Exchange: e.Exchange, Cause: e.Cause,
		Before: e.Before, After: e.After, Changes: e.Changes, Item: e.Item, Related: e.Related,
		Attributes: e.Attrs, Tenant: e.Tenant, Unowned: e.Unowned, Actor: e.Actor, Params: e.Params,
		Request: e.Request, SkipKey: e.SkipKey, Provenance: e.Provenance, Gap: e.Gap, DryRun: e.DryRun,
	}
}

type deliveryView struct {
	ID           webhook.DeliveryID     `json:"id" jsonschema:"Id."`
	Event        webhook.EventID        `json:"event" jsonschema:"Id of the event; of a chunk the first."`
	Chunk        *chunkView             `json:"chunk,omitempty" jsonschema:"It carries several events."`
	Scope        string                 `json:"scope,omitempty" jsonschema:"Scope of the event, while that is known."`
	Subscription webhook.SubscriptionID `json:"subscription" jsonschema:"Id of the subscription that it is owed to."`
	Position     uint64                 `json:"position" jsonschema:"Position of the event."`
	State        webhook.DeliveryState  `json:"state" jsonschema:"pending and held ones are owed; the others are final." enum:"pending|held|delivered|refused|exhausted|dead|cancelled|expired|not_visible"`
	Reason       string                 `json:"reason,omitempty" jsonschema:"Why it is in this state."`
	Attempts     int                    `json:"attempts" jsonschema:"How many attempts of its schedule were made."`
	Due          time.Time              `json:"due,omitzero" jsonschema:"When it is next attempted."`
	Created      time.Time              `json:"created" jsonschema:"When it was made."`
	Settled      time.Time              `json:"settled,omitzero" jsonschema:"When it reached its final state."`
	Made         []attemptView          `json:"requests,omitempty" jsonschema:"Its attempts."`
}

// chunkView tells of a delivery that it is a chunk.
type chunkView struct {
	ID     string            `json:"id" jsonschema:"Its webhook-id."`
	Number int               `json:"number" jsonschema:"Among the chunks of the call, of its scope and resource, from 0."`
	Events []webhook.EventID `json:"events" jsonschema:"Ids of its events, in order."`
}

// viewDelivery shows d as it stands with its subscription in state s.
func viewDelivery(d *webhook.Delivery, s webhook.SubscriptionState, now time.Time) deliveryView {
	v := deliveryView{
		ID: d.ID, Event: d.Event, Subscription: d.Subscription, Position: d.Position, State: d.State,
		Reason: d.Reason, Attempts: d.Attempts, Due: d.Due, Created: d.Created, Settled: d.Settled,
	}
	if d.Chunk != nil {
		v.Chunk = &chunkView{ID: d.WebhookID(), Number: d.Chunk.Number, Events: d.Events()}
	}
	if d.State != webhook.Pending {
		return v
	}
	switch {
	case s.Status != webhook.Active:
		v.State, v.Reason = webhook.Held, "the subscription is "+string(s.Status)+" ("+s.Reason+")"
	case d.Position <= s.HeldThrough:
		v.State, v.Reason = webhook.Held, "held until it is released"
	case s.Opened > 0 && now.Before(s.OpenUntil):
		v.Reason = "waits: the subscription's circuit is open until " + clock(s.OpenUntil)
	case s.Opened > 0:
		v.Reason = "waits: the subscription's circuit is half open, and one delivery is tried at a time"
	case now.Before(s.WaitUntil):
		v.Reason = "waits: the receiver asked to wait until " + clock(s.WaitUntil)
	}
	return v
}

type attemptView struct {
	Number   int             `json:"number" jsonschema:"1 for the first request that was made."`
	Started  time.Time       `json:"started" jsonschema:"When."`
	Millis   float64         `json:"milliseconds" jsonschema:"How long it took."`
	Outcome  webhook.Outcome `json:"outcome" jsonschema:"What came of it." enum:"accepted|failed|throttled|stopped|aborted|broken"`
	Status   int             `json:"status,omitempty" jsonschema:"Status of the answer, if there was one."`
	Error    string          `json:"error,omitempty" jsonschema:"What went wrong, in words."`
	URL      string          `json:"url" jsonschema:"Scheme and host of where it was sent: what follows may be a secret."`
	Sent     webhook.Header  `json:"sent,omitempty" jsonschema:"Headers that were sent, without secrets."`
	Received webhook.Header  `json:"received,omitempty" jsonschema:"Headers of the answer."`
	Answer   string          `json:"answer,omitempty" jsonschema:"The first 16 KiB of the body of the answer."`
	CutShort bool            `json:"answer_cut_short,omitempty" jsonschema:"The body was longer."`
}

func viewAttempt(a *webhook.Attempt) attemptView {
	return attemptView{
		Number: a.Number, Started: a.Started, Millis: float64(a.Latency.Microseconds()) / 1000,
		Outcome: a.Outcome, Status: a.Status, Error: a.Error, URL: a.URL, Sent: a.Sent,
		Received: a.Received, Answer: string(a.Answer), CutShort: a.CutShort,
	}
}

type subscriptionView struct {
	ID          webhook.SubscriptionID `json:"id"`
	Number      uint64                 `json:"number"`
	Status      webhook.Status         `json:"status"`
	Reason      string                 `json:"reason,omitempty"`
	Since       time.Time              `json:"since"`
	WaitUntil   time.Time              `json:"wait_until,omitzero"`
	Circuit     string                 `json:"circuit"` // closed, open or half_open
	CircuitOpen time.Time              `json:"circuit_open_until,omitzero"`
	Failures    int                    `json:"failures_in_a_row,omitempty"`
	Failing     time.Time              `json:"failing_since,omitzero"`
	HeldThrough uint64                 `json:"held_through,omitempty"`
	Pending     uint64                 `json:"pending"`
	Oldest      time.Time              `json:"oldest_due,omitzero"`
	PublicKeys  []string               `json:"public_keys,omitempty"` // of `sign ed25519`
}

func viewSubscription(s webhook.SubscriptionState, b webhook.Backlog, now time.Time) subscriptionView {
	return subscriptionView{
		Circuit: circuit(s, now), CircuitOpen: s.OpenUntil,
		ID: s.ID, Number: s.Number, Status: s.Status, Reason: s.Reason, Since: s.Since, WaitUntil: s.WaitUntil,
		Failing: s.FailingSince, Failures: s.Failures, HeldThrough: s.HeldThrough, Pending: b.Pending, Oldest: b.Oldest,
	}
}

// circuit names the state of s's circuit.
func circuit(s webhook.SubscriptionState, now time.Time) string {
	switch {
	case s.Opened == 0:
		return "closed"
	case now.Before(s.OpenUntil):
		return "open"
	}
	return "half_open"
}
