package view

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// AdminAPI is where the subscription API is under the admin endpoint.
const AdminAPI = "/sidehook/api/"

// Of replays.
const (
	DefaultReplayRate = 20  // deliveries in a second
	MostReplays       = 500 // that are known, ended ones included
)

// Erasure says which entity is erased.
type Erasure struct {
	Resource string `json:"resource" jsonschema:"What kind of thing it is."`
	Entity   string `json:"entity" jsonschema:"Its id."`
	API      string `json:"api,omitempty" jsonschema:"The api that has it. Default: any."`
	Tenant   string `json:"tenant,omitempty" jsonschema:"For the operator: the tenant that has it. Default: any."`
}

// Erased says what was erased.
type Erased struct {
	Entities    int  `json:"entities" jsonschema:"How many snapshots were emptied: of each, the sequence is left."`
	Events      int  `json:"events" jsonschema:"How many events were erased."`
	Deliveries  int  `json:"deliveries" jsonschema:"How many deliveries were erased with them, what receivers answered included."`
	Owed        int  `json:"owed" jsonschema:"How many of these were not sent yet, and will not be."`
	Copies      int  `json:"copies" jsonschema:"Of how many events of others, to which it is related, its copy was taken out."`
	Quarantined int  `json:"quarantined" jsonschema:"How many quarantined calls name it. They stay until the operator derives or drops them."`
	Complete    bool `json:"complete" jsonschema:"False: calls that may be about it are still being recorded; erase it again."`
}

// ReplayCount says what a replay would send.
type ReplayCount struct {
	Deliveries int    `json:"deliveries" jsonschema:"How many deliveries would be sent again."`
	Complete   bool   `json:"complete" jsonschema:"False: there may be more, it took too long to count."`
	From       uint64 `json:"from" jsonschema:"The first position."`
	Below      uint64 `json:"below" jsonschema:"The position behind the last."`
}

// Replay is a replay as the API shows it.
type Replay struct {
	ID           webhook.ReplayID       `json:"id" jsonschema:"Names it."`
	Subscription webhook.SubscriptionID `json:"subscription" jsonschema:"The one that it sends to."`
	Status       webhook.ReplayStatus   `json:"status" enum:"running|done|cancelled" jsonschema:"Whether it goes on."`
	Reason       string                 `json:"reason,omitempty" jsonschema:"Why it was cancelled."`
	Waits        string                 `json:"waits,omitempty" jsonschema:"Why it does not go on just now."`

	From     uint64   `json:"from" jsonschema:"The first position."`
	Below    uint64   `json:"below" jsonschema:"The position behind the last."`
	Scopes   []string `json:"scopes,omitempty" jsonschema:"Patterns of event names; none: all."`
	States   []string `json:"states" jsonschema:"What is sent again, by the state of its delivery."`
	Rate     float64  `json:"rate" jsonschema:"How many deliveries are sent in a second at most."`
	Next     uint64   `json:"next" jsonschema:"The position that it looks at next."`
	Progress float64  `json:"progress" jsonschema:"How much of the positions it has looked at, from 0 to 1."`
	Queued   uint64   `json:"queued" jsonschema:"How many deliveries it has made due."`
	Owed     int      `json:"owed" jsonschema:"How many of these are under way or to be retried."`

	Created time.Time `json:"created" jsonschema:"When it began."`
	Ended   time.Time `json:"ended,omitzero" jsonschema:"When it ended."`
}

// Sent tells what a test has sent.
type Sent struct {
	Event    webhook.EventID    `json:"event" jsonschema:"Id of the event."`
	Delivery webhook.DeliveryID `json:"delivery" jsonschema:"Id of the delivery."`
}
