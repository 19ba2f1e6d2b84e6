package caddymodule

import (
	"encoding/json"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// The shapes in which the admin endpoint shows what is recorded.

type eventView struct {
	ID         webhook.EventID       `json:"id"`
	Position   uint64                `json:"position"`
	Scope      string                `json:"scope"`
	Operation  webhook.Operation     `json:"operation"`
	Entity     webhook.EntityKey     `json:"entity"`
	Sequence   uint64                `json:"sequence,omitempty"`
	Time       time.Time             `json:"time"`
	Recorded   time.Time             `json:"recorded"`
	Exchange   webhook.ExchangeID    `json:"exchange"`
	Cause      webhook.ExchangeID    `json:"cause,omitzero"`
	Before     json.RawMessage       `json:"before,omitempty"`
	After      json.RawMessage       `json:"after,omitempty"`
	Changes    []webhook.FieldChange `json:"changes,omitempty"`
	Item       json.RawMessage       `json:"item,omitempty"`
	Related    []webhook.Related     `json:"related,omitempty"`
	Attributes json.RawMessage       `json:"attributes,omitempty"`
	Tenant     string                `json:"tenant,omitempty"`
	Unowned    bool                  `json:"unowned,omitempty"`
	Actor      string                `json:"actor,omitempty"`
	Params     map[string]string     `json:"params,omitempty"`
	Request    webhook.EventRequest  `json:"request"`
	SkipKey    string                `json:"skip_key,omitempty"`
	Provenance webhook.Provenance    `json:"provenance"`
	Gap        *webhook.Gap          `json:"gap,omitempty"`
	DryRun     bool                  `json:"dry_run,omitempty"`
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
	ID           webhook.DeliveryID     `json:"id"`
	Event        webhook.EventID        `json:"event"`
	Scope        string                 `json:"scope,omitempty"`
	Subscription webhook.SubscriptionID `json:"subscription"`
	Position     uint64                 `json:"position"`
	State        webhook.DeliveryState  `json:"state"`
	Reason       string                 `json:"reason,omitempty"`
	Attempts     int                    `json:"attempts"`
	Due          time.Time              `json:"due,omitzero"`
	Created      time.Time              `json:"created"`
	Settled      time.Time              `json:"settled,omitzero"`
	Made         []attemptView          `json:"requests,omitempty"`
}

// viewDelivery shows d as it stands with its subscription in state s.
func viewDelivery(d *webhook.Delivery, s webhook.SubscriptionState, now time.Time) deliveryView {
	v := deliveryView{
		ID: d.ID, Event: d.Event, Subscription: d.Subscription, Position: d.Position, State: d.State,
		Reason: d.Reason, Attempts: d.Attempts, Due: d.Due, Created: d.Created, Settled: d.Settled,
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
	Number   int             `json:"number"`
	Started  time.Time       `json:"started"`
	Millis   float64         `json:"milliseconds"`
	Outcome  webhook.Outcome `json:"outcome"`
	Status   int             `json:"status,omitempty"`
	Error    string          `json:"error,omitempty"`
	URL      string          `json:"url"`
	Sent     webhook.Header  `json:"sent,omitempty"`
	Received webhook.Header  `json:"received,omitempty"`
	Answer   string          `json:"answer,omitempty"`
	CutShort bool            `json:"answer_cut_short,omitempty"`
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
	HeldThrough uint64                 `json:"held_through,omitempty"`
	Pending     uint64                 `json:"pending"`
	Oldest      time.Time              `json:"oldest_due,omitzero"`
}

func viewSubscription(s webhook.SubscriptionState, b webhook.Backlog, now time.Time) subscriptionView {
	return subscriptionView{
		Circuit: circuit(s, now), CircuitOpen: s.OpenUntil,
		ID: s.ID, Number: s.Number, Status: s.Status, Reason: s.Reason, Since: s.Since, WaitUntil: s.WaitUntil,
		Failures: s.Failures, HeldThrough: s.HeldThrough, Pending: b.Pending, Oldest: b.Oldest,
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
