package webhook

import "encoding/json"

// Operation says what happened to an entity.
type Operation string

const (
	Created Operation = "created"
	Updated Operation = "updated"
	Deleted Operation = "deleted"
	Called  Operation = "called" // earned by the call itself, outside any resource
	Missed  Operation = "gap"    // the event is a gap
)

// FieldChange is one path whose value differs. Paths are names joined by dots;
// a dot inside a name is written `\.`.
type FieldChange struct {
	Path string          `json:"path" jsonschema:"Where, as names joined by dots."`
	Old  json.RawMessage `json:"old,omitempty" jsonschema:"What was there; not there: nothing was."` // nil: absent before
	New  json.RawMessage `json:"new,omitempty" jsonschema:"What is there; not there: nothing is."`   // nil: absent now
}
