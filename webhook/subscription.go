package webhook

import (
	"encoding/json"
	"slices"
	"time"
)

// AnyTenant is the tenant of a subscription that sees every tenant's events.
const AnyTenant = "*"

// Subscription is who wants which scopes, where, and how. It is read-only once
// it is in use; its running state is a [SubscriptionState].
type Subscription struct {
	ID     SubscriptionID
	Static bool // from the configuration
	Number uint64
	URL    string

	// Judged once, when an event is committed.
	Scopes   []Pattern
	Tenant   string // one tenant's id, or AnyTenant
	Filter   string // expression over the event; "" passes all
	OnChange []string
	SkipKeys []string

	// Judged at each attempt.
	Payload     string // standard, full, thin, cloudevents, cloudevents_binary, or the name of a payload of the configuration
	Fields      []string
	ContentType string // json or form
	Sign        Signing
	Secrets     []Secret // newest first; which of them sign says Signs
	Headers     []HeaderTemplate
	Options     json.RawMessage // what a subscriber sent and we have no field for

	// ViewCheck delivers only what a GET with Credential shows. With Query, and
	// Expand, which is its parameter expand, that GET's entity is what is sent.
	ViewCheck  bool
	Credential Credential
	Expand     []string
	Query      []QueryParameter

	// Related is what such GETs ask for of entities that are related to the event's,
	// by their names there.
	Related map[string]View

	Timeout     time.Duration // whole attempt, connect and body included
	Retry       Schedule
	Order       Order
	Concurrency int // deliveries in flight at once
	Rate        Rate
	Chunk       Chunking
	PauseAfter  int // failed attempts in a row that pause it; 0: never
	DeleteAfter int // attempts in a row without an answer in time that end it; 0: never

	// DisableAfter disables it when nothing was accepted for so long, although it
	// was tried. 0: never.
	DisableAfter time.Duration

	Egress             *Egress // nil: as all are reached
	AllowPrivate       bool
	InsecureSkipVerify bool

	// For is what it is for the events of some resources: each is this
	// subscription with some options replaced, and has no For. What concerns all
	// that goes to it (ID, URL, Scopes, Tenant, Sign, Secrets, Concurrency, Rate,
	// PauseAfter, DeleteAfter and the like) is the same in each.
	For map[string]*Subscription
}

// HeaderTemplate is one header that a subscription adds; Value is a [Template].
type HeaderTemplate struct {
	Name   string
	Value  string
	Secret bool // the value is not to be shown, whatever the name
}

// Signing says how deliveries are signed.
type Signing struct {
	Scheme   string // standard, ed25519, hmac or none
	Header   string // hmac: the header that carries the signature
	Encoding string // hmac: hex or base64
	Over     string // hmac: template of the signed text, default {body}
	As       string // hmac: template of the header's value, default {signature}
	Join     string // hmac: between several signatures; "": the header has room for one
}

// One reports whether a delivery carries one signature, however many secrets
// there are.
func (g Signing) One() bool { return g.Scheme == SignHMAC && g.Join == "" || g.Scheme == SignNone }

// Schemes of [Signing].
const (
	SignStandard = "standard"
	SignEd25519  = "ed25519" // Standard Webhooks, asymmetric
	SignHMAC     = "hmac"
	SignNone     = "none"
)

// Signs returns the secrets that sign, newest first: all of them; or, where there
// is one signature only, the oldest, which the receiver has for sure, until it ends.
func (s *Subscription) Signs() []Secret {
	if s.Sign.One() && len(s.Secrets) > 1 {
		return s.Secrets[len(s.Secrets)-1:]
	}
	return s.Secrets
}

// PublicKeys returns what verifies the signatures of s, newest first, if s signs
// with ed25519.
func (s *Subscription) PublicKeys() (keys []string) {
	if s.Sign.Scheme != SignEd25519 {
		return nil
	}
	for _, secret := range s.Secrets {
		if key, err := secret.PublicKey(); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// Order says which deliveries of a subscription wait for each other.
type Order string

const (
	OrderNone         Order = "none"         // none
	OrderEntity       Order = "entity"       // those of one entity
	OrderEntityHold   Order = "entity hold"  // and an exhausted one holds those behind it
	OrderSubscription Order = "subscription" // all
)

// Lane returns the lane of e's delivery under o; deliveries of one lane are
// attempted one after the other, in order of position. "" is no lane.
func (o Order) Lane(e *Event) string {
	switch o {
	case OrderEntity, OrderEntityHold:
		return hashText(e.Key.API, e.Key.Tenant, e.Key.Resource, e.Key.ID)
	case OrderSubscription:
		return "*"
	}
	return ""
}

// Shows reports whether what s is sent of an entity is what its own GET shows.
func (s *Subscription) Shows() bool { return len(s.Expand) > 0 || len(s.Query) > 0 }

// LooksAtEntity reports whether a GET of its own decides what s is sent of an
// event's entity.
func (s *Subscription) LooksAtEntity() bool { return s.ViewCheck || s.Shows() }

// Looks reports whether GETs of its own decide what s is sent.
func (s *Subscription) Looks() bool { return s.LooksAtEntity() || len(s.Related) > 0 }

// SetNumber gives s its number, which it has for the events of every resource.
func (s *Subscription) SetNumber(n uint64) {
	s.Number = n
	for _, v := range s.For {
		v.Number = n
	}
}

// As returns what s is for the events of a resource.
func (s *Subscription) As(resource string) *Subscription {
	if v := s.For[resource]; v != nil {
		return v
	}
	return s
}

// Wants reports whether a pattern of s selects scope.
func (s *Subscription) Wants(scope string) bool {
	return slices.ContainsFunc(s.Scopes, func(p Pattern) bool { return p.Match(scope) })
}

// Sees reports whether s may see e: its tenant is e's, or it sees all.
func (s *Subscription) Sees(e *Event) bool {
	return s.Tenant == AnyTenant || !e.Unowned && s.Tenant == e.Tenant
}

// Skips reports whether a call with skip key must not reach s.
func (s *Subscription) Skips(key string) bool {
	return key != "" && slices.Contains(s.SkipKeys, key)
}

// Status is the state of a subscription. Only an active one is delivered to;
// what the others are owed is held.
type Status string

const (
	Active   Status = "active"
	Paused   Status = "paused"   // by the operator, pause_after or a credential; resumed by a call
	Disabled Status = "disabled" // by failure over time, delete_after included
	Gone     Status = "gone"     // the receiver answered 410, or asked to stop
	Absent   Status = "absent"   // a static one that the configuration no longer has
)

// SubscriptionState is what a subscription's past left behind. It survives
// restarts and reloads.
type SubscriptionState struct {
	ID     SubscriptionID
	Number uint64 // assigned once, from 1
	Status Status
	Reason string // operator, pause_after, gone, disable, absent…
	Since  time.Time

	// HeldThrough: deliveries up to this event position stay held although the
	// subscription is active, until they are released. 0: none.
	HeldThrough uint64

	// WaitUntil is when a Retry-After of the receiver ends.
	WaitUntil time.Time

	// Failures counts failed attempts in a row.
	Failures int

	// Timeouts counts attempts in a row that had no answer in time.
	Timeouts int

	// FailingSince is when the first of those attempts failed of which none was
	// accepted since; zero: the last was.
	FailingSince time.Time

	// Warned is how many warnings of [Subscription].DisableAfter are due for that,
	// 2 at most.
	Warned int

	// Opened counts how often in a row the circuit breaker has opened; 0: the
	// circuit is closed. Until OpenUntil nothing is attempted, then one delivery
	// at a time: whether it is accepted decides.
	Opened    int
	OpenUntil time.Time
	OpenSince time.Time // when it opened that was closed
}
