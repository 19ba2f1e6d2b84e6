package view

import (
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Explanation tells how the events of one exchange came about, or why there are
// none.
type Explanation struct {
	Asked    string             `json:"asked"`
	Exchange webhook.ExchangeID `json:"exchange"`
	Outcome  Outcome            `json:"outcome"`
	Why      string             `json:"why"`
	Call     *Call              `json:"call,omitempty"`
	Entities []rules.Account    `json:"entities,omitempty"`
	Events   []ExplainedEvent   `json:"events,omitempty"`

	// Refresh tells of the entities that GETs were to show because of it.
	Refresh []string `json:"refresh,omitempty"`

	More int `json:"more_events,omitempty"` // beyond those that are shown

	// NotKnown says what cannot be told because it is not kept.
	NotKnown []string `json:"not_known,omitempty"`
}

// Outcome is what became of an exchange.
type Outcome string

const (
	OutcomeEvents      Outcome = "events"
	OutcomeOwn         Outcome = "own" // an event of Sidehook's own, which no call earned
	OutcomeNothing     Outcome = "nothing"
	OutcomeQuarantined Outcome = "quarantined"
	OutcomeWaiting     Outcome = "waiting" // in the journal, and not derived yet
	OutcomeOpen        Outcome = "open"    // its answer has not ended
	OutcomeNotKnown    Outcome = "not_known"
)

// Call is a call as the journal, or the quarantine, still has it.
type Call struct {
	API        string             `json:"api"`
	Method     string             `json:"method"`
	Path       string             `json:"path"`
	Query      string             `json:"query,omitempty"`
	Started    time.Time          `json:"started,omitzero"`
	Ended      time.Time          `json:"ended,omitzero"`
	Status     int                `json:"status,omitempty"`
	Ending     string             `json:"ending,omitempty"`
	Request    string             `json:"request_body,omitempty"`
	Response   string             `json:"response_body,omitempty"`
	Before     string             `json:"before_fetch,omitempty"`
	ClientGone bool               `json:"client_gone,omitempty"`
	Overlapped bool               `json:"overlapped,omitempty"`
	SkipKey    string             `json:"skip_key,omitempty"`
	Cause      webhook.ExchangeID `json:"cause,omitzero"`
}

// ExplainedEvent is an event with everybody who got it, or did not.
type ExplainedEvent struct {
	ID          webhook.EventID       `json:"id"`
	Position    uint64                `json:"position"`
	Scope       string                `json:"scope"`
	Entity      webhook.EntityKey     `json:"entity"`
	Sequence    uint64                `json:"sequence,omitempty"`
	Recorded    time.Time             `json:"recorded"`
	Changes     []webhook.FieldChange `json:"changes,omitempty"`
	Gap         *webhook.Gap          `json:"gap,omitempty"`
	Provenance  webhook.Provenance    `json:"provenance"`
	Subscribers []Reception           `json:"subscribers"`
}

// Reception is what a subscription has to do with an event.
type Reception struct {
	rules.Judgement
	Delivery *Delivery `json:"delivery,omitempty"`
}

// ListedCall is one line of the list of calls that the journal still has.
type ListedCall struct {
	Exchange webhook.ExchangeID `json:"exchange"`
	Method   string             `json:"method"`
	Path     string             `json:"path"`
	Started  time.Time          `json:"started"`
	Status   int                `json:"status,omitempty"` // 0: none was seen (yet)
	Ending   string             `json:"ending,omitempty"` // "": its end was not found
	Outcome  Outcome            `json:"outcome"`
	Events   int                `json:"events,omitempty"` // that it earned
}

// Quarantined is an exchange whose rules failed, as the admin endpoint shows it.
type Quarantined struct {
	Exchange webhook.ExchangeID `json:"exchange"`
	Method   string             `json:"method"`
	Path     string             `json:"path"`
	Why      string             `json:"why"`
	At       time.Time          `json:"at"`
}
