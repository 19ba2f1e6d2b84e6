package webhook

import (
	"encoding/json"
	"time"
)

// EntityKey names one entity. ID keeps the API's own spelling (digits of large
// numbers included); a singular resource has the empty ID.
type EntityKey struct {
	API      string `json:"api" jsonschema:"The api that it belongs to."`
	Tenant   string `json:"tenant,omitempty" jsonschema:"The tenant, where it is part of what tells entities apart."`
	Resource string `json:"resource" jsonschema:"What it is, like project."`
	ID       string `json:"id" jsonschema:"Its id, as the API writes it."`
}

// String returns resource/id, as logs show an entity.
func (k EntityKey) String() string { return k.Resource + "/" + k.ID }

// Snapshot is an entity as last seen. The zero Snapshot (Sequence 0, no body)
// is an entity never seen.
type Snapshot struct {
	Key EntityKey

	// Sequence counts the recorded changes and gaps of the entity, without
	// holes. After a delete it is kept by the tombstone.
	Sequence uint64

	Deleted bool            // tombstone: the entity is known to be gone; Body is nil
	Body    json.RawMessage // nil: known to exist (or to have existed), content not known
	Unknown []string        // paths in Body whose value is not known any more

	// Stale is when something was last done to the entity that nothing showed;
	// zero: nothing was. From then on Body is only its last known state: what a
	// delete carries, and nothing that a change is told against.
	Stale time.Time

	Seen    time.Time // when the body was last known to be true
	Via     Source    // how it was learned
	Version string    // value of the resource's version path, "" if none
	ETag    string    // the validator that came with it, "" if none
	View    string    // which representation it is: changes in shape across views are no removals

	// Alias is the id of the entity that the key is another name of; "": the key
	// is its own. A renamed entity keeps its id. The rest of the snapshot is that
	// of the entity with this id, which may have another name by now.
	Alias string

	Name   string // what the entity with this id is called since it was renamed; "": by its id
	Parent string // what its path puts it below, "" if nothing

	Tenant   string     // tenant attribute, where the tenant is not part of the key
	Exchange ExchangeID // the exchange that wrote it

	// Concurrent says that it was learned while other calls on the entity were
	// under way: one of those may have been done last.
	Concurrent bool

	// Found is when it was first told of as something that was there already; zero
	// if its creation is told, or it is gone. A create that was under way then may
	// be what made it.
	Found time.Time

	// Until is when the store may forget it; zero: never, or with its tombstone.
	Until time.Time
}

// Known reports whether s says what the entity is, and not only what it was.
func (s *Snapshot) Known() bool { return s.Deleted || s.Body != nil && s.Stale.IsZero() }

// Source says where a before or an after was learned.
type Source string

const (
	FromNone     Source = "none"
	FromSnapshot Source = "snapshot"
	FromFetch    Source = "fetch"
	FromResponse Source = "response"
	FromRequest  Source = "request"
	FromComputed Source = "computed"
)
