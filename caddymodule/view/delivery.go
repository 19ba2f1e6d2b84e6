package view

import (
	"time"

	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

// Delivery shows a delivery.
type Delivery struct {
	ID           webhook.DeliveryID     `json:"id" jsonschema:"Id."`
	Event        webhook.EventID        `json:"event" jsonschema:"Id of the event; of a chunk the first."`
	Chunk        *Chunk                 `json:"chunk,omitempty" jsonschema:"It carries several events."`
	Scope        string                 `json:"scope,omitempty" jsonschema:"Scope of the event, while that is known."`
	Subscription webhook.SubscriptionID `json:"subscription" jsonschema:"Id of the subscription that it is owed to."`
	Position     uint64                 `json:"position" jsonschema:"Position of the event."`
	State        webhook.DeliveryState  `json:"state" jsonschema:"pending and held ones are owed; the others are final." enum:"pending|held|delivered|refused|exhausted|dead|cancelled|expired|not_visible"`
	Reason       string                 `json:"reason,omitempty" jsonschema:"Why it is in this state."`
	Attempts     int                    `json:"attempts" jsonschema:"How many attempts of its schedule were made."`
	Due          time.Time              `json:"due,omitzero" jsonschema:"When it is next attempted."`
	Created      time.Time              `json:"created" jsonschema:"When it was made."`
	Settled      time.Time              `json:"settled,omitzero" jsonschema:"When it reached its final state."`
	Made         []Attempt              `json:"requests,omitempty" jsonschema:"Its attempts."`
}

// Chunk tells of a delivery that it is a chunk.
type Chunk struct {
	ID     string            `json:"id" jsonschema:"Its webhook-id."`
	Number int               `json:"number" jsonschema:"Among the chunks of the call, of its scope and resource, from 0."`
	Events []webhook.EventID `json:"events" jsonschema:"Ids of its events, in order."`
}

// Because says in words why a subscription is in its status.
func Because(reason string) string {
	switch reason {
	case webhook.ReasonOperator:
		return "the operator's command"
	case "api":
		return "a call of the API"
	case webhook.ReasonPauseAfter:
		return "so many attempts failed in a row (pause_after)"
	case webhook.ReasonGone:
		return "its receiver answered 410"
	case webhook.ReasonDisable:
		return "its receiver answered webhook-delivery: disable"
	case webhook.ReasonAbsent:
		return "the configuration no longer has it"
	case webhook.ReasonCredential:
		return "the API does not take its credential"
	case webhook.ReasonDeleteAfter:
		return "so many attempts had no answer in time (delete_after)"
	case webhook.ReasonFailing:
		return "nothing was accepted for so long (disable_after)"
	}
	return reason
}

// OfDelivery shows d as it stands with its subscription in state s.
func OfDelivery(d *webhook.Delivery, s webhook.SubscriptionState, now time.Time) Delivery {
	v := Delivery{
		ID: d.ID, Event: d.Event, Subscription: d.Subscription, Position: d.Position, State: d.State,
		Reason: d.Reason, Attempts: d.Attempts, Due: d.Due, Created: d.Created, Settled: d.Settled,
	}
	if d.Chunk != nil {
		v.Chunk = &Chunk{ID: d.WebhookID(), Number: d.Chunk.Number, Events: d.Events()}
	}
	if d.State != webhook.Pending {
		return v
	}
	switch {
	case s.Status != webhook.Active:
		v.State, v.Reason = webhook.Held, "the subscription is "+string(s.Status)+": "+Because(s.Reason)
	case d.Position <= s.HeldThrough:
		v.State, v.Reason = webhook.Held, "held until it is released"
	case s.Opened > 0 && now.Before(s.OpenUntil):
		v.Reason = "waits: the subscription's circuit is open until " + words.Clock(s.OpenUntil)
	case s.Opened > 0:
		v.Reason = "waits: the subscription's circuit is half open, and one delivery is tried at a time"
	case now.Before(s.WaitUntil):
		v.Reason = "waits: the receiver asked to wait until " + words.Clock(s.WaitUntil)
	}
	return v
}

// Attempt shows an attempt.
type Attempt struct {
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

// OfAttempt shows a.
func OfAttempt(a *webhook.Attempt) Attempt {
	return Attempt{
		Number: a.Number, Started: a.Started, Millis: float64(a.Latency.Microseconds()) / 1000,
		Outcome: a.Outcome, Status: a.Status, Error: a.Error, URL: a.URL, Sent: a.Sent,
		Received: a.Received, Answer: string(a.Answer), CutShort: a.CutShort,
	}
}
