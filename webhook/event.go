package webhook

import (
	"encoding/json"
	"time"
)

// Event is one scope earned by one entity in one exchange. Once recorded it is
// never altered, but that the erasure of a related entity takes its copies out.
type Event struct {
	ID       EventID
	Position uint64 // commit order over all events, from 1; set by the store
	Scope    string
	Key      EntityKey
	Sequence uint64 // of the entity; 0 where there is no entity
	Exchange ExchangeID
	Cause    ExchangeID // the exchange because of which it was looked for (refresh), or zero
	Time     time.Time  // when the exchange ended
	Recorded time.Time  // when it was committed; set by the store

	Operation Operation
	Before    json.RawMessage // nil: not there, or not known (see Provenance)
	After     json.RawMessage // nil after a delete, or not known
	Changes   []FieldChange   // on updates with a known before
	Item      json.RawMessage // the element of `each`, or a route event's data
	Related   []Related
	Attrs     json.RawMessage // attributes declared by the rule, a JSON object

	Tenant  string // the tenant that may see it; "" where none is configured
	Unowned bool   // a tenant is configured and none was found: only `tenant *` subscriptions get it
	Actor   string
	Params  map[string]string // path parameters
	Request EventRequest
	SkipKey string

	Provenance Provenance
	Gap        *Gap
	DryRun     bool // captured by a handler in dry_run: shown, never delivered
}

// EventRequest is what an event tells of the call that caused it.
type EventRequest struct {
	ID     string `json:"id,omitempty" jsonschema:"The id that the call carried."`
	Method string `json:"method" jsonschema:"Its method."`
	Path   string `json:"path" jsonschema:"Its path."`
	Trace  string `json:"-"` // traceparent, sent as a header
}

// Related is a second entity or value named by a rule.
type Related struct {
	Name  string          `json:"name" jsonschema:"What it is to the entity."`
	Value json.RawMessage `json:"value" jsonschema:"Its value."`

	// Resource says of which resource the value is an entity; "": of none.
	Resource string `json:"resource,omitempty" jsonschema:"Of which resource it is an entity, if it is one."`

	// ID is that entity's id; "": its value does not tell.
	ID string `json:"id,omitempty" jsonschema:"The id of that entity."`
}

// Entity is what the event's `entity` means: the after state, or the last
// known one for a delete.
func (e *Event) Entity() json.RawMessage {
	if e.Operation == Deleted {
		return e.Before
	}
	return e.After
}

// Provenance says how the before and the after of an event are known.
type Provenance struct {
	Before     Source        `json:"before" jsonschema:"How the state before is known." enum:"none|snapshot|fetch|response|request|computed"`
	BeforeAge  time.Duration `json:"before_age,omitempty" jsonschema:"How old the state before was, in nanoseconds."` // how old the before was when the call began
	After      Source        `json:"after" jsonschema:"How the state after is known." enum:"none|snapshot|fetch|response|request|computed"`
	Confidence Confidence    `json:"confidence" jsonschema:"How sure it is." enum:"proven|observed|inferred"`
	Unknown    []string      `json:"unknown,omitempty" jsonschema:"Paths whose values are not known."`
	Concurrent bool          `json:"concurrent,omitempty" jsonschema:"Other calls on the entity were under way."`

	// Viewed says that what is sent of the entity is what a later GET by the
	// subscriber showed; nil: it is the event's own. It is never kept.
	Viewed *Viewed `json:"viewed,omitempty" jsonschema:"The subscriber's own GET that showed the entity as it is sent."`
}

// Viewed is when a subscriber's own GET showed the entity that it is sent.
type Viewed struct {
	At time.Time `json:"at" jsonschema:"When that was."`

	// Differs lists paths at which the event says otherwise: the entity has been
	// changed since, or the subscriber does not see all of it. What is told to have
	// changed is the event's.
	Differs []string `json:"differs,omitempty" jsonschema:"Paths at which the event says otherwise: the entity has been changed since, or the subscriber does not see all of it."`
}

// Confidence grades an after state.
type Confidence string

const (
	Proven   Confidence = "proven"   // HTTP semantics say so
	Observed Confidence = "observed" // an answer showed it
	Inferred Confidence = "inferred" // computed from the request
)

// Gap says that something may have changed and we cannot tell what.
type Gap struct {
	Reason string    `json:"reason" jsonschema:"Why, as a word." enum:"unknown_outcome|unidentified|unknown_state|too_large|journal|store|rule_error|selector"` // see the constants
	Detail string    `json:"detail" jsonschema:"What may have been missed and why, in words."`
	From   time.Time `json:"from" jsonschema:"From when."`
	To     time.Time `json:"to" jsonschema:"Until when."`
}

// Reasons of gaps.
const (
	GapUnknownOutcome = "unknown_outcome" // the call may or may not have been done
	GapUnidentified   = "unidentified"    // it was done, and we cannot tell to which entity
	GapUnknownState   = "unknown_state"   // it was done to this entity, and we cannot tell what it is now
	GapTooLarge       = "too_large"       // the body was beyond what is kept
	GapJournal        = "journal"         // the journal could not write
	GapStore          = "store"           // the store was full, or is gone
	GapRuleError      = "rule_error"      // a rule failed and the exchange was given up
	GapSelector       = "selector"        // a call changed entities by a query, not by id
)

// Bytes returns about how much e holds.
func (e *Event) Bytes() int {
	n := len(e.Before) + len(e.After) + len(e.Item) + len(e.Attrs)
	for i := range e.Changes {
		n += len(e.Changes[i].Path) + len(e.Changes[i].Old) + len(e.Changes[i].New)
	}
	return n
}
